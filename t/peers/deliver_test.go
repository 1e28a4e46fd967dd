//go:build linux

package peers

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

const (
	cyrus  = "/usr/cyrus/bin"
	socket = "/var/imap/socket/lmtp"
)

// recipe is what a user has in .procmailrc for his mail to come into his mailboxes:
// it neither waits for deliver nor asks what became of the message.
const recipe = `USER="susie"
PATH=/usr/bin:/bin:/usr/cyrus/bin
SHELL=/bin/sh
LOGFILE="/home/susie/log"
SANE="deliver -a $USER -m user.$USER"
SPAM="$SANE.SPAM"

:0f
| sed 1d

:0
* ^X-Spam-Status: Yes
| $SPAM

:0
* !^Subject:
| $SPAM

:0
| $SANE

:0w
{
EXITCODE=$?
HOST
}
`

// newStore makes a host with a mail store in which susie and dirk have mailboxes, and
// deliver as it is installed.
func newStore(t *testing.T, peers ...string) *machine {
	t.Helper()
	m := newMachine(t, peers...)
	m.in(func() error { return lab.LayPair(users) })
	m.write("/etc/imapd.conf", "configdirectory: /var/imap\npartition-default: /var/spool/imap\nadmins: cyrus\n"+
		"autocreate_post: yes\nautocreate_quota: 0\nautocreate_inbox_folders: SPAM\n", "root")
	m.run("cyrus", "", "/usr/cyrus/tools/mkimap")
	for _, user := range []string{"susie", "dirk"} {
		m.run("root", "Subject: first\n", cyrus+"/deliver", user)
	}
	return m
}

// inbox gives the messages of a mailbox as they are stored.
func (m *machine) inbox(mailbox string) []string {
	return m.files("/var/spool/imap/user/" + mailbox + "/[0-9]*.")
}

// awaitInbox waits for a message with a text in it.
func (m *machine) awaitInbox(mailbox, text string) (message string) {
	m.t.Helper()
	m.await("mail in "+mailbox+" with "+text, func() bool {
		for _, message = range m.inbox(mailbox) {
			if strings.Contains(message, text) {
				return true
			}
		}
		return false
	})
	return message
}

// lmtpd starts the server, and returns what kills it.
func (m *machine) lmtpd() (kill func()) {
	m.t.Helper()
	m.background("lmtpd", nil, "setuidgid", "cyrus", cyrus+"/lmtpd", "-l", socket)
	m.await("the socket of lmtpd", func() bool {
		_, err := m.try("root", "QUIT\r\n", cyrus+"/deliver", "-l")
		return err == nil
	})
	// Those that deliver starts have no -l.
	return func() {
		m.run("root", "", "pkill", "-KILL", "-f", "^[^ ]*lmtpd -l")
		m.await("lmtpd to be gone", func() bool {
			_, err := m.try("root", "QUIT\r\n", cyrus+"/deliver", "-l")
			return err != nil
		})
	}
}

func TestProcmailDeliversWhetherLmtpdIsUpOrNot(t *testing.T) {
	t.Parallel()
	m := newStore(t, "procmail procmail")
	m.write("/home/susie/.qmail", "| preline /usr/bin/procmail\n", "susie")
	m.write("/home/susie/.procmailrc", recipe, "susie")
	m.start()
	send := func(name, more string) {
		m.run("olaf", more+"From: olaf@"+site.Me+"\nX: "+name+"\n\nbody of "+name+"\n", "sendmail", "-f", "olaf@"+site.Me, "susie@"+site.Me)
	}
	check := func(state string) {
		t.Helper()
		send("ham "+state, "Subject: a\n")
		send("spam "+state, "Subject: a\nX-Spam-Status: Yes\n")
		send("rubbish "+state, "")
		got := m.awaitInbox("susie", "X: ham "+state+"\r\n")
		wants(t, "the message", got, "Return-Path: <susie@"+site.Me+">\r\nReceived: from deliver ([unix socket])\r\n\t(authenticated user=susie bits=0)\r\n\tby "+site.Me+" (goqmail) with LMTPA;\r\n",
			"\r\nDelivered-To: susie@"+site.Me+"\r\n", "\r\n\r\nbody of ham "+state+"\r\n")
		if strings.Contains(got, "Return-Path: <olaf") || strings.Contains(got, "\nFrom olaf") {
			t.Errorf("left in the message: %q", got)
		}
		m.awaitInbox("susie/SPAM", "X: spam "+state+"\r\n")
		m.awaitInbox("susie/SPAM", "X: rubbish "+state+"\r\n")
		m.awaitEmpty()
	}
	check("never up")
	kill := m.lmtpd()
	check("up")
	kill()
	check("killed") // its socket is there, and nobody listens
	if n, spam := len(m.inbox("susie")), len(m.inbox("susie/SPAM")); n != 4 || spam != 6 {
		t.Errorf("%d messages and %d of spam", n, spam)
	}
}

