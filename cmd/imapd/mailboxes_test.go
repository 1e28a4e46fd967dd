package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"goqmail/lib/mboxname"
	"goqmail/lib/syslog"
)

// names returns the names of all mailboxes in the store.
func names(t testing.TB, s *server) (names []string) {
	t.Helper()
	entries, err := s.store.Below("")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

func wantNames(t *testing.T, s *server, want ...string) {
	t.Helper()
	if got := names(t, s); !slices.Equal(got, want) {
		t.Errorf("mailboxes %q, want %q", got, want)
	}
}

func TestCreate(t *testing.T) {
	s := newServer(t)
	login(t, s, "john").talk(`
		> a CREATE INBOX.SPAM.
		< a OK [MAILBOXID (…)] Completed
		> b CREATE INBOX.SPAM
		< b NO [ALREADYEXISTS] Mailbox already exists
		> c CREATE inbox
		< c NO [ALREADYEXISTS] Mailbox already exists
		> d CREATE user.john2
		< d NO [NOPERM] Permission denied
		> e CREATE user.mary.x
		< e NO [NOPERM] Permission denied
		> f CREATE comp
		< f NO [NOPERM] Permission denied
		> g CREATE INBOX..x
		< g NO [CANNOT] Invalid mailbox name
		> h CREATE "INBOX.a/b"
		< h NO [CANNOT] Invalid mailbox name
		> i CREATE INBOX.x default
		< i NO [NOPERM] Permission denied
		> j CREATE INBOX.out (USE (\sent \drafts))
		< j OK [MAILBOXID (…)] Completed
		> k CREATE INBOX.all (USE (\All))
		< k NO [USEATTR] Special use is not supported
		> l CREATE INBOX.x (NONE)
		< l BAD Invalid Create parameter
		> m LIST (SPECIAL-USE) "" *
		< * LIST (\HasNoChildren \Drafts \Sent) "." INBOX.out
		< m OK Completed
		> n CREATE user
		< n NO [CANNOT] Invalid mailbox name`)
	login(t, s, "cyrus").talk(`
		> a CREATE user.ann.SPAM
		< a NO [NOPERM] Permission denied
		> b CREATE user.ann nowhere
		< b NO Unknown/invalid partition
		> c CREATE user.ann default
		< c OK [MAILBOXID (…)] Completed
		> d CREATE user.ann.SPAM
		< d OK [MAILBOXID (…)] Completed
		> e CREATE comp
		< e OK [MAILBOXID (…)] Completed
		> f CREATE user.mary.y
		< f OK [MAILBOXID (…)] Completed`)
	wantNames(t, s, "comp", "user.ann", "user.ann.SPAM", "user.john", "user.john.SPAM", "user.john.out", "user.mary", "user.mary.y")
	for name, want := range map[string]string{
		"comp": "anyone\tlrs\t", "user.ann": "ann\tlrswipkxtecdan\t", "user.ann.SPAM": "ann\tlrswipkxtecdan\t", "user.mary.y": "mary\tlrswipkxtecdan\t",
	} {
		if e, err := s.store.Lookup(name); err != nil || e.ACL != want {
			t.Errorf("ACL of %s is %q, %v, want %q", name, e.ACL, err, want)
		}
	}
}

func TestCreateOwnInbox(t *testing.T) {
	s := newServer(t)
	login(t, s, "ann").talk("> a CREATE INBOX\n< a NO [NOPERM] Permission denied\n> b CREATE INBOX.x\n< b NO [NOPERM] Permission denied")
	s = newServer(t, "autocreatequota: 100")
	login(t, s, "ann").talk("> a CREATE INBOX\n< a OK …\n> b CREATE INBOX.x\n< b OK …")
	if q, ok, err := s.store.QuotaRoot("user.ann.x"); !ok || err != nil || q.Root != "user.ann" || q.Limit != 100 {
		t.Errorf("quota %+v, %v", q, err)
	}
}

func TestAutocreate(t *testing.T) {
	s := newServer(t, "autocreate_quota: 100", "autocreate_inbox_folders: Sent|Drafts")
	login(t, s, "ann").talk(`
		> a LIST "" *
		< * LIST (\HasChildren) "." INBOX
		< * LIST (\HasNoChildren) "." INBOX.Drafts
		< * LIST (\HasNoChildren) "." INBOX.Sent
		< a OK Completed`)
	login(t, s, "ann")
	login(t, s, "cyrus").talk(`
		> a LIST "" user.cyrus
		< a OK Completed`)
}

func TestDelete(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"user.john.a", "user.john.a.b", "user.john.c"} {
		create(t, s, name, "john")
	}
	grant(t, s, "user.mary.open", "anyone\tlr\t")
	put(t, s, "user.john.c", nil, hello)
	c := login(t, s, "john")
	c.talk(`
		> a DELETE INBOX
		< a NO [CANNOT] Operation is not supported on mailbox
		> b DELETE INBOX.a
		< b OK Completed
		> c LIST "" INBOX.%
		< * LIST (\Noselect \HasChildren) "." INBOX.a
		< * LIST (\HasNoChildren) "." INBOX.c
		< c OK Completed
		> d DELETE INBOX.a
		< d NO [NONEXISTENT] Mailbox does not exist
		> e DELETE user.mary
		< e NO [NONEXISTENT] Mailbox does not exist
		> f DELETE user.mary.open
		< f NO [NOPERM] Permission denied
		> g SELECT INBOX.c
		< ...
		< g OK [READ-WRITE] Completed
		> h DELETE INBOX.c
		< * OK [CLOSED] Ok
		< h OK Completed
		> i FETCH 1 FLAGS
		< i BAD Please select a mailbox first
		> s SUBSCRIBE INBOX.a.b
		< s OK Completed`)
	cyrus := login(t, s, "cyrus")
	cyrus.talk(`
		> a DELETE user.john
		< a NO [NOPERM] Permission denied
		> b SETACL user.john cyrus c
		< b OK Completed
		> c DELETE user.john
		< c OK Completed
		> d DELETE user.john
		< d NO [NONEXISTENT] Mailbox does not exist`)
	wantNames(t, s, "user.mary", "user.mary.open")
	if names, err := s.store.Subscriptions("john"); len(names) > 0 || err != nil {
		t.Errorf("john is subscribed to %q, %v", names, err)
	}
}

