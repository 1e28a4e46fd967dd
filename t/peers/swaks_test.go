//go:build linux

package peers

import (
	"os"
	"testing"

	"goqmail/t/site"
)

// A checker of passwords for CRAM-MD5, which no package of Debian has: it knows
// olaf's, and reads user, digest and challenge, each with a NUL at its end.
const checkCram = `#!/bin/sh
{ read -r user; read -r digest; read -r challenge; } <<END
$(tr '\0' '\n' <&3)
END
[ "$user" = olaf ] || exit 1
if [ "$challenge" ]; then
	want=$(printf %s "$challenge" | openssl dgst -md5 -hmac secret)
	[ "${want##* }" = "$digest" ] || exit 1
else
	[ "$digest" = secret ] || exit 1
fi
exec "$@"
`

func TestSwaksSendsInEveryWay(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "swaks swaks", "openssl openssl")
	m.control("extensions", "smtp-tls\nsmtp-auth\n")
	m.certificate(home+"/control/servercert.pem", site.Me, "qmailp")
	m.write("/tmp/check", checkCram, "root")
	m.in(func() error { return os.Chmod("/tmp/check", 0o755) })
	m.start()
	m.smtpd([]string{"SMTPAUTH=+cram"}, "/tmp/check", "true")
	m.serve("qmaild", "127.0.0.1:465", []string{"SMTPS=", "SMTPAUTH=!"}, "qmail-smtpd", "/tmp/check", "true")
	m.serve("qmaild", "127.0.0.1:587", []string{"FORCETLS=1", "SMTPAUTH=!"}, "qmail-smtpd", "/tmp/check", "true")

	swaks := func(options string) string {
		out, _ := m.try("olaf", "", "sh", "-c", "swaks -s 127.0.0.1 -f olaf@"+far+" -t john@linuxfromsource.org --ehlo swaks.example "+options+"; echo exit $?")
		return out
	}
	// To guess takes seconds: meanwhile the others go on.
	guess := make(chan string, 1)
	go func() { guess <- swaks("-a CRAM-MD5 --auth-user olaf --auth-password wrong") }()
	const auth = "--auth-user olaf --auth-password secret"
	for _, row := range []struct {
		name, options string
		exit          string // of swaks
		says          string // somewhere
		with          string // in Received, if it arrives
	}{
		{"plain", "", "0", "<-  250 ok ", "with SMTP"},
		{"pipelined", "--pipeline", "0", "<-  250 ok ", "with SMTP"},
		{"auth plain", "-a PLAIN " + auth, "0", "<-  235 ok, go ahead (#2.0.0)", "with ESMTPA"},
		{"auth login", "-a LOGIN " + auth, "0", "<-  235 ok, go ahead (#2.0.0)", "with ESMTPA"},
		{"auth cram", "-a CRAM-MD5 " + auth, "0", "<-  235 ok, go ahead (#2.0.0)", "with ESMTPA"},
		{"TLS", "-tls --tls-verify --tls-ca-path " + home + "/control/servercert.pem.ca", "0", "=== TLS peer DN=\"/CN=" + site.Me + "\"", "with ESMTPS (TLS_"},
		{"TLS pipelined", "-tls --pipeline", "0", "<~  250 ok ", "with ESMTPS (TLS_"},
		{"TLS 1.2", "-tls --tls-protocol tlsv1_2", "0", "=== TLS started with cipher TLSv1.2:", "with ESMTPS (ECDHE-"},
		{"TLS and auth", "-tls -a PLAIN " + auth, "0", "<~  235 ok, go ahead (#2.0.0)", "with ESMTPSA (TLS_"},
		{"SMTPS and auth", "-tlsc -p 465 -a LOGIN " + auth, "0", "<~  235 ok, go ahead (#2.0.0)", "with ESMTPSA (TLS_"},
		{"submission", "-tls -p 587 -a PLAIN " + auth, "0", "<~  235 ok, go ahead (#2.0.0)", "with ESMTPSA (TLS_"},
		{"submission without TLS", "-p 587 -a PLAIN " + auth, "28", "*** Host did not advertise authentication", ""},
		{"submission without auth", "-tls -p 587", "23", "<~* 530 Authorization required (#5.7.1)", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			out := swaks(row.options + " --header 'Subject: " + row.name + "' --body .dot")
			wants(t, "swaks", out, row.says, "exit "+row.exit+"\n")
			if row.with == "" {
				return
			}
			wants(t, "the message", m.awaitMail("john", "Subject: "+row.name+"\n"), "\nReceived: from unknown (HELO swaks.example) (", "\n  by "+site.Me+" "+row.with, "\n.dot\n")
		})
	}
	wants(t, "a wrong password", <-guess, "<** 535 ", "exit 28\n")
	m.awaitEmpty()
}

