//go:build linux

package story

import (
	"bufio"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// checkpassword knows one user, and becomes him if it may.
const checkpassword = `#!/bin/sh
case $(tr '\0' ' ' <&3) in "susie secret "*) ;; *) exit 1 ;; esac
[ "$(id -u)" = 0 ] || exec "$@"
cd /home/susie
exec setuidgid susie "$@"
`

// encrypt gives the host a certificate, and those of its extensions that secure
// mail from users.
func (m *machine) encrypt() {
	m.t.Helper()
	need(m.t, "openssl", "openssl")
	if !m.ours() {
		m.t.Skip("the reference has no TLS")
	}
	m.control("extensions", "smtp-tls\nsmtp-auth\n")
	m.run("mkservercert")
}

// serve starts the run script of a service as supervise does, with a program
// that checks passwords, and waits until it listens.
func (m *machine) serve(service, port string) {
	m.t.Helper()
	need(m.t, "softlimit", "daemontools")
	m.write("/tmp/checkpassword", checkpassword, "root")
	m.run("chmod", "755", "/tmp/checkpassword")
	script, err := m.read(home + "/boot/daemontools/" + service + "/run")
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("/tmp/"+service, strings.Replace(script, "/bin/checkpassword", "/tmp/checkpassword", 1), "root")
	m.background(service, "sh", "/tmp/"+service)
	m.awaitPort(port)
}

// secure goes on with TLS, with a server whose certificate is for name.
func (c *smtp) secure(name string) {
	c.t.Helper()
	c.secureBy(&tls.Config{ServerName: name, InsecureSkipVerify: true})
}

func (c *smtp) secureBy(config *tls.Config) {
	c.t.Helper()
	safe := tls.Client(c.conn, config)
	if err := safe.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	if err := safe.ConnectionState().PeerCertificates[0].VerifyHostname(config.ServerName); err != nil {
		c.t.Error(err)
	}
	c.conn, c.in = safe, bufio.NewReader(safe)
}

// line reads one line, which must start with want.
func (c *smtp) line(want string) string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, want) {
		c.t.Fatalf("got %q, %v; want %s", line, err, want)
	}
	return line
}

var login = "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00susie\x00secret"))

func TestRunScriptsForUsersTellWhatIsMissing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference has no TLS")
	}
	refuses := func(script, want string) {
		t.Helper()
		said, err := m.try("root", "", []string{"CHECKPASSWORD=/tmp/nosuch x"}, home+"/boot/"+script)
		if want = script + ": fatal: " + want + "\n"; said != want || err == nil || err.Error() != "exit status 111" {
			t.Errorf("got %q, %v; want %q", said, err, want)
		}
	}
	refuses("submission", "no line smtp-tls in "+home+"/control/extensions")
	refuses("pop3", "no line smtp-tls in "+home+"/control/extensions")
	m.control("extensions", "smtp-tls\n")
	refuses("submission", "no line smtp-auth in "+home+"/control/extensions")
	m.control("extensions", "smtp-tls\nsmtp-auth\n")
	for _, script := range []string{"submission", "pop3"} {
		refuses(script, "no "+home+"/control/servercert.pem")
	}
	m.control("servercert.pem", "")
	for _, script := range []string{"submission", "pop3"} {
		refuses(script, "unable to run /tmp/nosuch to check passwords")
	}
}

func TestUsersSendMailByTLSAndPassword(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.encrypt()
	m.start()
	send := func(c *smtp, subject string) {
		c.say("MAIL FROM:<susie@linuxfromsource.org>", "530 Authorization required")
		c.say(login, "235 ")
		c.send(subject, "susie@linuxfromsource.org", "john@linuxfromsource.org")
		c.say("MAIL FROM:<susie@linuxfromsource.org>", "250 ")
		c.say("RCPT TO:<somebody@elsewhere.example>", "250 ") // a user may relay
		c.say("QUIT", "221 ")
		if got := m.awaitMail("john", "Subject: "+subject); !strings.Contains(got, " with ESMTPSA (TLS_AES_128_GCM_SHA256 encrypted); ") || !strings.Contains(got, "(susie@127.0.0.1)") {
			t.Errorf("got %q", got)
		}
	}

	m.serve("qmail-submission", "587")
	c := m.client("587")
	c.reply("220 ")
	if offer := c.say("EHLO me.example", "250"); !strings.Contains(offer, "250-STARTTLS\r\n") || strings.Contains(offer, "AUTH") {
		t.Errorf("offered: %q", offer)
	}
	c.say("MAIL FROM:<susie@linuxfromsource.org>", "530 Must issue a STARTTLS")
	c.say(login, "538 ")
	c.say("STARTTLS", "220 ")
	c.secure(site.Me)
	if offer := c.say("EHLO me.example", "250"); strings.Contains(offer, "STARTTLS") || !strings.Contains(offer, "250-AUTH LOGIN PLAIN\r\n") {
		t.Errorf("offered: %q", offer)
	}
	send(c, "by 587")

	m.serve("qmail-smtpsd", "465")
	c = m.client("465")
	c.secure(site.Me)
	c.reply("220 ")
	send(c, "by 465")
	m.awaitEmpty()
}