func TestRename(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"a", "a.b", "a.b.c", "d"} {
		create(t, s, "user.john."+name, "john")
	}
	grant(t, s, "user.mary.open", "anyone\tlr\tmary\tlrx\t")
	put(t, s, "user.john", nil, hello, hello)
	put(t, s, "user.john.a.b", nil, hello)
	c := login(t, s, "john")
	c.talk(`
		> a RENAME INBOX.a INBOX.d
		< a NO [ALREADYEXISTS] Mailbox already exists
		> b RENAME INBOX.a INBOX.d.a
		< * OK rename INBOX.a INBOX.d.a
		< * OK rename INBOX.a.b INBOX.d.a.b
		< * OK rename INBOX.a.b.c INBOX.d.a.b.c
		< b OK Completed
		> c STATUS INBOX.d.a.b (MESSAGES)
		< * STATUS INBOX.d.a.b (MESSAGES 1)
		< c OK Completed
		> d RENAME INBOX.a INBOX.e
		< d NO [NONEXISTENT] Mailbox does not exist
		> e RENAME INBOX.d user.mary.d
		< e NO [NOPERM] Permission denied
		> f RENAME user.mary.open INBOX.open
		< f NO [NOPERM] Permission denied
		> g RENAME INBOX.d INBOX.d default
		< g NO [NOPERM] Permission denied
		> h SELECT INBOX
		< ...
		< h OK [READ-WRITE] Completed
		> i RENAME INBOX INBOX.old
		< * 2 EXPUNGE
		< * 1 EXPUNGE
		< i OK Completed
		> j STATUS INBOX.old (MESSAGES)
		< * STATUS INBOX.old (MESSAGES 2)
		< j OK Completed
		> k RENAME INBOX.d.a INBOX.d.a.x
		< * OK rename INBOX.d.a INBOX.d.a.x
		< * OK rename INBOX.d.a.b INBOX.d.a.x.b
		< * OK rename INBOX.d.a.b.c INBOX.d.a.x.b.c
		< k OK Completed`)
	login(t, s, "cyrus").talk(`
		> a RENAME user.john user.ann
		< a NO [NOPERM] Permission denied`)
}

func TestRenameUser(t *testing.T) {
	s := newServer(t, "allowusermoves: yes")
	create(t, s, "user.john.a", "john")
	login(t, s, "john").talk(`
		> a SUBSCRIBE INBOX.a
		< a OK Completed
		> b RENAME INBOX.a user.ann
		< b NO [NOPERM] Permission denied`)
	login(t, s, "cyrus").talk(`
		> a SETQUOTA user.john (STORAGE 100)
		< ...
		< a OK Completed
		> b RENAME user.john user.ann
		< * OK rename user.john user.ann
		< * OK rename user.john.a user.ann.a
		< b OK Completed
		> c GETACL user.ann.a
		< * ACL user.ann.a ann lrswipkxtecdan
		< c OK Completed
		> d GETQUOTAROOT user.ann.a
		< * QUOTAROOT user.ann.a user.ann
		< * QUOTA user.ann (STORAGE 0 100)
		< d OK Completed
		> f RENAME user.ann.a user.bob
		< f NO [NOPERM] Permission denied
		> e RENAME user.ann user.ann huge
		< e NO Unknown/invalid partition`)
	login(t, s, "ann").talk(`
		> a LSUB "" *
		< * LSUB () "." INBOX.a
		< a OK Completed`)
}

