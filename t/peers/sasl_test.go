//go:build linux

package peers

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// Cyrus's programs, as Debian has them.
const (
	imtest      = "/usr/lib/cyrus/bin/imtest"
	lmtptest    = "/usr/lib/cyrus/bin/lmtptest"
	saslpasswd2 = "/usr/sbin/saslpasswd2"
	saslauthd   = "/usr/sbin/saslauthd"
)

// newLogins makes a host on which imapd knows john and mary by the passwords that
// Cyrus's saslpasswd2 has given them, and reads more settings. It pauses after no
// failure.
func newLogins(t *testing.T, settings string, peers ...string) *machine {
	t.Helper()
	m := newMachine(t, append(peers, imtest+" cyrus-clients", saslpasswd2+" sasl2-bin", "openssl openssl")...)
	m.in(func() error {
		return errors.Join(os.MkdirAll(store+"/imap", 0o755), os.Mkdir(store+"/spool", 0o755),
			lab.Own(store, 90, 8, 0o755), lab.Own(store+"/imap", 90, 8, 0o750), lab.Own(store+"/spool", 90, 8, 0o750))
	})
	m.run("root", "", "sh", "-c", "cd "+store+" && openssl req -new -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost"+
		" -out cert.pem -keyout server.pem && cat cert.pem >>server.pem && chown cyrus server.pem")
	for _, user := range []string{"john", "mary"} {
		m.run("root", "secret", saslpasswd2, "-p", "-c", "-f", store+"/sasldb2", user)
	}
	m.run("root", "", "chown", "cyrus:mail", store+"/sasldb2")
	m.imapd("127.0.0.1:143", settings)
	return m
}

// imapd serves IMAP at an address, with more settings.
func (m *machine) imapd(address, settings string) {
	m.t.Helper()
	config := store + "/" + address + ".conf"
	m.write(config, "configdirectory: "+store+"/imap\npartition-default: "+store+"/spool\nadmins: cyrus\nfailedloginpause: 0\n"+
		"allowplaintext: yes\nsasl_sasldb_path: "+store+"/sasldb2\ntls_cert_file: "+store+"/server.pem\n"+settings, "root")
	m.background("imapd", nil, "imapd", "-C", config, "-l", address)
	m.awaitPort(address)
}

// imtest logs in as john and gives what was said.
func (m *machine) imtest(password string, options ...string) (said string) {
	args := append([]string{imtest, "-a", "john", "-u", "john", "-w", password}, options...)
	// What it exits with after the server's BYE means nothing.
	said, _ = m.try("john", ". logout\n", append(args, "127.0.0.1")...)
	return said
}

// Cyrus's client logs in by each mechanism with what Cyrus's saslpasswd2 wrote, before
// and after our own has changed the file.
func TestCyrussLogins(t *testing.T) {
	t.Parallel()
	m := newLogins(t, "")
	for _, round := range []string{"as Cyrus wrote it", "as saslpasswd2 writes it"} {
		for _, row := range []struct {
			name    string
			options []string
			says    string
		}{
			{"login", []string{"-m", "login"}, "LOGIN john"},
			{"PLAIN", []string{"-m", "PLAIN"}, "AUTHENTICATE PLAIN"},
			{"CRAM-MD5", []string{"-m", "CRAM-MD5"}, "AUTHENTICATE CRAM-MD5"},
			{"DIGEST-MD5", []string{"-m", "DIGEST-MD5"}, "AUTHENTICATE DIGEST-MD5"},
			{"SCRAM-SHA-1", []string{"-m", "SCRAM-SHA-1"}, "AUTHENTICATE SCRAM-SHA-1"},
			{"SCRAM-SHA-256", []string{"-m", "SCRAM-SHA-256"}, "AUTHENTICATE SCRAM-SHA-256"},
			{"OTP", []string{"-m", "OTP"}, "AUTHENTICATE OTP"},
			{"OTP again", []string{"-m", "OTP"}, "AUTHENTICATE OTP"},
			{"whatever it likes, with TLS", []string{"-t", ""}, "TLS connection established"},
		} {
			if said := m.imtest("secret", row.options...); !strings.Contains(said, "Authenticated.") || !strings.Contains(said, row.says) {
				t.Errorf("%s, %s: %s", round, row.name, said)
			}
		}
		for _, mechanism := range []string{"login", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-256", "OTP"} {
			if said := m.imtest("Secret", "-m", mechanism); strings.Contains(said, "Authenticated.") || !strings.Contains(said, "authentication failure") {
				t.Errorf("%s, %s with a wrong password: %s", round, mechanism, said)
			}
		}
		m.run("root", "other\n", "saslpasswd2", "-f", store+"/sasldb2", "mary")
	}
	wants(t, "the file", m.run("root", "", "sh", "-c", "cd "+store+"; sasldblistusers2 sasldb2; stat -c '%U %G %a' sasldb2; ls sasldb2.bdb"),
		"john@"+site.Me+": userPassword\n", "mary@"+site.Me+": cmusaslsecretOTP\n", "cyrus mail 640\n")
	said := m.imtest("other", "-m", "PLAIN", "-a", "mary", "-u", "mary")
	if !strings.Contains(said, "Authenticated.") {
		t.Errorf("mary: %s", said)
	}
}