func TestUsersReadMailByTLS(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.encrypt()
	m.start()
	m.send("john", "to be read", "susie")
	m.awaitMail("susie", "Subject: to be read")
	m.run("sh", "-c", "touch -d '1 minute ago' /home/susie/Maildir/new/*") // what came this second waits for the next session
	read := func(c *smtp) {
		for _, turn := range [][2]string{{"USER susie", "+OK"}, {"PASS secret", "+OK"}, {"STAT", "+OK 1 "}, {"RETR 1", "+OK"}} {
			io.WriteString(c.conn, turn[0]+"\r\n")
			c.line(turn[1])
		}
		for c.line("") != "Subject: to be read\r\n" { // or the connection ends
		}
		for c.line("") != ".\r\n" {
		}
		io.WriteString(c.conn, "QUIT\r\n")
		c.line("+OK")
		if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
			t.Errorf("then: %q, %v", rest, err)
		}
	}

	m.serve("qmail-pop3d", "110")
	c := m.client("110")
	c.line("+OK <")
	io.WriteString(c.conn, "USER susie\r\n")
	c.line("-ERR TLS required")
	io.WriteString(c.conn, "STLS\r\nUSER evil\r\n")
	c.line("+OK")
	c.secure(site.Me)
	io.WriteString(c.conn, "PASS secret\r\n")
	c.line("-ERR USER first")
	for _, pid := range m.Pids("qmail-tls") { // which root has started
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		uid := users.Uid("qmailp")
		if want := fmt.Sprintf("\nUid:\t%d\t%d\t%d\t%d\n", uid, uid, uid, uid); err != nil || !strings.Contains(string(status), want) {
			t.Errorf("qmail-tls runs as\n%s, %v", status, err)
		}
		if want := regexp.MustCompile(`\nGroups:\s*\n`); !want.Match(status) {
			t.Errorf("qmail-tls has groups:\n%s", status)
		}
	}
	read(c)

	m.serve("qmail-pop3ds", "995")
	c = m.client("995")
	c.secure(site.Me)
	c.line("+OK <")
	read(c)
}

// What somebody puts into the stream before the handshake is not what the client
// says in safety.
func TestCommandsBeforeTLSAreForgotten(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.encrypt()
	m.listen()
	c := m.smtp()
	c.say("EHLO victim.example", "250")
	c.say("MAIL FROM:<victim@elsewhere.example>", "250 ")
	c.say("RCPT TO:<john@linuxfromsource.org>", "250 ")
	io.WriteString(c.conn, "STARTTLS\r\nMAIL FROM:<evil@elsewhere.example>\r\nRCPT TO:<john@linuxfromsource.org>\r\nDATA\r\n")
	c.reply("220 ")
	c.secure(site.Me)
	c.say("DATA", "503 MAIL first")
	c.say("NOOP", "250 ")
	c.say("QUIT", "221 ")
}

// The next connection has the certificate that is there then. Without a good one
// the dialogue goes on in the clear, and the log says why.
func TestCertificatesChangeWithoutARestart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.encrypt()
	m.control("extensions", "smtp-tls\nsmtpd-logmsg\n")
	m.listen()
	c := m.smtp()
	c.say("STARTTLS", "220 ")
	c.secure(site.Me)
	m.run("rm", home+"/control/servercert.pem")
	m.run("mkservercert", "other.example", "third.example")
	c.say("NOOP", "250 ")
	c = m.smtp()
	c.say("STARTTLS", "220 ")
	c.secure("third.example")

	if out, err := m.try("root", "", nil, "mkservercert"); err == nil || out != "mkservercert: fatal: "+home+"/control/servercert.pem exists\n" {
		t.Errorf("mkservercert: %v, %q", err, out)
	}
	for _, row := range []struct{ do, want string }{
		{"chown root F; chmod 600 F", "missing certificate: access denied"},
		{"chown qmailp F; sed -i '/PRIVATE/,$d' F", "no valid RSA private key: "},
		{"echo x >F", "missing certificate: none in servercert.pem"},
	} {
		m.run("sh", "-c", strings.ReplaceAll(row.do, "F", home+"/control/servercert.pem"))
		c := m.smtp()
		c.say("STARTTLS", "454 TLS "+row.want)
		c.say("MAIL FROM:<visitor@elsewhere.example>", "250 ")
		c.say("QUIT", "221 ")
		if log, _ := m.read("/var/log/smtpd"); !strings.Contains(log, "]: TLS refused: "+row.want) {
			t.Errorf("the log says %q", log)
		}
	}
}

