//go:build linux

package peers

import (
	"strings"
	"testing"

	"goqmail/t/site"
)

// anomy installs the sanitizer with the configuration of 2004.
func (m *machine) anomy() {
	m.t.Helper()
	m.run("root", "", "sh", "-ec", "mount -t tmpfs -o mode=755 anomy /usr/anomy; mkdir /usr/anomy/bin; cp "+home+"/bin/sanitizer /usr/anomy/bin/sanitizer.pl")
	m.write("/usr/anomy/anomy.conf", source(m.t, "lib/anomy/testdata/hint.conf"), "root")
}

// The recipe and the configuration of 2004, but for SpamAssassin.
func TestProcmailHasTheSanitizerFilterMail(t *testing.T) {
	t.Parallel()
	m := newStore(t, "procmail procmail", "bash bash")
	m.anomy()
	m.write("/home/susie/.qmail", "| preline /usr/bin/procmail\n", "susie")
	m.write("/home/susie/.procmailrc", strings.NewReplacer("<user>", "susie", ":0fw\n* < 256000\n| spamassassin\n", "").Replace(procmailrc), "susie")
	m.run("root", "", "install", "-m", "666", "/dev/null", "/var/log/procmail.log")
	m.start()
	send := func(text string) {
		t.Helper()
		m.run("olaf", "From: olaf@"+site.Me+"\nTo: susie@"+site.Me+"\n"+text, "sendmail", "-f", "olaf@"+site.Me, "susie@"+site.Me)
	}
	const sanitized = "\r\nX-Sanitizer: This mail was sanitized\r\n"
	send("Subject: plain\n\nFrom us: <script>in plain text</script>\n")
	wants(t, "plain text", m.awaitInbox("susie", "\r\nSubject: plain\r\n"), sanitized, "<script>in plain text</script>\r\n")

	send(`Subject: a program
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=xyz

--xyz
Content-Type: text/html

<p onclick="x()">Look at <b>this</b></p>
--xyz
Content-Type: application/octet-stream; name="photo.jpg.exe"
Content-Transfer-Encoding: base64

TVqQAAMAAAA=
--xyz
Content-Type: application/x-whatever; name="a.what"

harmless
--xyz
Content-Type: image/png; name="a.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--xyz--
`)
	got := m.awaitInbox("susie", "\r\nSubject: a program\r\n")
	wants(t, "the message with a program", got, sanitized, `<p DEFANGED_onclick="x()">Look at <b>this</b></p>`,
		"An attachment named photo.jpg.exe was deleted from this message because was a windows executable. Contact", "harmless\r\n",
		`name="a_what.DEFANGED-1"`, "\r\nContent-Type: image/png; name=\"a.png\"\r\n", "\r\niVBORw0KGgo=\r\n")
	lacks(t, "the message with a program", got, "TVqQ", "xyz", "onclick=\"x()\" ")

	// With a mistake in its configuration it lets mail through, and says so.
	m.run("root", "", "sh", "-c", "echo file_default_policy = whatever >>/usr/anomy/anomy.conf")
	send("Subject: a mistake\n\nhello\n")
	wants(t, "mail with a mistake about", m.awaitInbox("susie", "\r\nSubject: a mistake\r\n"),
		"\r\nX-Sanitizer-Error: not sanitized: file_default_policy is no policy: \"whatever\"\r\n", "\r\n\r\nhello\r\n")
	wants(t, "procmail's log", m.read("/var/log/procmail.log"), "sanitizer: file_default_policy is no policy")
	m.awaitEmpty()
}