// With TLS 1.2 Cyrus's client binds its login to the connection.
func TestCyrussBinding(t *testing.T) {
	t.Parallel()
	m := newLogins(t, "tls_versions: tls1_2\nsasl_mech_list: SCRAM-SHA-256\n")
	const bound = "AUTHENTICATE SCRAM-SHA-256 cD10bHMtdW5pcXVl" // p=tls-unique
	if said := m.imtest("secret", "-t", ""); !strings.Contains(said, "Authenticated.") || !strings.Contains(said, bound) {
		t.Errorf("%s", said)
	}
	// So does ours, and with TLS 1.3 as well where that is offered.
	m.imapd("127.0.0.1:144", "sasl_mech_list: SCRAM-SHA-256-PLUS\n")
	for port, with := range map[string]string{"143": "tls-unique", "144": "tls-exporter"} {
		first := "AUTHENTICATE SCRAM-SHA-256-PLUS " + base64.StdEncoding.EncodeToString([]byte("p=" + with + ",,"))[:16]
		said, _ := m.try("john", ". logout\n", "imtest", "-t", "", "-a", "john", "-w", "secret", "-p", port, "127.0.0.1")
		if !strings.Contains(said, "Authenticated.") || !strings.Contains(said, first) {
			t.Errorf("%s: %s", with, said)
		}
	}
}

// Cyrus's client hands in mail from the network, as one of lmtp_admins and as nobody else.
func TestCyrussLMTPClient(t *testing.T) {
	t.Parallel()
	m := newLogins(t, "lmtp_admins: john\nautocreate_quota: 0\nautocreate_post: yes\n", lmtptest+" cyrus-clients")
	m.background("lmtpd", nil, "lmtpd", "-C", store+"/127.0.0.1:143.conf", "-l", "127.0.0.1:24")
	m.awaitPort("127.0.0.1:24")
	for _, row := range []struct {
		name, user string
		options    []string
		want       string
	}{
		{"TLS", "john", []string{"-t", ""}, "250 2.1.5 Ok"},
		{"without", "john", []string{"-m", "DIGEST-MD5"}, "250 2.1.5 Ok"},
		{"no postman", "mary", []string{"-t", "", "-m", "PLAIN"}, "authorization failure"},
		{"nobody", "john", []string{"-m", "none"}, "530 Authentication required"},
	} {
		args := append([]string{lmtptest, "-p", "24", "-a", row.user, "-u", row.user, "-w", "secret"}, row.options...)
		said, _ := m.try("john", "MAIL FROM:<a@b>\nRCPT TO:<mary>\nDATA\nSubject: "+row.name+"\n\n.\nQUIT\n", append(args, "127.0.0.1")...)
		if !strings.Contains(said, row.want) {
			t.Errorf("%s: %s", row.name, said)
		}
	}
}

// The real saslauthd is asked, and the file only where there is none. saslauthd asks by
// IMAP, another imapd.
func TestSaslauthd(t *testing.T) {
	t.Parallel()
	m := newLogins(t, "", saslauthd+" sasl2-bin")
	m.imapd("127.0.0.1:144", "sasl_pwcheck_method: saslauthd\nsasl_saslauthd_path: /tmp/saslauthd/mux\n")
	asked := []string{"-m", "login", "-p", "144"}
	if said := m.imtest("secret", asked...); !strings.Contains(said, "Authenticated.") {
		t.Errorf("without it: %s", said)
	}
	m.in(func() error { return os.Mkdir("/tmp/saslauthd", 0o755) })
	m.background("saslauthd", nil, saslauthd, "-d", "-a", "rimap", "-O", "127.0.0.1", "-n", "1", "-m", "/tmp/saslauthd")
	m.awaitLog("saslauthd", "listening on socket")
	m.run("root", "", "chmod", "755", "/tmp/saslauthd") // it keeps others out
	if said := m.imtest("secret", asked...); !strings.Contains(said, "Authenticated.") {
		t.Errorf("with it: %s", said)
	}
	m.awaitLog("saslauthd", "auth success: [user=john] [service=imap]")
	if said := m.imtest("Secret", asked...); strings.Contains(said, "Authenticated.") {
		t.Errorf("a wrong password: %s", said)
	}
	m.awaitLog("saslauthd", "auth failure: [user=john] [service=imap]")
}

// Failed logins are held against the right ones by fail2ban, as it is.
func TestReadersOfImapdsLog(t *testing.T) {
	t.Parallel()
	m := newLogins(t, "", "fail2ban-regex fail2ban")
	m.syslog("chmod 666 /dev/log; for m in login PLAIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1; do for p in Secret secret; do echo . logout |" +
		" " + imtest + " -m $m -a john -u john -w $p 127.0.0.1 >/tmp/said; done; done; true")
	log := m.read("/var/log/mail.log")
	wants(t, "the log", log, "login: localhost [127.0.0.1] john CRAM-MD5 User logged in\n", "login: localhost [127.0.0.1] john plaintext User logged in\n")
	m.run("root", "", "cp", "-r", fail2ban, "/etc")
	if out, want := m.run("root", "", "fail2ban-regex", "-o", "<ip>", "/var/log/mail.log", "cyrus-imap"), strings.Repeat("127.0.0.1\n", 5); out != want {
		t.Errorf("got %q, want %q, of\n%s", out, want, log)
	}
}
