package main

import (
	"testing"

	"goqmail/lib/mailstore"
)

func TestList(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"user.john.SPAM", "user.john.a.b", "user.john.a.c", "user.john.d"} {
		create(t, s, name, "john")
	}
	grant(t, s, "user.mary.open", "anyone\tlr\t")
	grant(t, s, "comp.lang", "anyone\tlr\t")
	grant(t, s, "comp.secret", "mary\tlr\t")
	c := login(t, s, "john")
	c.talk(`
		> a LIST "" ""
		< * LIST (\Noselect) "." ""
		< a OK Completed
		> b LIST "" *
		< * LIST (\HasChildren) "." INBOX
		< * LIST (\HasNoChildren) "." INBOX.SPAM
		< * LIST (\HasNoChildren) "." INBOX.a.b
		< * LIST (\HasNoChildren) "." INBOX.a.c
		< * LIST (\HasNoChildren) "." INBOX.d
		< * LIST (\HasNoChildren) "." comp.lang
		< * LIST (\HasNoChildren) "." user.mary.open
		< b OK Completed
		> c LIST "" %
		< * LIST (\HasChildren) "." INBOX
		< * LIST (\Noselect \HasChildren) "." comp
		< * LIST (\Noselect \HasChildren) "." user
		< c OK Completed
		> d LIST INBOX. %
		< * LIST (\HasNoChildren) "." INBOX.SPAM
		< * LIST (\Noselect \HasChildren) "." INBOX.a
		< * LIST (\HasNoChildren) "." INBOX.d
		< d OK Completed
		> e LIST "" inbox
		< * LIST (\HasChildren) "." INBOX
		< e OK Completed
		> f LIST "" user.mary
		< f OK Completed
		> g LIST "" iNb%
		< * LIST (\HasChildren) "." INBOX
		< g OK Completed
		> h LIST "" "user.mary.*"
		< * LIST (\HasNoChildren) "." user.mary.open
		< h OK Completed
		> i LIST "" % x
		< i BAD Unexpected extra arguments
		> j LIST "" (
		< j BAD Expected a pattern`)
	c = login(t, s, "cyrus")
	c.talk(`
		> a LIST "" *
		< * LIST (\HasNoChildren) "." comp.lang
		< * LIST (\HasNoChildren) "." comp.secret
		< * LIST (\HasChildren) "." user.john
		< ...
		< * LIST (\HasNoChildren) "." user.mary.open
		< a OK Completed`)
}

// grant makes a mailbox with a list.
func grant(t testing.TB, s *server, name, list string) {
	t.Helper()
	if err := s.store.Create(mailstore.Entry{Name: name, ACL: list}); err != nil {
		t.Fatal(err)
	}
}

func TestListExtended(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"test1", "test2", "test2.test1", "test3", "test4.test52", "test6", "test7.test7", "test8.test8", "test8.test9"} {
		create(t, s, "user.john."+name, "john")
	}
	if err := s.store.Create(mailstore.Entry{Name: "user.john.out", ACL: "john\tlr\t", Use: `\Sent`}); err != nil {
		t.Fatal(err)
	}
	c := login(t, s, "john")
	for _, name := range []string{"test1", "test2.test1", "test6", "test7.test7", "test8.test8", "test8.test9"} {
		c.talk("> s SUBSCRIBE INBOX." + name + "\n< s OK Completed")
	}
	c.talk(`
		> s SUBSCRIBE INBOX.nowhere
		< s NO [NONEXISTENT] Mailbox does not exist
		> d DELETE INBOX.test6
		< d OK Completed
		> a LIST "" (INBOX.*2 INBOX.test3)
		< * LIST (\HasChildren) "." INBOX.test2
		< * LIST (\HasNoChildren) "." INBOX.test3
		< * LIST (\HasNoChildren) "." INBOX.test4.test52
		< a OK Completed
		> b LIST (subscribed) "" *
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test1
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test2.test1
		< * LIST (\NonExistent \Subscribed \HasNoChildren) "." INBOX.test6
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test7.test7
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test8.test8
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test8.test9
		< b OK Completed
		> c LIST (SUBSCRIBED RECURSIVEMATCH) "" INBOX.test2% RETURN (CHILDREN)
		< * LIST (\HasChildren) "." INBOX.test2 ("CHILDINFO" ("SUBSCRIBED"))
		< c OK Completed
		> d LIST (SUBSCRIBED RECURSIVEMATCH) "" *test7
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test7.test7
		< d OK Completed
		> e LIST (SUBSCRIBED RECURSIVEMATCH) "" *test8
		< * LIST (\NonExistent \HasChildren) "." INBOX.test8 ("CHILDINFO" ("SUBSCRIBED"))
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test8.test8
		< e OK Completed
		> f LIST "" INBOX.% RETURN (SUBSCRIBED CHILDREN)
		< * LIST (\HasNoChildren \Sent) "." INBOX.out
		< * LIST (\Subscribed \HasNoChildren) "." INBOX.test1
		< * LIST (\HasChildren) "." INBOX.test2
		< * LIST (\HasNoChildren) "." INBOX.test3
		< * LIST (\NonExistent \HasChildren) "." INBOX.test4
		< * LIST (\NonExistent \HasChildren) "." INBOX.test7
		< * LIST (\NonExistent \HasChildren) "." INBOX.test8
		< f OK Completed
		> g LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))
		< * LIST (\HasNoChildren \Sent) "." INBOX.out
		< * STATUS INBOX.out (MESSAGES 0 UIDNEXT 1)
		< g OK Completed
		> h LIST (REMOTE) "" "test1" RETURN ()
		< h OK Completed
		> i LIST () "" ""
		< i OK Completed
		> j LIST (RECURSIVEMATCH) "" ""
		< j BAD RECURSIVEMATCH needs another selection option
		> k LIST (imaptest) "" ""
		< k BAD Invalid List selection option
		> l LIST "" "" RETURN (imaptest)
		< l BAD Invalid List return option
		> m LIST (SPECIAL-USE RECURSIVEMATCH) "" %
		< * LIST (\HasChildren) "." INBOX ("CHILDINFO" ("SPECIAL-USE"))
		< m OK Completed`)
}

