//go:build linux

package peers

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"goqmail/t/lab"
)

const mbsyncrc = `IMAPStore server
Host localhost
User john
Pass secret
SSLType STARTTLS
CertificateFile /etc/server.pem

MaildirStore local
Path ~/Mail/
Inbox ~/Mail/INBOX
SubFolders Verbatim

Channel all
Far :server:
Near :local:
Patterns *
Create Both
Expunge Both
SyncState *
`

const offlineimaprc = `[general]
accounts = john
[Account john]
localrepository = local
remoterepository = server
[Repository local]
type = Maildir
localfolders = ~/Mail
nametrans = lambda folder: folder if folder == 'INBOX' else 'INBOX.' + folder
[Repository server]
type = IMAP
remotehost = localhost
remoteport = 993
remoteuser = john
remotepass = secret
ssl = yes
sslcacertfile = /etc/server.pem
maxconnections = 2
nametrans = lambda folder: re.sub('^INBOX[.]', '', folder)
`

// Clients that keep Maildirs the same as the mailboxes of a server see what has changed
// there, and have it see what has changed with them.
func TestClientsThatSynchronize(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, pkg, rc, text string }{
		{"mbsync -a", "isync", ".mbsyncrc", mbsyncrc},
		{"offlineimap -o", "offlineimap3", ".offlineimaprc", offlineimaprc},
	} {
		program, _, _ := strings.Cut(row.name, " ")
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			m := newMailStore(t, program+" "+row.pkg, "pydoc3 python3")
			m.master()
			m.run("cyrus", "", "cyradm", "--user", "cyrus", "--password", "secret", "--auth", "login", "-e", "cm user.john", "-e", "cm user.john.SPAM", "localhost")
			m.run("root", "", "sh", "-c", "umask 22; openssl x509 -in /var/imap/server.pem -out /etc/server.pem")
			m.write("/home/john/"+row.rc, row.text, "john")
			m.in(func() error { return lab.Own("/home/john/"+row.rc, users.Uid("john"), users.PrimaryGid("john"), 0o600) })
			m.run("john", "", "mkdir", "Mail")
			sync := func() {
				t.Helper()
				m.run("john", "", append([]string{"timeout", "300"}, strings.Fields(row.name)...)...)
			}
			all := func() string {
				return m.imap("STATUS INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)", "STATUS INBOX.SPAM (MESSAGES UIDNEXT HIGHESTMODSEQ)", `LIST "" *`) +
					m.run("john", "", "find", "Mail", "-path", "*/[cn]*/*")
			}
			// check wants the same messages on both sides, and the next run to do nothing.
			check := func(when string, boxes ...[2]string) {
				t.Helper()
				for _, box := range boxes {
					if got := m.mailbox(box[0]); got != box[1] {
						t.Errorf("%s, the server has %q in %s, want %q", when, got, box[0], box[1])
					}
					if got := m.maildir(box[0]); got != box[1] {
						t.Errorf("%s, the client has %q in %s, want %q", when, got, box[0], box[1])
					}
				}
				before := all()
				sync()
				if now := all(); now != before {
					t.Errorf("%s, once more: changed from %s to %s", when, before, now)
				}
			}

			for _, mail := range [][2]string{{"user.john", "one"}, {"user.john", "two"}, {"user.john", "three"}, {"user.john.SPAM", "buy"}} {
				m.run("john", "Message-ID: <"+mail[1]+"@x>\nSubject: "+mail[1]+"\n\n"+awkward, cyrus+"/deliver", "-a", "john", "-m", mail[0])
			}
			m.imap("SELECT INBOX", `STORE 1 FLAGS (\Seen)`, `STORE 2 FLAGS (\Flagged \Answered)`)
			sync()
			check("at first", [2]string{"INBOX", "one:S three: two:FR"}, [2]string{"SPAM", "buy:"})

			m.run("john", "", "sh", "-ec", `
				for mail in Mail/INBOX/[cn]*/*,FR; do mv $mail Mail/INBOX/cur/${mail##*/}S; done
				rm Mail/SPAM/[cn]*/*
				mkdir -p Mail/Work/cur Mail/Work/new Mail/Work/tmp
				printf 'Subject: draft\n\nits text\n' >'Mail/Work/cur/1.2.host:2,DS'
				printf 'Subject: mine\n\nits text\n' >Mail/INBOX/new/1.3.host`)
			m.run("john", "Message-ID: <four@x>\nSubject: four\n\nbody\n", cyrus+"/deliver", "-a", "john", "-m", "user.john")
			m.imap("SELECT INBOX", `STORE 1 FLAGS (\Deleted)`, "EXPUNGE", `STORE 2 +FLAGS (\Flagged)`)
			sync()
			check("later", [2]string{"INBOX", "four: mine: three:F two:FRS"}, [2]string{"SPAM", ""}, [2]string{"Work", "draft:DS"})
		})
	}
}

// imap has john say commands, each of which has to succeed, and gives all answers.
func (m *machine) imap(commands ...string) (said string) {
	m.t.Helper()
	m.in(func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:143")
		if err != nil {
			return err
		}
		defer conn.Close()
		commands = slices.Concat([]string{"LOGIN john secret"}, commands, []string{"LOGOUT"})
		fmt.Fprintf(conn, "x %s\r\n", strings.Join(commands, "\r\nx "))
		data, err := io.ReadAll(conn)
		said = strings.ReplaceAll(string(data), "\r\n", "\n")
		if err == nil && strings.Count(said, "\nx OK ") != len(commands) {
			err = fmt.Errorf("asked %q: %s", commands, said)
		}
		return err
	})
	return said
}

var fetched = regexp.MustCompile(`FLAGS \((.*)\) BODY\[.*\] {\d+}\nSubject: (\w+)`)

// mailbox lists john's messages on the server as maildir does.
func (m *machine) mailbox(name string) string {
	m.t.Helper()
	if name != "INBOX" {
		name = "INBOX." + name
	}
	var list []string
	for _, mess := range fetched.FindAllStringSubmatch(m.imap("EXAMINE "+name, "UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), -1) {
		letters := ""
		for _, flag := range [][2]string{{`\Draft`, "D"}, {`\Flagged`, "F"}, {`\Answered`, "R"}, {`\Seen`, "S"}, {`\Deleted`, "T"}} {
			if strings.Contains(mess[1], flag[0]) {
				letters += flag[1]
			}
		}
		list = append(list, mess[2]+":"+letters)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// maildir lists the messages of one of john's Maildirs: subject and flags.
func (m *machine) maildir(name string) string {
	m.t.Helper()
	var list []string
	m.in(func() error {
		names, err := filepath.Glob("/home/john/Mail/" + name + "/[cn]*/*")
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			_, subject, _ := strings.Cut(string(text), "Subject: ")
			_, flags, _ := strings.Cut(name, ":2,")
			list = append(list, strings.Fields(subject)[0]+":"+flags)
		}
		return err
	})
	slices.Sort(list)
	return strings.Join(list, " ")
}