// The name that the client calls decides about the certificate, and a client whose
// own is good may send mail to anywhere.
func TestCertificatesForNamesAndOfClients(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.encrypt()
	known, stranger := newAuthority(t, "authority.example"), newAuthority(t, "authority.example")
	m.run("mkdir", "-p", home+"/control/servercerts/named.example")
	named := home + "/control/servercerts/named.example/servercert.pem"
	m.write(named, known.vouch("named.example", time.Now().Add(time.Hour)), "qmailp")
	m.run("chmod", "400", named)
	m.control("clientca.pem", inPEM(t, known.cert, known.key))
	m.control("tlsclients", "joe@client.example\n")
	m.control("rcpthosts", "linuxfromsource.org\n")
	m.start()
	m.listen()
	for _, row := range []struct {
		name    string
		version uint16
		by      *authority
		called  string
		want    string // at a recipient elsewhere
	}{
		{"by 1.2", tls.VersionTLS12, known, "named.example", "250 "},
		{"by 1.3", tls.VersionTLS13, known, "named.example", "250 "},
		{"of a stranger", tls.VersionTLS13, stranger, site.Me, "553 sorry, that domain isn't in my list of allowed rcpthosts; no valid cert for gatewaying: x509: "},
		{"none", tls.VersionTLS13, nil, site.Me, "553 sorry, that domain isn't in my list of allowed rcpthosts; no valid cert for gatewaying (#5.7.1)"},
	} {
		c := m.smtp()
		c.say("STARTTLS", "220 ")
		config := &tls.Config{ServerName: row.called, InsecureSkipVerify: true, MinVersion: row.version, MaxVersion: row.version}
		if row.by != nil {
			config.Certificates = []tls.Certificate{row.by.client("joe@client.example")}
		}
		c.secureBy(config)
		c.say("EHLO me.example", "250")
		c.say("MAIL FROM:<joe@client.example>", "250 ")
		c.say("RCPT TO:<john@linuxfromsource.org>", "250 ")
		c.say("RCPT TO:<somebody@elsewhere.example>", row.want)
		c.say("RSET", "250 ")
		c.send(row.name, "joe@client.example", "john@linuxfromsource.org")
		got := m.awaitMail("john", "Subject: "+row.name+"\n")
		if strings.Contains(got, " encrypted)\n  (cert joe@client.example); ") != (row.want == "250 ") {
			t.Errorf("%s: got %q", row.name, got)
		}
	}
}

// client makes a certificate for an e-mail address.
func (a *authority) client(email string) tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	template := certificateFor("client", time.Now().Add(time.Hour))
	template.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: email}}
	return tls.Certificate{Certificate: [][]byte{a.sign(template, a.cert, key).Raw}, PrivateKey: key}
}

// OpenSSL's client gets along, and its second connection, which meets other
// processes, resumes the session of the first. The servers have no more memory
// than in the time before TLS.
func TestOpenSSLResumesASession(t *testing.T) {
	t.Parallel()
	need(t, "softlimit", "daemontools")
	m := newMachine(t)
	m.encrypt()
	for port, script := range map[string][]string{"25": {"smtpd"}, "465": {"submission", "SMTPS=", "PORT=465"}, "110": {"pop3"}} {
		m.background(script[0], append(append([]string{"env", "CHECKPASSWORD=true", "SOFTLIMIT=" + strings.Join(limit, " ")}, script[1:]...), home+"/boot/"+script[0])...)
		m.awaitPort(port)
	}
	for _, args := range []string{"-connect 127.0.0.1:25 -starttls smtp", "-connect 127.0.0.1:465", "-connect 127.0.0.1:110 -starttls pop3"} {
		talk := func(option string) string {
			words := append([]string{"openssl", "s_client", "-ign_eof", option, "/tmp/session"}, strings.Fields(args)...)
			out, err := m.try("root", "QUIT\r\n", nil, words...)
			if err != nil {
				t.Fatalf("%s: %v, %s", args, err, out)
			}
			return out
		}
		if out := talk("-sess_out"); !strings.Contains(out, "\nNew, TLSv1.3, ") {
			t.Errorf("%s: got %q", args, out)
		}
		if out := talk("-sess_in"); !strings.Contains(out, "\nReused, TLSv1.3, ") {
			t.Errorf("%s, the second time: got %q", args, out)
		}
	}
	m.run("openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:465")
}

