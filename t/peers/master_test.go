//go:build linux

package peers

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/sasldb"
	"goqmail/t/lab"
	"goqmail/t/site"
)

// imapdConf is a configuration as people have had it since 2004.
const imapdConf = `configdirectory: /var/imap
partition-default: /var/spool/imap
admins: cyrus
sasl_pwcheck_method: saslauthd
allowanonymouslogin: no
tls_ca_file: /var/imap/server.pem
tls_cert_file: /var/imap/server.pem
tls_key_file: /var/imap/server.pem
allowplaintext yes
`

// normalConf is the cyrus.conf of those days, in this tree.
const normalConf = "lib/cyrusconf/testdata/normal.conf"

// newMailStore makes a host with a mail store as an administrator makes it, on which
// nothing runs. Users' passwords are "secret".
func newMailStore(t *testing.T, peers ...string) *machine {
	t.Helper()
	m := newMachine(t, append(peers, "openssl openssl")...)
	m.in(func() error { return lab.LayPair(users) })
	m.write("/etc/imapd.conf", imapdConf, "root")
	m.write("/etc/cyrus.conf", source(t, normalConf), "root")
	m.run("cyrus", "", "/usr/cyrus/tools/mkimap")
	m.run("root", "", "openssl", "req", "-new", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost",
		"-out", "/var/imap/server.pem", "-keyout", "/var/imap/server.key", "-days", "365")
	m.run("root", "", "sh", "-c", "cd /var/imap && cat server.key >>server.pem && chown cyrus:mail server.pem")
	m.in(func() error {
		err := sasldb.Update("/etc/sasldb2", func([]sasldb.Record) (all []sasldb.Record) {
			for _, user := range []string{"cyrus", "john", "susie"} {
				all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: site.Me, Property: sasldb.Password}, Value: "secret"})
			}
			return all
		})
		return errors.Join(err, lab.Own("/etc/sasldb2", users.Uid("cyrus"), users.Gid("mail"), 0o640))
	})
	return m
}

// master starts it and waits until it serves.
func (m *machine) master() {
	m.t.Helper()
	m.background("master", nil, cyrus+"/master", "-D")
	m.awaitLog("master", "ready for work")
}

// pid is the process of a program, of which there is one.
func (m *machine) pid(name string) int {
	m.t.Helper()
	pids := m.Pids(name)
	if len(pids) != 1 {
		m.t.Fatalf("%s runs as %v", name, pids)
	}
	return pids[0]
}

func TestMasterWithAConfigurationOf2004(t *testing.T) {
	t.Parallel()
	m := newMailStore(t)
	m.master()
	wants(t, "master", m.read("/var/log/master"), "cannot find executable for 'sieve' (timsieved) -- ignored", "cannot find executable for 'tlsprune' (tls_prune) -- ignored")
	for _, port := range []string{"143", "993", "110", "995"} {
		m.awaitPort("127.0.0.1:" + port)
	}
	m.run("cyrus", "", "cyradm", "--user", "cyrus", "--password", "secret", "--auth", "login", "-e", "cm user.john", "-e", "cm user.john.SPAM", "localhost")
	deliver := func(id string) {
		t.Helper()
		if out, err := m.try("john", "Message-ID: <"+id+"@x>\nSubject: "+id+"\n\nbody\n", cyrus+"/deliver", "-a", "john", "-m", "user.john"); err != nil {
			t.Fatalf("deliver: %v %s", err, out)
		}
	}
	deliver("one")
	if uid := lab.Uid(t, m.pid("lmtpd")); uid != users.Uid("cyrus") {
		t.Errorf("lmtpd runs as %d", uid)
	}
	// A service that is killed is there again before a client has noticed.
	killed := m.pid("lmtpd")
	m.in(func() error { return syscall.Kill(killed, syscall.SIGKILL) })
	deliver("two")
	m.await("another lmtpd", func() bool { p := m.Pids("lmtpd"); return len(p) == 1 && p[0] != killed })

	kept := m.pid("lmtpd")
	m.await("imapd, for both ports", func() bool { return len(m.Pids("imapd")) == 2 })
	conf := m.read("/etc/cyrus.conf")
	conf = strings.ReplaceAll(conf, `listen="imap" `, `listen="127.0.0.1:2143" `)
	conf = strings.ReplaceAll(conf, "  pop3", "#  pop3")
	m.write("/etc/cyrus.conf", conf, "root")
	pid := strings.TrimSpace(m.read("/var/run/cyrus-master.pid"))
	m.run("root", "", "kill", "-HUP", pid)
	m.awaitPort("127.0.0.1:2143")
	m.await("POP3 to end", func() bool { return len(m.Pids("pop3d")) == 0 })
	if now := m.pid("lmtpd"); now != kept {
		t.Errorf("lmtpd is %d, was %d", now, kept)
	}
	m.write("/tmp/init", strings.ReplaceAll(source(t, "scripts/imap/init"), "CYRUSBIN", cyrus), "root")
	m.run("root", "", "kill", pid)
	m.awaitLog("master", "All children have exited, closing down")
	m.await("master to end", func() bool { return len(m.Pids("master")) == 0 })
	for _, name := range []string{"imapd", "pop3d", "lmtpd"} {
		if pids := m.Pids(name); len(pids) > 0 {
			t.Errorf("left: %s %v", name, pids)
		}
	}
	for _, row := range [][2]string{
		{"start", "Starting the IMAP server...\n"}, {"start", "The IMAP server is already running\n"}, {"reload", "Reloading the IMAP server...\n"},
		{"status", "The IMAP server is running\n"}, {"stop", "Stopping the IMAP server...\n"}, {"status", "The IMAP server is not running\n"},
	} {
		if out, _ := m.try("root", "", "sh", "/tmp/init", row[0]); out != row[1] {
			t.Errorf("init %s says %q, want %q", row[0], out, row[1])
		}
	}
	m.await("master to end", func() bool { return len(m.Pids("master")) == 0 })
	m.run("root", "", "sh", "-c", "test -f /var/spool/imap/user/john/1. && test -f /var/spool/imap/user/john/2. && test ! -e /var/imap/socket/lmtp")
}

