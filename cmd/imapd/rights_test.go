package main

import (
	osuser "os/user"
	"strings"
	"testing"
)

// What each right of RFC 4314 is needed for, and that nothing else does.
func TestRights(t *testing.T) {
	for _, row := range []struct{ name, rights, dialogue string }{
		{"none", "", `
			> b SELECT user.mary
			< b NO [NONEXISTENT] Mailbox does not exist
			> c EXAMINE user.mary
			< c NO [NONEXISTENT] Mailbox does not exist
			> d STATUS user.mary (MESSAGES)
			< d NO [NONEXISTENT] Mailbox does not exist
			> e APPEND user.mary {1+}
			> x
			< e NO [NONEXISTENT] Mailbox does not exist
			> f LIST "" "user.*"
			< f OK Completed`},
		{"read only, but not to be looked up", "rswit", `
			> b SELECT user.mary
			< b NO [NONEXISTENT] Mailbox does not exist
			> e APPEND user.mary {1+}
			> x
			< e NO [NONEXISTENT] Mailbox does not exist`},
		{"lookup", "l", `
			> b SELECT user.mary
			< b NO [NOPERM] Permission denied
			> c EXAMINE user.mary
			< c NO [NOPERM] Permission denied
			> d APPEND user.mary {1}
			< d NO [NOPERM] Permission denied`},
		{"read", "lr", `
			> b SELECT user.mary
			< * 1 EXISTS
			< ...
			< * OK [PERMANENTFLAGS ()] Ok
			< ...
			< b OK [READ-ONLY] Completed
			> c FETCH 1 (FLAGS BODY[TEXT])
			< * 1 FETCH (FLAGS (…\Deleted) BODY[TEXT] {7}
			< world
			< )
			< c OK Completed
			> d STORE 1 +FLAGS (\Seen)
			< d NO Mailbox is read-only
			> e EXPUNGE
			< e NO Mailbox is read-only`},
		{"seen", "lrs", `
			> b SELECT user.mary
			< ...
			< * OK [PERMANENTFLAGS (\Seen)] Ok
			< ...
			< b OK [READ-WRITE] Completed
			> c STORE 1 +FLAGS (\Seen \Flagged)
			< * 1 FETCH (FLAGS (\Recent \Deleted \Seen))
			< c OK Completed
			> d STORE 1 +FLAGS (\Flagged)
			< d NO [NOPERM] Permission denied
			> e STORE 1 FLAGS ()
			< * 1 FETCH (FLAGS (\Recent \Deleted))
			< e OK Completed
			> f EXPUNGE
			< f NO [NOPERM] Permission denied
			> g UID MOVE 1 INBOX
			< g NO [NOPERM] Permission denied
			> h CLOSE
			< h OK Completed
			> i EXAMINE user.mary
			< * 1 EXISTS
			< ...
			< i OK …`},
		{"write", "lrw", `
			> b SELECT user.mary
			< ...
			< * OK [PERMANENTFLAGS (\Answered \Flagged \Draft \*)] Ok
			< ...
			< b OK [READ-WRITE] Completed
			> c STORE 1 FLAGS (\Flagged $a)
			< ...
			< * 1 FETCH (FLAGS (\Recent \Flagged \Deleted $a))
			< c OK Completed
			> d STORE 1 -FLAGS (\Deleted)
			< d NO [NOPERM] Permission denied`},
		{"delete", "lrt", `
			> b SELECT user.mary
			< ...
			< b OK [READ-WRITE] Completed
			> c STORE 1 -FLAGS (\Deleted \Seen)
			< * 1 FETCH (FLAGS (\Recent))
			< c OK Completed`},
		{"expunge", "lre", `
			> b SELECT user.mary
			< ...
			< b OK [READ-WRITE] Completed
			> c EXPUNGE
			< * 1 EXPUNGE
			< c OK Completed`},
		{"insert", "li", `
			> b APPEND user.mary {1+}
			> x
			< b OK Completed`},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t)
			put(t, s, "user.mary", []string{`\Deleted`}, hello)
			setACL(t, s, "user.mary", "mary\tlrswipkxtecdan\tjohn\t"+row.rights+"\t")
			login(t, s, "john").talk(row.dialogue)
		})
	}
}

// A right that is taken away while the mailbox is selected is gone with what next
// happens in it.
func TestRightTakenAway(t *testing.T) {
	s := newServer(t)
	setACL(t, s, "user.mary", "mary\tlrswipkxtecdan\tjohn\tlr\t")
	c := login(t, s, "john")
	c.talk(`
		> a SELECT user.mary
		< ...
		< a OK …`)
	setACL(t, s, "user.mary", "mary\tlrswipkxtecdan\t")
	put(t, s, "user.mary", nil, hello)
	c.talk(`
		> b NOOP
		< * BYE The selected mailbox is no longer there
		< EOF`)
}

