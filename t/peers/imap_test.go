//go:build linux

package peers

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"goqmail/t/lab"
)

// store is where imapd alone has its mail.
const store = "/home/cyrus"

// newIMAP makes a host with an empty mail store that imapd serves on port 143. The
// password of cyrus, who administers it, and of john and mary is "secret".
func newIMAP(t *testing.T, peers ...string) *machine {
	t.Helper()
	m := newMachine(t, peers...)
	m.in(func() error {
		return errors.Join(
			os.MkdirAll(store+"/imap", 0o755), os.Mkdir(store+"/spool", 0o755),
			lab.Own(store, 90, 8, 0o755), lab.Own(store+"/imap", 90, 8, 0o750), lab.Own(store+"/spool", 90, 8, 0o750),
		)
	})
	sasldb := store + "/sasldb2"
	m.write("/etc/imapd.conf", "configdirectory: "+store+"/imap\npartition-default: "+store+"/spool\nadmins: cyrus\n"+
		"allowplaintext: yes\nsasl_pwcheck_method: auxprop\nsasl_sasldb_path: "+sasldb+"\n", "root")
	for _, user := range []string{"cyrus", "john", "mary"} {
		m.run("cyrus", "secret\n", "saslpasswd2", "-p", "-c", "-f", sasldb, user)
	}
	m.background("imapd", nil, "imapd", "-l", "127.0.0.1:143")
	m.awaitPort("127.0.0.1:143")
	return m
}

// debianCyradm starts Cyrus's own cyradm.
var debianCyradm = []string{"env", "TERM=dumb", "perl", "-MCyrus::IMAP::Shell", "-e", "shell", "--", "--user", "cyrus", "--password", "secret", "--auth", "login", "127.0.0.1"}

const libcyrus = "/usr/share/perl5/Cyrus/Annotator/Daemon.pm libcyrus-imap-perl"

// All that cyradm can send has the effect, and the answer, that its users know.
func TestDebiansCyradm(t *testing.T) {
	t.Parallel()
	m := newIMAP(t, libcyrus)
	for _, session := range []struct {
		name string
		rows [][2]string // commands and what they say, whose lines are in any order
	}{
		{"as the hint has it", [][2]string{
			{"cm user.john", ""},
			{"cm user.john.SPAM", ""},
			{"cm user.john", "createmailbox: [ALREADYEXISTS] Mailbox already exists\n"},
			{"lm", "user.john (\\HasChildren)         user.john.SPAM (\\HasNoChildren)  \n"},
			{"dm user.john", "deletemailbox: [NOPERM] Permission denied\n"},
			{"sam user.john cyrus c", ""},
			{"lam user.john", "john lrswipkxtecdan\ncyrus kxc\n"},
			{"dm user.john", ""},
			{"lm", ""},
		}},
		{"with more of its commands", [][2]string{
			{"version", "name       : goqmail\nos         : linux\n"},
			{"createmailbox user.mary", ""},
			{"createmailbox --specialuse \\\\Sent user.mary.Sent", ""},
			{"createmailbox user.mary.a default", ""},
			{"createmailbox user.mary.b nowhere", "createmailbox: Unknown/invalid partition\n"},
			{"listmailbox user.%", "user.mary (\\HasChildren)  \n"},
			{"listmailbox --specialuse", "user.mary.Sent (\\HasNoChildren \\Sent)  \n"},
			{"setaclmailbox user.mary.a john read", ""},
			{"setaclmailbox user.mary.a anyone post", ""},
			{"deleteaclmailbox user.mary.a anyone", ""},
			{"listaclmailbox user.mary.a", "mary lrswipkxtecdan\njohn lrs\n"},
			{"sq user.mary STORAGE 1000", ""},
			{"lq user.mary", " STORAGE 0/1000 (0%)\n"},
			{"lqr user.mary.a", "user.mary STORAGE 0/1000 (0%)\n"},
			{"sq user.mary none", "remove quota\n"},
			{"lq user.mary", "  /\n"},
			{"mboxcfg user.mary.a comment hers", ""},
			{"mboxcfg user.mary.a expire 30", ""},
			{"setinfo motd welcome", ""},
			{"getmetadata user.mary.a expire", "{user.mary.a}:\n  shared:\n    expire: 30\n"},
			{"info", "{Server Wide}\n  shared:\n    motd: welcome\n"},
			{"setinfo motd none", ""},
			{"subscribe user.mary.a", ""},
			{"listmailbox -s", "user.mary.a  \n"},
			{"unsubscribe user.mary.a", ""},
			{"sam user.mary.a cyrus all", ""},
			{"renm user.mary.a user.mary.c", ""},
			{"lm user.mary.c", "user.mary.c (\\HasNoChildren)  \n"},
			{"reconstruct user.mary", ""},
			{"reconstruct -r user.mary", ""},
		}},
	} {
		input := ""
		for _, row := range session.rows {
			input += row[0] + "\n"
		}
		out, err := m.try("cyrus", input+"quit\n", debianCyradm...)
		answers := strings.Split(out, "127.0.0.1> ")
		if err != nil || len(answers) < len(session.rows)+1 {
			t.Fatalf("%s: %v: %s", session.name, err, out)
		}
		for i, row := range session.rows {
			if got := answers[i+1]; sorted(got) != sorted(row[1]) {
				t.Errorf("%s, %s: says %q, want %q", session.name, row[0], got, row[1])
			}
		}
	}
	out := m.run("cyrus", "info user.mary.c\nquit\n", debianCyradm...)
	wants(t, "what is known of a mailbox", out, "{user.mary.c}:", "comment: hers", "expire: 30", "partition: default", "size: 0")
}