// A server that speaks TLS itself, with UCSPI-TLS, needs no key of ours.
func TestUCSPITLS(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference has no TLS")
	}
	key, err := tls.X509KeyPair(m.selfSigned("mx.example"))
	if err != nil {
		t.Fatal(err)
	}
	m.start()
	for _, mode := range []string{"", "!"} {
		near, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", near.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := near.Accept()
		if err != nil {
			t.Fatal(err)
		}
		near.Close()
		wait := m.sslserver(far.(*net.TCPConn), &tls.Config{Certificates: []tls.Certificate{key}}, "UCSPITLS="+mode)
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(lab.Patience))
		c := &smtp{t, conn, bufio.NewReader(conn)}
		c.reply("220 ")
		if offer := c.say("EHLO me.example", "250"); !strings.Contains(offer, "250-STARTTLS\r\n") {
			t.Errorf("offered: %q", offer)
		}
		if mode == "!" {
			c.say("MAIL FROM:<a@elsewhere.example>", "530 ")
		}
		c.say("STARTTLS", "220 ")
		c.secure("mx.example")
		c.send("ucspi"+mode, "visitor@elsewhere.example", "john@linuxfromsource.org")
		c.say("QUIT", "221 ")
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := m.awaitMail("john", "Subject: ucspi"+mode+"\n"); !strings.Contains(got, " with ESMTPS (TLS_A_SUITE encrypted); ") {
			t.Errorf("got %q", got)
		}
	}
}

// selfSigned makes a certificate and its key.
func (m *machine) selfSigned(name string) (certificate, key []byte) {
	m.t.Helper()
	need(m.t, "openssl", "openssl")
	m.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN="+name,
		"-addext", "subjectAltName=DNS:"+name, "-keyout", "/tmp/key", "-out", "/tmp/cert")
	c, _ := m.read("/tmp/cert")
	k, _ := m.read("/tmp/key")
	return []byte(c), []byte(k)
}

// sslserver runs qmail-smtpd as sslserver of ucspi-ssl does with its option -n:
// with the connection as it is, and three descriptors to ask for TLS and to go
// on with.
func (m *machine) sslserver(conn *net.TCPConn, config *tls.Config, env ...string) (wait func() error) {
	m.t.Helper()
	file := func(f *os.File, err error) *os.File {
		if err != nil {
			m.t.Fatal(err)
		}
		return f
	}
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		return file(r, err), w
	}
	inR, inW := pipe()
	outR, outW := pipe()
	control := m.socketpair()
	clear := file(conn.File())
	var cmd *exec.Cmd
	m.in(func() error {
		cmd = exec.Command(home + "/bin/qmail-smtpd")
		cmd.Env = append(env, "SSLCTLFD=3", "SSLREADFD=4", "SSLWRITEFD=5", "PATH=/usr/bin:/bin", "TCPREMOTEIP=127.0.0.1")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = clear, clear, os.Stderr
		cmd.ExtraFiles = []*os.File{control[1], inR, outW}
		return cmd.Start()
	})
	for _, f := range []*os.File{clear, control[1], inR, outW} {
		f.Close()
	}
	go func() {
		defer inW.Close()
		asked := make([]byte, 1)
		if _, err := io.ReadFull(control[0], asked); err != nil || asked[0] != 'Y' {
			return
		}
		fmt.Fprintf(control[0], "SSL_PROTOCOL=TLSv1.3\x00SSL_CIPHER=TLS_A_SUITE\x00\x00")
		safe := tls.Server(conn, config)
		go func() {
			io.Copy(safe, outR)
			safe.Close()
		}()
		io.Copy(inW, safe)
	}()
	return cmd.Wait
}

func (m *machine) socketpair() (ends [2]*os.File) {
	m.t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	for i, fd := range fds {
		ends[i] = os.NewFile(uintptr(fd), "control")
	}
	return ends
}
