//go:build linux

package peers

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"net/smtp"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// An administrator follows the README, line by line, and then has a mail system.
func TestTheReadmeCanBeFollowed(t *testing.T) {
	t.Parallel()
	s := bare(t, home, "clamd clamav-daemon", "spamd spamd", "procmail procmail")
	s.in(func() error {
		if err := lab.Up("192.0.2.1"); err != nil {
			return err
		}
		names, err := lab.ServeNames(netip.MustParseAddr("127.0.0.1"), zone)
		if err == nil {
			t.Cleanup(names.Close)
		}
		return err
	})
	readme := source(t, "README.md")
	written := func(line string) string {
		t.Helper()
		if !strings.Contains(readme, "\n    "+line) {
			t.Errorf("the README does not have %q", line)
		}
		return line
	}
	quietly := func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			s.quietly(written(line))
		}
	}
	says := func(line string, parts ...string) {
		t.Helper()
		wants(t, line, s.types(written(line), root), parts...)
	}
	password, again := [2]string{"Password: ", "secret"}, [2]string{"Again (for verification): ", "secret"}
	admin := [2]string{"IMAP password of cyrus: ", "secret"}

	s.quietly("cd /usr/src/goqmail", "alias make='make -o bin'") // that is done
	lacks(t, "make", s.types(written("make setup check"), root), "warning", "fatal", "Error")
	quietly("cp control.example/* /var/qmail/control/", "cp -p alias.example/.qmail-* /var/qmail/alias/")
	s.quietly("rm /var/qmail/control/virtualdomains", "printf 'localhost\\n"+site.Me+"\\n' >/var/qmail/control/rcpthosts", "cp /var/qmail/control/rcpthosts /var/qmail/control/locals")
	quietly("cp /var/qmail/boot/rc /var/qmail/rc && /var/qmail/rc &", "/var/qmail/boot/smtpd 2>&1 | /var/qmail/bin/splogger smtpd &")
	s.awaitPort("127.0.0.1:25")
	s.awaitLog("mail.log", "status: local 0/")
	quietly("/var/qmail/bin/qmail-check")

	lacks(t, "make", s.types(written("make setup-pair check-pair"), root), "instcheck: warning", "fatal", "Error")
	quietly("cp imap.example/*.conf /etc/", "mkdir /var/imap /var/spool/imap; chown cyrus:mail /var/imap /var/spool/imap")
	says("su - cyrus -c tools/mkimap", "creating /var/spool/imap...\ndone\n")
	s.asked(written("saslpasswd2 cyrus; saslpasswd2 john; chown cyrus:mail /etc/sasldb2"), password, again, password, again)
	quietly("/usr/cyrus/bin/master &")
	s.awaitPort("127.0.0.1:143")
	s.types(written("cyradm --user cyrus localhost"), "Password: ")
	const prompt = site.Me + "> "
	s.types("secret", prompt)
	s.types("cm user.john", prompt)
	s.types("cm user.john.SPAM", prompt)
	s.types("quit", root)

	says("/var/qmail/bin/newdomain example.com example", "made account example", "qmail-send reads them again")
	says("/var/qmail/bin/newuser -a john example.com", "made account john")
	wants(t, "newuser", s.asked(written("/var/qmail/bin/newuser -v susie example.com"), admin, password, again), "made mailboxes for susie", "susie needs a password")

	quietly("echo smtp-tls >>/var/qmail/control/extensions", "echo smtp-auth >>/var/qmail/control/extensions")
	s.types(written("make cert"), root)
	s.spamd()
	s.clamd()
	s.quietly("cd /var/qmail/control")
	quietly(`echo ':allow,QMAILQUEUE="bin/qmail-scan"' >>smtp`, "../bin/tcprules smtp.cdb smtp.tmp <smtp", "echo 127.0.0.1:783 >spamd", "echo 15 >spamscore", "echo relayclient >spamskip")
	s.types("killall qmail-listen; wait %2", root)
	s.types("/var/qmail/boot/smtpd 2>&1 | /var/qmail/bin/splogger smtpd &", root)
	s.quietly("cd /usr/src/goqmail")
	quietly("cp anomy.example/anomy.conf /usr/anomy/", "mkdir /var/quarantine; chmod 1733 /var/quarantine")
	s.awaitPort("127.0.0.1:25")
	s.awaitPort("127.0.0.1:783")
	quietly("/var/qmail/bin/qmail-check")

	for _, row := range []struct{ body, refused string }{{"Hello", ""}, {eicar, "this message has a virus, "}, {gtube, "this message looks like spam "}} {
		err := s.sendByTLS("From: olaf@client.example\r\nTo: john@example.com\r\nSubject: hello\r\n\r\n"+row.body+"\r\n", "john@example.com", "susie@example.com")
		if row.refused == "" && err != nil || row.refused != "" && (err == nil || !strings.Contains(err.Error(), row.refused)) {
			t.Errorf("%s: %v", row.body, err)
		}
	}
	for _, user := range []string{"john", "susie"} {
		wants(t, user, s.comes(user, "\r\nSubject: hello\r\n"), "\r\nX-Sanitizer: ", "\r\nX-Virus-Status: Clean\r\n", "\r\nX-Spam-Status: No, ")
	}
	s.await("deliveries to be in the log", func() bool { return strings.Count(s.read("/var/log/mail.log"), ": success: ") == 4 })
	says("/var/qmail/bin/deluser susie", "removed the password of susie")
	s.quietly("cd /usr/src/goqmail")
	quietly("cp bin/qmail-smtpd /var/qmail/bin/qmail-smtpd.new", "chown root:qmail /var/qmail/bin/qmail-smtpd.new; chmod 755 /var/qmail/bin/qmail-smtpd.new",
		"mv /var/qmail/bin/qmail-smtpd /var/qmail/bin/qmail-smtpd.old", "mv /var/qmail/bin/qmail-smtpd.new /var/qmail/bin/qmail-smtpd", "/var/qmail/bin/qmail-check")
	// tail never ends; and here is what splogger's words come to.
	stats := written("tail -qn +1 -F /var/log/qmail/current | /var/qmail/bin/qmail-stats \\\n      -s /var/lib/qmail-stats -o /var/lib/node_exporter/qmail.prom -w /var/www/qmail.html")
	s.quietly("mkdir /var/lib/node_exporter /var/www")
	s.types(strings.NewReplacer("-F /var/log/qmail/current", "/var/log/mail.log").Replace(stats), root)
	wants(t, "qmail-stats", s.read("/var/lib/node_exporter/qmail.prom"), "\nqmail_deliveries_total{channel=\"local\",result=\"success\"} 4\n")
	quietly("/var/qmail/bin/backup /var/backups/mail.tar.gz", "/var/qmail/bin/qmail-q list -l -r '*@dead.example'")
}

// sendByTLS sends a message by SMTP with STARTTLS to this host.
func (m *machine) sendByTLS(message string, recipients ...string) (err error) {
	m.Do(func() {
		var c *smtp.Client
		if c, err = smtp.Dial("127.0.0.1:25"); err != nil {
			return
		}
		defer c.Close()
		err = errors.Join(c.StartTLS(&tls.Config{InsecureSkipVerify: true}), c.Mail("olaf@client.example"))
		for _, to := range recipients {
			err = errors.Join(err, c.Rcpt(to))
		}
		if err != nil {
			return
		}
		w, wrong := c.Data()
		if err = wrong; err == nil {
			_, err = w.Write([]byte(message))
			err = errors.Join(err, w.Close())
		}
	})
	return err
}