// What users can do with a program that runs as the owner of all mailboxes.
func TestDeliverGivesUsersNoMoreThanTheirOwn(t *testing.T) {
	t.Parallel()
	m := newStore(t)
	m.write("/home/susie/conf", "configdirectory: /home/susie/imap\npartition-default: /home/susie/spool\nlmtpsocket: "+socket+"\n", "susie")
	for _, up := range []bool{false, true} {
		if up {
			m.lmtpd()
		}
		for i, c := range []struct {
			args      string
			code      int
			out       string
			delivered string
		}{
			{"deliver -a susie -m user.susie.SPAM", 0, "", "susie/SPAM"},
			{"deliver -m user.susie", 0, "", "susie"},
			{"deliver dirk", 0, "", "dirk"},
			{"deliver -a dirk -m user.dirk", 65, "+user.dirk: Mailbox does not exist\n", ""},
			{"deliver -a dirk dirk+SPAM", 0, "", "dirk"},
			{"deliver -m user.dirk.SPAM", 65, "+user.dirk.SPAM: Mailbox does not exist\n", ""},
			{"deliver -l", 75, "couldn't connect to lmtpd: permission denied\n421 4.3.0 deliver: couldn't connect to lmtpd\r\n", ""},
			{"deliver -C /home/susie/conf -a dirk dirk", 65, "dirk: Mailbox does not exist\n", ""},
			{"umask 777; deliver susie", 0, "", "susie"},
			{"GODEBUG=gctrace=1 TMPDIR=/nowhere LISTEN_FDS=1 LISTEN_PID=$$ deliver susie", 0, "", "susie"},
			{"ulimit -S -v 1953; deliver susie", 0, "", "susie"},
		} {
			id := fmt.Sprintf("<%d-%v@x>", i, up)
			out, err := m.try("susie", "Message-ID: "+id+"\n", "sh", "-c", "PATH="+cyrus+":$PATH; "+c.args)
			code := 0
			if e := new(exitCoder); errors.As(err, e) {
				code = (*e).ExitCode()
			}
			if code != c.code || c.out != "" && out != c.out || c.code == 0 && out != "" {
				t.Errorf("lmtpd %v: %s: %d, %q; want %d, %q", up, c.args, code, out, c.code, c.out)
			}
			for _, box := range []string{"susie", "susie/SPAM", "dirk", "dirk/SPAM"} {
				got := strings.Contains(strings.Join(m.inbox(box), ""), id)
				if got != (box == c.delivered) {
					t.Errorf("lmtpd %v: %s: in %s: %v", up, c.args, box, got)
				}
			}
		}
	}
}

func TestSwaksSpeaksLMTP(t *testing.T) {
	t.Parallel()
	m := newStore(t, "swaks swaks")
	m.lmtpd()
	out, err := m.try("cyrus", "", "swaks", "--protocol", "LMTP", "--socket", socket, "--pipeline", "--from", "olaf@client.example", "--to", "susie@"+site.Me+",no%such,dirk",
		"--header", "Subject: swaks", "--body", ".\nbody")
	wants(t, "what swaks says", out, "250 2.1.0 ok", "550 5.1.1 User unknown", "354 go ahead", "221 2.0.0 bye")
	if n := strings.Count(out, "250 2.1.5 Ok"); n != 2 {
		t.Errorf("%d have it; swaks says %v, %s", n, err, out)
	}
	wants(t, "the message", m.awaitInbox("dirk", "\r\nSubject: swaks\r\n"), "Return-Path: <olaf@client.example>\r\n", "\r\n\r\n.\r\nbody\r\n")
}