func TestOpensslSpeaksSMTPByHand(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "openssl openssl")
	m.control("extensions", "smtp-tls\n")
	m.certificate(home+"/control/servercert.pem", site.Me, "qmailp")
	m.start()
	m.smtpd(nil)
	m.serve("qmaild", "127.0.0.1:465", []string{"SMTPS="}, "qmail-smtpd")
	for _, row := range [][]string{
		{"by STARTTLS", "-starttls", "smtp", "-connect", "127.0.0.1:25"},
		{"by SMTPS", "-connect", "127.0.0.1:465"},
	} {
		dialogue := "EHLO openssl.example\nMAIL FROM:<olaf@" + far + ">\nrcpt to:<john@linuxfromsource.org>\nDATA\nSubject: " + row[0] + "\n\n..dot\n.\nQUIT\n"
		out, err := m.try("olaf", dialogue, append([]string{"openssl", "s_client", "-quiet", "-crlf", "-verify_return_error", "-verify_hostname", site.Me,
			"-CAfile", home + "/control/servercert.pem.ca"}, row[1:]...)...)
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
		}
		wants(t, row[0], out, "250 ok ", " qp ", "\r\n221 "+site.Me)
		wants(t, row[0], m.awaitMail("john", "Subject: "+row[0]+"\n"), " with ESMTPS (TLS_", "\n.dot\n")
	}
	m.awaitEmpty()
}

// A checker that reads files of users is setuid, as qmail-smtpd has no right to.
func TestCheckersOfPasswordsDecideWhoLogsIn(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "swaks swaks", "checkpw checkpw", "cvm-checkpassword cvm")
	m.control("extensions", "smtp-auth\n")
	m.password("olaf", "secret")
	m.run("root", "", "sh", "-ec", "cp /usr/bin/checkpw /usr/bin/cvm-checkpassword /tmp; chmod 4711 /tmp/checkpw /tmp/cvm-checkpassword")
	m.start()
	m.smtpd([]string{"SMTPAUTH="}, "/tmp/checkpw", "true")
	m.serve("qmaild", "127.0.0.1:26", []string{"SMTPAUTH=", "CVM_PWFILE_PATH=/tmp/passwd", "CVM_ACCOUNT_SPLIT_CHARS="},
		"qmail-smtpd", "/tmp/cvm-checkpassword", "/usr/bin/cvm-pwfile", "true")
	swaks := func(port, auth string) string {
		out, _ := m.try("olaf", "", "sh", "-c", "swaks -s 127.0.0.1 -p "+port+" -f olaf@"+far+" -t john@linuxfromsource.org --ehlo swaks.example -au olaf "+auth+"; echo exit $?")
		return out
	}
	guesses := make(chan string, 2)
	for _, port := range []string{"25", "26"} {
		go func() { guesses <- swaks(port, "-a PLAIN -ap wrong") }()
		for _, method := range []string{"PLAIN", "LOGIN"} {
			wants(t, method+" at port "+port, swaks(port, "-a "+method+" -ap secret"), "<-  235 ok, go ahead (#2.0.0)", "<-  250 ok ", "exit 0\n")
		}
	}
	for range 2 {
		wants(t, "a wrong password", <-guesses, "<** 535 ", "exit 28\n")
	}
	m.await("four messages", func() bool { return len(m.mail("/home/john/Maildir")) == 4 })
	m.awaitEmpty()
}