func TestLsub(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"a", "b", "b.c", "d.e"} {
		create(t, s, "user.john."+name, "john")
	}
	c := login(t, s, "john")
	c.talk(`
		> 1 SUBSCRIBE INBOX.a
		< 1 OK Completed
		> 2 SUBSCRIBE INBOX.b.c
		< 2 OK Completed
		> 3 SUBSCRIBE INBOX.d.e
		< 3 OK Completed
		> 4 DELETE INBOX.a
		< 4 OK Completed
		> 5 LSUB "" INBOX.%
		< * LSUB () "." INBOX.a
		< * LSUB (\Noselect) "." INBOX.b
		< * LSUB (\Noselect) "." INBOX.d
		< 5 OK Completed
		> 6 LSUB "*" "*"
		< * LSUB () "." INBOX.a
		< * LSUB () "." INBOX.b.c
		< * LSUB () "." INBOX.d.e
		< 6 OK Completed
		> 7 UNSUBSCRIBE INBOX.a
		< 7 OK Completed
		> 8 LSUB "" INBOX.a
		< 8 OK Completed`)
}

func TestNamespaces(t *testing.T) {
	for _, row := range []struct {
		name     string
		settings []string
		dialogue string
	}{
		{"netnews", nil, `
			> a NAMESPACE
			< * NAMESPACE (("INBOX." ".")) (("user." ".")) (("" "."))
			< a OK Completed`},
		{"unix", []string{"unixhierarchysep: yes"}, `
			> a NAMESPACE
			< * NAMESPACE (("INBOX/" "/")) (("user/" "/")) (("" "/"))
			< a OK Completed
			> b CREATE INBOX/a.b/c/
			< b OK [MAILBOXID (…)] Completed
			> c LIST "" *
			< * LIST (\HasChildren) "/" INBOX
			< * LIST (\HasNoChildren) "/" INBOX/a.b/c
			< * LIST (\HasNoChildren) "/" comp
			< * LIST (\HasNoChildren) "/" user/mary/open
			< c OK Completed`},
		{"alt", []string{"unixhierarchysep: yes", "altnamespace: yes"}, `
			> a NAMESPACE
			< * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))
			< a OK Completed
			> b CREATE SPAM
			< b OK [MAILBOXID (…)] Completed
			> c LIST "" *
			< * LIST (\HasNoChildren) "/" INBOX
			< * LIST (\HasNoChildren) "/" "Other Users/mary/open"
			< * LIST (\HasNoChildren) "/" SPAM
			< * LIST (\HasNoChildren) "/" "Shared Folders/comp"
			< c OK Completed
			> d LIST "" %
			< * LIST (\HasNoChildren) "/" INBOX
			< * LIST (\Noselect \HasChildren) "/" "Other Users"
			< * LIST (\HasNoChildren) "/" SPAM
			< * LIST (\Noselect \HasChildren) "/" "Shared Folders"
			< d OK Completed
			> e SELECT "Other Users/mary/open"
			< ...
			< e OK [READ-ONLY] Completed
			> f CREATE "Other Users"
			< f NO [CANNOT] Invalid mailbox name`},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t, row.settings...)
			grant(t, s, "user.mary.open", "anyone\tlr\t")
			grant(t, s, "comp", "anyone\tlr\t")
			login(t, s, "john").talk(row.dialogue)
		})
	}
}

// Administrators name mailboxes as the store does, whatever users see.
func TestAltNamespaceOfAdmins(t *testing.T) {
	s := newServer(t, "altnamespace: yes", "admins: cyrus")
	login(t, s, "cyrus").talk(`
		> a NAMESPACE
		< * NAMESPACE (("INBOX." ".")) (("user." ".")) (("" "."))
		< a OK Completed
		> b CREATE user.ann
		< b OK [MAILBOXID (…)] Completed`)
}

// Names are in modified UTF-7, and in UTF-8 for clients that want that.
func TestUTF8Names(t *testing.T) {
	s := newServer(t)
	c := login(t, s, "john")
	c.talk(`
		> a CREATE INBOX.Entw&APw-rfe
		< a OK …
		> b CREATE INBOX.a&b
		< b NO [CANNOT] Invalid mailbox name
		> c ENABLE UTF8=ACCEPT
		< * ENABLED UTF8=ACCEPT
		< c OK Completed
		> d LIST "" "INBOX.Entw*"
		< * LIST (\HasNoChildren) "." "INBOX.Entwürfe"
		< d OK Completed
		> e LIST "" "*ürf%"
		< * LIST (\HasNoChildren) "." "INBOX.Entwürfe"
		< e OK Completed
		> f CREATE "INBOX.R&D"
		< f OK …
		> g STATUS "INBOX.Entwürfe" (MESSAGES)
		< * STATUS "INBOX.Entwürfe" (MESSAGES 0)
		< g OK Completed`)
	login(t, s, "john").talk(`
		> a LIST "" INBOX.%
		< * LIST (\HasNoChildren) "." INBOX.Entw&APw-rfe
		< * LIST (\HasNoChildren) "." INBOX.R&-D
		< a OK Completed`)
}