// Programs of others read by IMAP and POP3 what qmail and deliver have stored.
func TestClientsReadWhatWasDelivered(t *testing.T) {
	t.Parallel()
	m := newMailStore(t, "fetchmail fetchmail", "mutt mutt", "procmail procmail", "pydoc3 python3", "script bsdutils")
	m.terminal()
	m.master()
	m.run("cyrus", "", "cyradm", "--user", "cyrus", "--password", "secret", "--auth", "login", "-e", "cm user.susie", "-e", "cm user.susie.SPAM", "localhost")
	m.write("/home/susie/.qmail", "| preline /usr/bin/procmail\n", "susie")
	m.write("/home/susie/.procmailrc", recipe, "susie")
	m.start()
	m.run("olaf", "Subject: first\nTo: susie@"+site.Me+"\n\n"+awkward, "sendmail", "-f", "olaf@"+site.Me, "susie@"+site.Me)
	m.run("olaf", "X-Spam-Status: Yes\nSubject: buy\n\nit\n", "sendmail", "-f", "olaf@"+site.Me, "susie@"+site.Me)
	m.awaitEmpty()
	for _, file := range []string{"1.", "SPAM/1."} {
		m.awaitFile("/var/spool/imap/user/susie/"+file, "\nSubject: ")
	}

	m.write("/tmp/imap.py", `import imaplib
box = imaplib.IMAP4("127.0.0.1")
box.login("susie", "secret")
print(box.list())
print(box.select("INBOX"))
print(box.search(None, "SUBJECT", "first"))
print(box.fetch("1", "(UID FLAGS BODY.PEEK[TEXT])"))
print(box.select("INBOX.SPAM"))
print(box.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
print(box.logout())
`, "root")
	wants(t, "imaplib", m.run("dirk", "", "timeout", "300", "python3", "/tmp/imap.py"), `"." INBOX'`, `"." INBOX.SPAM'`, "('OK', [b'1'])", "UID 1", "Subject: buy", "BYE")

	for _, proto := range []string{"imap", "pop3"} {
		m.write("/home/dirk/.fetchmailrc", "set no syslog\npoll 127.0.0.1 proto "+proto+" uidl\n\tuser susie password secret is dirk here sslproto '' keep\n"+
			"\tmda \"cat >/tmp/by."+proto+"\"\n", "dirk")
		m.in(func() error { return os.Chmod("/home/dirk/.fetchmailrc", 0o600) })
		out, err := m.try("dirk", "", "timeout", "300", "fetchmail", "-v", "-N", "--nodetach")
		if err != nil {
			t.Errorf("fetchmail by %s: %v %s", proto, err, out)
		}
		got := m.read("/tmp/by." + proto)
		wants(t, "fetchmail by "+proto, got, "\nSubject: first\n", "Delivered-To: susie@"+site.Me+"\n")
		if !strings.HasSuffix(strings.TrimRight(got, "\n"), strings.TrimRight("\n\n"+awkward, "\n")) {
			t.Errorf("the body came by %s as %q", proto, got)
		}
	}

	m.write("/home/dirk/.muttrc", "set ssl_starttls=no ssl_force_tls=no imap_user=susie imap_pass=secret folder=imap://127.0.0.1/ spoolfile=imap://127.0.0.1/INBOX\n", "dirk")
	m.run("dirk", "", "timeout", "300", "env", "TERM=vt100", "script", "-qec", "mutt -e 'set confirmcreate=no confirmappend=no' -e 'push <copy-message>/tmp/saved<enter><exit>'", "/dev/null")
	wants(t, "what mutt saved", m.awaitFile("/tmp/saved", "Subject: first"), "To: susie@"+site.Me)
	// It flags the message and moves it, and the server has it so.
	m.run("dirk", "", "timeout", "300", "env", "TERM=vt100", "script", "-qec", "mutt -e 'set confirmcreate=no confirmappend=no delete=yes' -e 'push <flag-message><save-message>=INBOX.SPAM<enter><quit>'", "/dev/null")
	m.write("/tmp/moved.py", `import imaplib
box = imaplib.IMAP4("127.0.0.1")
box.login("susie", "secret")
print(box.status("INBOX", "(MESSAGES)"), box.select("INBOX.SPAM"), box.search(None, "FLAGGED", "SUBJECT", "first"))
`, "root")
	wants(t, "what mutt moved", m.run("dirk", "", "timeout", "300", "python3", "/tmp/moved.py"), "(MESSAGES 0)", "('OK', [b'2']) ('OK', [b'2'])")
}