// sorted is a text with its lines in order: cyradm's is that of a hash.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A session of Python's client, which knows the protocol as others do.
func TestImaplib(t *testing.T) {
	t.Parallel()
	m := newIMAP(t, "python3 python3-minimal", "/usr/lib/python3.11/imaplib.py libpython3-stdlib")
	m.write("/tmp/session.py", imaplibSession, "cyrus")
	if out, err := m.try("cyrus", "", "python3", "/tmp/session.py"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

const imaplibSession = `
import imaplib, socket

def want(answer, *texts):
    status, data = answer
    text = b"\n".join(b"" if part is None else b" ".join(part) if isinstance(part, tuple) else part for part in data)
    assert status == "OK", answer
    for t in texts:
        assert t in text, (t, text)

admin = imaplib.IMAP4("127.0.0.1", timeout=300)
want(admin.login("cyrus", "secret"))
want(admin.create("user.john"))
want(admin.create("user.john.SPAM"))
want(admin.setquota("user.john", "(STORAGE 1000)"), b"user.john (STORAGE 0 1000)")
want(admin.getacl("user.john"), b"john lrswipkxtecdan")
want(admin.setannotation("user.john", '"/comment"', '("value.shared" "his")'))
want(admin.getannotation("user.john", '"/comment"', '"value.shared"'), b'"value.shared" "his"')

john = imaplib.IMAP4("127.0.0.1", timeout=300)
want(john.login_cram_md5("john", "secret"))
want(john.namespace(), b'(("INBOX." ".")) (("user." ".")) (("" "."))')
want(john.list(), b'(\\HasChildren) "." INBOX', b'INBOX.SPAM')
want(john.create("INBOX.Entw&APw-rfe"))
want(john.subscribe("INBOX.SPAM"))
want(john.lsub(), b"INBOX.SPAM")
want(john.rename("INBOX.Entw&APw-rfe", "INBOX.drafts"))
want(john.append("INBOX.drafts", r"(\Draft \Seen)", '" 1-Jan-2026 12:00:00 +0000"', b"Subject: hello\r\n\r\nworld\r\n"))
want(john.status("INBOX.drafts", "(MESSAGES UNSEEN UIDNEXT)"), b"(MESSAGES 1 UNSEEN 0 UIDNEXT 2)")
want(john.getquotaroot("INBOX.drafts") and john.getquota("INBOX"), b"STORAGE 0 1000")
want(john.select("INBOX.drafts"), b"1")
want(john.fetch("1", "(FLAGS RFC822.SIZE BODY[HEADER.FIELDS (SUBJECT)])"), b"Subject: hello", rb"\Draft", b"RFC822.SIZE 25")
want(john.search(None, "SUBJECT", "hello"), b"1")
want(john.store("1", "+FLAGS", r"(\Flagged)"), rb"\Flagged")
want(john.copy("1", "INBOX.SPAM"))
want(john.setacl("INBOX.SPAM", "mary", "lr"))
want(john.myrights("INBOX.SPAM"), b"lrswipkxtecdan")

mary = imaplib.IMAP4("127.0.0.1", timeout=300)
want(mary.login("mary", "secret"))
assert mary.select("user.john")[0] == "NO"
want(mary.select("user.john.SPAM", readonly=True), b"1")
want(mary.fetch("1", "(BODY[])"), b"world")
assert mary.store("1", "+FLAGS", r"(\Deleted)")[0] == "NO"

want(john.store("1", "+FLAGS", r"(\Deleted)"))
want(john.expunge(), b"1")
want(john.close())
want(john.deleteacl("INBOX.SPAM", "mary"))
want(john.delete("INBOX.drafts"))
want(john.unsubscribe("INBOX.SPAM"))
for c in john, mary, admin:
    c.logout()
`