// Who is meant by a list of rights, and that others get nothing out of the mailbox and
// do not even learn that it is there. root is in the group, and the only one.
func TestWhoMayRead(t *testing.T) {
	own, err := osuser.LookupGroupId("0")
	if err != nil {
		t.Fatal(err)
	}
	group := "group:" + own.Name
	s := newServer(t, "allowanonymouslogin: yes")
	create(t, s, "user.mary.plans", "mary")
	put(t, s, "user.mary.plans", nil, hello)
	logins := map[string]func() *client{
		"root": func() *client { return login(t, s, "root") },
		"ann":  func() *client { return login(t, s, "ann") },
		"anonymous": func() *client {
			c := dial(t, s)
			c.talk("> a AUTHENTICATE ANONYMOUS eA==\n< a OK …")
			return c
		},
	}
	for list, readers := range map[string]string{
		"":                                       "",
		"anyone\tlr\t":                           "root ann anonymous",
		"anonymous\tlr\t":                        "anonymous",
		"anyone\tlr\t-anonymous\tlr\t":           "root ann",
		group + "\tlr\t":                         "root",
		own.Name + "x\tlr\t" + group + "x\tlr\t": "",
		"group:ann\tlr\tgroup:\tlr\t":            "",
		"ann\tlr\t-" + group + "\tlr\t":          "ann",
		"anyone\tlr\t-" + group + "\tlr\t":       "ann anonymous",
		"-" + group + "\tl\troot\tlr\t":          "",
		group + "\tlr\t-root\tlr\t":              "",
		"-anyone\tlr\tann\tlr\t":                 "",
		"ann\tr\t" + group + "\tl\t":             "",
		"ann\tl\tanyone\tr\t":                    "ann",
		"ROOT\tlr\tAnyone\tlr\t":                 "",
	} {
		setACL(t, s, "user.mary.plans", "mary\tlrswipkxtecdan\t"+list)
		for name, login := range logins {
			c := login()
			if strings.Contains(" "+readers+" ", " "+name+" ") {
				c.talk(`
					> b EXAMINE user.mary.plans
					< * 1 EXISTS
					< ...
					< b OK …
					> c FETCH 1 BODY.PEEK[TEXT]
					< * 1 FETCH (BODY[TEXT] {7}
					< world
					< )
					< c OK Completed`)
				continue
			}
			sees := name == "root" && strings.Contains(list, "\t"+group+"\tl\t")
			for _, command := range []string{
				"SELECT %", "EXAMINE %", "STATUS % (MESSAGES UNSEEN SIZE)", "GETACL %", "LISTRIGHTS % mary", "SETACL % " + name + " lr",
				"DELETEACL % mary", "GETQUOTAROOT %", `GETMETADATA % (/shared/comment)`, `SETMETADATA % (/private/comment "x")`,
				`GETANNOTATION % "*" "value.shared"`, "RENAME % INBOX.x", "DELETE %", "CREATE %.below", "APPEND % {1+}␍␊x", "RECONSTRUCT %",
			} {
				c.talk("> b " + strings.ReplaceAll(command, "%", "user.mary.plans") + "\n< b NO …")
			}
			if !sees {
				c.talk("> b MYRIGHTS user.mary.plans\n< b NO …")
			}
			listed := `> c LIST "" "user.mary.*" RETURN (STATUS (MESSAGES))` + "\n"
			if sees {
				listed += "< * LIST … user.mary.plans\n"
			}
			c.talk(listed + "< c OK Completed")
		}
	}
}

// Rights are for groups that are there; those of others can be taken away.
func TestSetACLOfGroup(t *testing.T) {
	own, err := osuser.LookupGroupId("0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	setACL(t, s, "user.john", "john\tlrswipkxtecdan\tgroup:nosuch\tlr\t")
	login(t, s, "john").talk(strings.ReplaceAll(`
		> a SETACL INBOX group:% lr
		< a OK Completed
		> b SETACL INBOX -group:nosuch lr
		< b NO [CANNOT] Invalid identifier
		> c SETACL INBOX group:nosuch +s
		< c NO [CANNOT] Invalid identifier
		> d SETACL INBOX group:nosuch -r
		< d OK Completed
		> e DELETEACL INBOX group:nosuch
		< e OK Completed
		> f GETACL INBOX
		< * ACL INBOX john lrswipkxtecdan group:% lr
		< f OK Completed`, "%", own.Name))
}

// With unix_group_enable off nobody is in a group.
func TestNoGroups(t *testing.T) {
	s := newServer(t, "unix_group_enable: no")
	own, err := osuser.LookupGroupId("0")
	if err != nil {
		t.Fatal(err)
	}
	setACL(t, s, "user.john", "group:"+own.Name+"\tlr\t")
	login(t, s, "root").talk(`
		> a EXAMINE user.john
		< a NO [NONEXISTENT] Mailbox does not exist`)
}
