package main

import (
	"fmt"
	"strings"
	"testing"

	"goqmail/lib/mailstore"
)

func TestMetadata(t *testing.T) {
	s := newServer(t)
	c := login(t, s, "john")
	c.talk(`
		> a GETMETADATA INBOX /shared/comment
		< * METADATA INBOX (/shared/comment NIL)
		< a OK Completed
		> b SETMETADATA INBOX (/shared/comment "it's \"mine\"" /private/Comment {5}
		< + go ahead
		> hello /private/vendor/x/a/b "")
		< b OK Completed
		> c GETMETADATA INBOX (/shared/comment /private/comment)
		< * METADATA INBOX (/shared/comment "it's \"mine\"" /private/comment "hello")
		< c OK Completed
		> d GETMETADATA (DEPTH 1) INBOX /private
		< * METADATA INBOX (/private/comment "hello")
		< d OK Completed
		> e GETMETADATA (DEPTH infinity MAXSIZE 4) INBOX (/private)
		< * METADATA INBOX (/private/vendor/x/a/b "")
		< e OK [METADATA LONGENTRIES 5] Completed
		> f GETMETADATA INBOX (MAXSIZE 4) (/private/comment)
		< f OK [METADATA LONGENTRIES 5] Completed
		> g SETMETADATA INBOX (/private/comment NIL)
		< g OK Completed
		> h GETMETADATA INBOX ("/private/*")
		< * METADATA INBOX (/private/vendor/x/a/b "")
		< h OK Completed
		> i SETMETADATA INBOX (/comment "x")
		< i BAD Invalid annotation entry
		> j SETMETADATA INBOX (/shared/a//b "x")
		< j BAD Invalid annotation entry
		> k SETMETADATA "" (/shared/motd "hi")
		< k NO [NOPERM] Permission denied
		> l SETMETADATA "" (/private/comment "mine")
		< l OK Completed
		> m GETMETADATA "" /private/comment
		< * METADATA "" (/private/comment "mine")
		< m OK Completed
		> n CREATE INBOX.out
		< n OK …
		> o SETMETADATA INBOX.out (/private/specialuse "\\Sent")
		< o OK Completed
		> p GETMETADATA INBOX.out /private/specialuse
		< * METADATA INBOX.out (/private/specialuse "\\Sent")
		< p OK Completed
		> q LIST (SPECIAL-USE) "" *
		< * LIST (\HasNoChildren \Sent) "." INBOX.out
		< q OK Completed
		> r SETMETADATA INBOX.out (/private/specialuse "\\Nothing")
		< r NO [USEATTR] Special use is not supported
		> s SETMETADATA INBOX (/shared/vendor/cmu/cyrus-imapd/squat "true")
		< s NO [CANNOT] Annotation is not supported
		> t SETMETADATA INBOX (/shared/vendor/cmu/cyrus-imapd/expire "soon")
		< t NO [CANNOT] Invalid annotation value
		> u SETMETADATA INBOX (/private/bin ~{3+}
		> ` + "\x00" + `ab)
		< u OK Completed
		> v GETMETADATA INBOX /private/bin
		< * METADATA INBOX (/private/bin ~{3}
		< ` + "\x00" + `ab)
		< v OK Completed`)
	login(t, s, "cyrus").talk(`
		> a SETMETADATA "user.john" ("/shared/vendor/cmu/cyrus-imapd/expire" "30")
		< a OK Completed
		> b GETMETADATA "user.john" ("/shared/*")
		< * METADATA user.john (/shared/comment "it's \"mine\"" /shared/vendor/cmu/cyrus-imapd/expire "30" /shared/vendor/cmu/cyrus-imapd/partition "default" /shared/vendor/cmu/cyrus-imapd/size "0" /shared/vendor/cmu/cyrus-imapd/uniqueid "…")
		< b OK Completed
		> c GETMETADATA "" ("/private/*")
		< c OK Completed
		> d SETMETADATA "" ("/shared/motd" {4}
		< + go ahead
		> h
		> i)
		< d OK Completed`)
	dial(t, s).talk(`
		> a LOGIN mary secret
		< * OK [ALERT] h  i
		< a OK …`)
}

func TestAnnotationsAreBounded(t *testing.T) {
	s := newServer(t)
	for i := range maxAnnotations {
		if err := s.store.Annotate("user.john", mailstore.Annotation{Entry: fmt.Sprintf("/x/%d", i), User: "john", Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	login(t, s, "john").talk(`
		> a SETMETADATA INBOX (/private/x/new "x")
		< a NO [METADATA TOOMANY] Too many annotations
		> b SETMETADATA INBOX (/private/x/1 "y")
		< b OK Completed
		> c SETMETADATA INBOX (/private/x/1 NIL)
		< c OK Completed
		> d SETMETADATA INBOX (/private/x/new "x")
		< d OK Completed
		> e SETMETADATA INBOX (/private/x/new {` + fmt.Sprint(maxAnnotation+1) + `+}
		> ` + strings.Repeat("x", maxAnnotation+1) + `)
		< e NO [METADATA MAXSIZE 65536] Annotation is too long`)
}

// As cyradm of Cyrus 2.2 has it.
func TestAnnotatemore(t *testing.T) {
	s := newServer(t)
	login(t, s, "cyrus").talk(`
		> a SETANNOTATION "user.john" "/vendor/cmu/cyrus-imapd/expire" ("value.shared" "30")
		< a OK Completed
		> b SETANNOTATION "user.*" ("/comment" ("value.shared" "x" "value.priv" "y"))
		< b OK Completed
		> c GETANNOTATION "user.john" "*" "value.shared"
		< * ANNOTATION "user.john" "/comment" ("value.shared" "x")
		< * ANNOTATION "user.john" "/vendor/cmu/cyrus-imapd/expire" ("value.shared" "30")
		< * ANNOTATION "user.john" "/vendor/cmu/cyrus-imapd/partition" ("value.shared" "default")
		< * ANNOTATION "user.john" "/vendor/cmu/cyrus-imapd/size" ("value.shared" "0")
		< * ANNOTATION "user.john" "/vendor/cmu/cyrus-imapd/uniqueid" ("value.shared" "…")
		< c OK Completed
		> d GETANNOTATION "*" "/comment" ("value" "size.priv")
		< * ANNOTATION "user.john" "/comment" ("value.priv" "y" "size.priv" "1" "value.shared" "x")
		< * ANNOTATION "user.mary" "/comment" ("value.priv" "y" "size.priv" "1" "value.shared" "x")
		< d OK Completed
		> e SETANNOTATION "" "/motd" ("value.shared" NIL)
		< e OK Completed
		> f GETANNOTATION "" "*" "value.shared"
		< f OK Completed
		> g SETANNOTATION "user.john" "/comment" ("nothing" "x")
		< g BAD Invalid annotation attribute`)
}