func TestStatus(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello)
	put(t, s, "user.john", []string{`\Deleted`, `\Seen`}, hello)
	grant(t, s, "comp", "anyone\tlrs\tmary\tlrswipkxtecdan\t")
	grant(t, s, "seen", "anyone\tl\t")
	put(t, s, "comp", []string{`\Seen`}, hello)
	login(t, s, "john").talk(`
		> a STATUS inbox (MESSAGES RECENT UIDNEXT UNSEEN DELETED DELETED-STORAGE SIZE)
		< * STATUS INBOX (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 1 DELETED 1 DELETED-STORAGE 1 SIZE 290)
		< a OK Completed
		> b STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ MAILBOXID APPENDLIMIT)
		< * STATUS INBOX (UIDVALIDITY … HIGHESTMODSEQ … MAILBOXID (…) APPENDLIMIT …)
		< b OK Completed
		> c STATUS INBOX ()
		< c BAD Invalid Status attributes
		> d STATUS INBOX (NOTHING)
		< d BAD Invalid Status attributes
		> e STATUS user.mary (MESSAGES)
		< e NO [NONEXISTENT] Mailbox does not exist
		> f STATUS seen (MESSAGES)
		< f NO [NOPERM] Permission denied
		> g STATUS comp (UNSEEN)
		< * STATUS comp (UNSEEN 1)
		< g OK Completed`)
}

func TestReconstruct(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.john.a", "john")
	put(t, s, "user.john.a", nil, hello)
	spool := s.settings().Partitions()["default"]
	if err := os.WriteFile(spool+"/user/john/a/9.", []byte(hello), 0o600); err != nil {
		t.Fatal(err)
	}
	login(t, s, "john").talk("> a RECONSTRUCT INBOX\n< a NO [NOPERM] Permission denied")
	login(t, s, "cyrus").talk(`
		> a RECONSTRUCT user.john sideways
		< a BAD Invalid Reconstruct argument
		> b RECONSTRUCT user.john RECURSIVE
		< b OK Completed`)
	login(t, s, "john").talk(`
		> a STATUS INBOX.a (MESSAGES UIDNEXT)
		< * STATUS INBOX.a (MESSAGES 2 UIDNEXT 10)
		< a OK Completed`)
}

// FuzzMailboxes: whatever john sends, what is mary's stays as it is, and what he makes
// has a name that he can use.
func FuzzMailboxes(f *testing.F) {
	s := newServer(f)
	s.record = func(syslog.Level, string, ...any) {}
	create(f, s, "user.mary.a", "mary")
	for _, seed := range []string{
		"CREATE INBOX.a (USE (\\Sent))", "CREATE INBOX.&AOQ-.", "RENAME INBOX.a user.mary.a", "RENAME INBOX INBOX.b", "DELETE INBOX.a", "DELETE user.mary",
		"SETACL INBOX mary +lr", "DELETEACL INBOX john", "SETQUOTA INBOX (STORAGE 1)", "SUBSCRIBE INBOX", "LSUB \"\" %", "STATUS INBOX (SIZE UNSEEN)",
		"SETMETADATA user.mary (/shared/comment \"x\")", "GETMETADATA (DEPTH 1 MAXSIZE 2) INBOX (/shared /private)", "SETMETADATA INBOX (/private/specialuse \"\\\\Junk\")",
		"SETANNOTATION \"*\" \"/comment\" (\"value.priv\" {1+}\r\nx)", "GETANNOTATION \"*\" (\"/a\" \"*\") \"value\"", "LISTRIGHTS INBOX x", "ENABLE UTF8=ACCEPT",
		"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% *a) RETURN (STATUS (MESSAGES))", "RECONSTRUCT user.mary",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		ours, theirs := net.Pipe()
		done := make(chan bool)
		go func() {
			s.serve(theirs)
			close(done)
		}()
		go func() {
			fmt.Fprintf(ours, "l LOGIN john secret\r\na %s\r\nb %s\r\n", first, second)
			ours.Close()
		}()
		io.Copy(io.Discard, ours)
		<-done
		space := mboxname.Space{User: "john", Separator: '.'}
		for _, name := range names(t, s) {
			e, err := s.store.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := space.Internal(space.External(name)); err != nil || again != name {
				t.Errorf("there is a mailbox %q", name)
			}
			if owner, _ := userOf(name); owner == "mary" && e.ACL != "mary\tlrswipkxtecdan\t" {
				t.Errorf("%s has the list %q", name, e.ACL)
			}
			if own, err := s.store.Annotations(name, "mary"); !strings.HasPrefix(name, "user.john") && (err != nil || len(own) > 0) {
				t.Errorf("%s is annotated: %+v, %v", name, own, err)
			}
			if strings.HasPrefix(name, "user.john.") { // room for what comes next
				if err := s.store.Delete(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		wantNames(t, s, "user.john", "user.mary", "user.mary.a")
	})
}

// With altnamespace other mailboxes stand beside INBOX, and none below it.
func TestNothingBelowInbox(t *testing.T) {
	login(t, newServer(t, "altnamespace: yes", "unixhierarchysep: yes"), "john").talk(`
		> a CREATE INBOX/foo
		< a NO [CANNOT] Invalid mailbox name
		> b CREATE foo/bar
		< b OK …
		> c RENAME foo/bar inbox/bar
		< c NO [CANNOT] Invalid mailbox name
		> d SUBSCRIBE INBOX/foo
		< d NO [CANNOT] Invalid mailbox name
		> e LIST "" "INBOX/*"
		< e OK Completed
		> f LIST "" "*"
		< * LIST (…) "/" INBOX
		< ...
		< f OK Completed`)
}