// lmtpd is killed again and again while users deliver; each time the next one, or deliver
// itself, goes on. No message is lost, and each is whole.
func TestNoMailIsLostWhenLmtpdIsKilled(t *testing.T) {
	t.Parallel()
	m := newStore(t)
	const rounds, clients = 5, 6
	var all sync.WaitGroup
	var mu sync.Mutex
	refused := map[string]bool{} // what deliver has told that it could not deliver
	for round := range rounds {
		kill := m.lmtpd()
		before := len(m.inbox("dirk"))
		for i := range clients {
			all.Go(func() {
				id := fmt.Sprintf("Message-ID: <%d.%d@x>", round, i)
				text := id + "\n\n" + strings.Repeat("a line of the body\n", 500) + "the end\n"
				out, err := m.try("susie", text, cyrus+"/deliver", "susie", "dirk")
				code := new(exitCoder)
				switch {
				case err == nil && out == "":
				case errors.As(err, code) && (*code).ExitCode() == 75:
					mu.Lock()
					defer mu.Unlock()
					refused[id] = true
					t.Logf("%s: %q", id, out)
				default:
					t.Errorf("%s: %v, %q", id, err, out)
				}
			})
		}
		m.await("a delivery", func() bool { return len(m.inbox("dirk")) > before })
		kill()
	}
	all.Wait()
	if len(refused) == rounds*clients {
		t.Error("nothing was delivered")
	}
	for _, box := range []string{"susie", "dirk"} {
		text := strings.Join(m.inbox(box), "")
		for round := range rounds {
			for i := range clients {
				id := fmt.Sprintf("Message-ID: <%d.%d@x>", round, i)
				if !refused[id] && !strings.Contains(text, id+"\r\n") {
					t.Errorf("%s lacks %s", box, id)
				}
			}
		}
		if ends, ids := strings.Count(text, "\r\nthe end\r\n"), strings.Count(text, "Message-ID: <"); ends != ids-1 {
			t.Errorf("%s has %d ends of %d messages", box, ends, ids-1)
		} else if ends > rounds*clients {
			t.Logf("%s has %d files more: of deliveries that nobody has heard of", box, ends-rounds*clients)
		}
	}
}

type exitCoder interface{ ExitCode() int }

// Cyrus's own deliver finds in our lmtpd what it knows.
func TestCyrussDeliverSpeaksWithLmtpd(t *testing.T) {
	t.Parallel()
	const theirs = "/usr/lib/cyrus/bin/"
	m := newStore(t, theirs+"deliver cyrus-common")
	m.lmtpd()
	for _, c := range []struct {
		args, out string
		code      int
	}{
		{"deliver -a susie -m user.susie.SPAM", "", 0},
		{"deliver -m user.susie.SPAM", "+user.susie.SPAM: Mailbox does not exist\n", 65},
		{"deliver -r olaf@client.example susie no%such", "no%such: Mailbox does not exist\n", 65},
	} {
		out, err := m.try("cyrus", "Subject: "+c.args+"\n\nbody\n", "sh", "-c", theirs+c.args)
		code := 0
		if e := new(exitCoder); errors.As(err, e) {
			code = (*e).ExitCode()
		}
		if out != c.out || code != c.code {
			t.Errorf("%s: %d, %q", c.args, code, out)
		}
	}
	wants(t, "what deliver brought", m.awaitInbox("susie/SPAM", "Subject: deliver -a"), "authenticated user=susie bits=0", "\r\n\r\nbody\r\n")
	wants(t, "what deliver brought", m.awaitInbox("susie", "Subject: deliver -r"), "Return-Path: <olaf@client.example>\r\n")
}
