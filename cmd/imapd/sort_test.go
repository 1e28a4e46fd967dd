package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSort(t *testing.T) {
	s := newServer(t)
	searched(t, s)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> a SORT (SUBJECT) UTF-8 ALL
		< * SORT 4 1 2 3
		< a OK Completed
		> a SORT (REVERSE SUBJECT REVERSE SIZE) US-ASCII ALL
		< * SORT 3 2 1 4
		< a OK Completed
		> a UID SORT (DATE) us-ascii NOT SEEN
		< * SORT 2 3 4
		< a OK Completed
		> a SORT (REVERSE DATE) us-ascii 1:3
		< * SORT 2 3 1
		< a OK Completed
		> a SORT (FROM) us-ascii FLAGGED DELETED
		< * SORT
		< a OK Completed
		> a SORT (ARRIVAL) us-ascii MODSEQ 3
		< * SORT 2 3 4 (MODSEQ 5)
		< * OK [HIGHESTMODSEQ 5] Ok
		< a OK Completed
		> a1 SORT RETURN (MIN MAX COUNT) (REVERSE ARRIVAL REVERSE SIZE) UTF-8 ALL
		< * ESEARCH (TAG "a1") MIN 3 MAX 4 COUNT 4
		< a1 OK Completed
		> a2 UID SORT RETURN () (SUBJECT) UTF-8 ALL
		< * ESEARCH (TAG "a2") UID ALL 4,1:3
		< a2 OK Completed
		> a3 SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL
		< * ESEARCH (TAG "a3") MIN 4
		< a3 OK Completed
		> a4 SEARCH $
		< * SEARCH 4
		< a4 OK Completed
		> a SORT (DISPLAYFROM) UTF-8 ALL
		< * SORT 3 2 4 1
		< a OK Completed
		> a SORT (REVERSE DISPLAYTO DISPLAYFROM) UTF-8 2:*
		< * SORT 4 3 2
		< a OK Completed
		> b SORT (SUBJECT) x-none ALL
		< b NO [BADCHARSET (US-ASCII UTF-8)] Unsupported character set
		> b SORT () UTF-8 ALL
		< b BAD Invalid Sort criteria
		> b SORT (REVERSE) UTF-8 ALL
		< b BAD Invalid Sort criteria
		> b SORT (COLOUR) UTF-8 ALL
		< b BAD Invalid Sort criterion
		> b SORT (DATE) UTF-8
		< b BAD Missing required argument
		> b THREAD REFS UTF-8 ALL
		< b BAD Invalid Thread algorithm
		> c THREAD ORDEREDSUBJECT UTF-8 ALL
		< * THREAD (1)(2 3)(4)
		< c OK Completed
		> c UID THREAD REFERENCES UTF-8 2:*
		< * THREAD (2 3)(4)
		< c OK Completed
		> c THREAD REFERENCES UTF-8 DRAFT
		< * THREAD
		< c OK Completed`)
}

// What comes and goes is in the order that follows.
func TestSortChanges(t *testing.T) {
	s := newServer(t)
	message := func(n int, refers string) string {
		return fmt.Sprintf("Message-ID: <%d@b>\r\nReferences: %s\r\nSubject: %d\r\n\r\n", n, refers, 9-n)
	}
	put(t, s, "user.john", nil, message(1, ""), message(2, "<1@b>"), message(3, "<2@b>"))
	c, other := login(t, s, "john"), login(t, s, "john")
	c.talk("> s SELECT INBOX\n< ...\n< s OK …\n> a THREAD REFERENCES UTF-8 ALL\n< * THREAD (1 2 3)\n< a OK …")
	other.talk("> s SELECT INBOX\n< ...\n< s OK …\n> d STORE 2 +FLAGS.SILENT (\\Deleted)\n< d OK …\n> e EXPUNGE\n< * 2 EXPUNGE\n< e OK …")
	put(t, s, "user.john", nil, message(4, "<3@b>"))
	c.talk(`
		> n NOOP
		< * 2 EXPUNGE
		< * 3 EXISTS
		< ...
		< n OK Completed
		> a THREAD REFERENCES UTF-8 ALL
		< * THREAD (1)(2 3)
		< a OK Completed
		> b UID SORT (SUBJECT) UTF-8 ALL
		< * SORT 4 3 1
		< b OK Completed`)
}

// SORT and THREAD have all that SEARCH finds, and nothing else.
func TestSortIsSearch(t *testing.T) {
	s := newServer(t)
	for range 10 {
		searched(t, s)
	}
	c := login(t, s, "john")
	c.talk("> s SELECT INBOX\n< ...\n< s OK …")
	result := func(command string) []string {
		fmt.Fprintf(c, "x %s\r\n", command)
		words := strings.FieldsFunc(c.line(), func(r rune) bool { return strings.ContainsRune(" ()", r) })
		if line := c.line(); line != "x OK Completed" {
			t.Fatal(line)
		}
		slices.Sort(words[2:])
		return words[2:]
	}
	for _, keys := range []string{"ALL", "SEEN", "OR SUBJECT two FROM mary", "BODY inner", "3:17 NOT FLAGGED"} {
		want := result("SEARCH " + keys)
		for _, command := range []string{"SORT (CC TO REVERSE FROM DATE SIZE)", "SORT (REVERSE SUBJECT)", "THREAD REFERENCES", "THREAD ORDEREDSUBJECT"} {
			if got := result(command + " UTF-8 " + keys); !slices.Equal(got, want) {
				t.Errorf("%s %s: %v, want %v", command, keys, got, want)
			}
		}
	}
}
