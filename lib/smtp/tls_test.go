package smtp

import (
	"os"
	"strings"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/qmail"
	"goqmail/lib/starttls/starttlstest"
)

// securing makes a home with a program in the place of qmail-tls.
func securing(t *testing.T, first, second string, controls map[string]string) {
	all := map[string]string{"me": "me", "rcpthosts": "here", "extensions": "smtp-tls", "servercert.pem": ""}
	for name, data := range controls {
		all[name] = data
	}
	home(t, all)
	starttlstest.Program(t, first, second)
}

func converse(t *testing.T, env call.Env, turns ...string) (output string, code int) {
	t.Helper()
	output = starttlstest.Converse(t, func(in, out *os.File) {
		code = Serve(call.New([]string{"qmail-smtpd"}, append(env, "PATH=/usr/bin:/bin"), map[int]*os.File{0: in, 1: out, 2: os.Stderr}), qmail.Open)
	}, turns...)
	return output, code
}

const ehlo = "250-me\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 8BITMIME\r\n"

func TestStartTLS(t *testing.T) {
	const ready = "220 ready for tls\r\n"
	securing(t, "+\n", "+SUITE\tjoe@a\t\n", map[string]string{"tlsclients": "JOE@a"})
	output, code := converse(t, nil, "ESMTP\r\n", "EHLO x\r\nMAIL <evil>\r\nSTARTTLS\r\nRCPT <evil@here>\r\n",
		ready, "RCPT <x@here>\r\nEHLO y\r\nSTARTTLS\r\nMAIL <a>\r\nRCPT <x@there>\r\nDATA\r\n", "354 go ahead\r\n", "text\r\n.\r\nQUIT\r\n")
	output = accepted.ReplaceAllString(output, "QUEUED\r\n")
	want := lines("220 me ESMTP") + ehlo + "250 ok\r\n" + ready + lines(replyWantMail, "250-me", "250-PIPELINING", "250 8BITMIME",
		replyUnknown, "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me")
	if output != want || code != 0 {
		t.Errorf("got %d %q\nwant %q", code, output, want)
	}
	if got := stored(t); !strings.Contains(got, " with ESMTPS (SUITE encrypted)\n  (cert joe@a); DATE\ntext\n") {
		t.Errorf("stored %q", got)
	}
}

// Who sends, as MAIL has it in the clear, counts no more than the rest.
func TestStartTLSForgetsWhoSends(t *testing.T) {
	const ready = "220 ready for tls\r\n"
	securing(t, "+\n", "+SUITE\t\t\n", map[string]string{"extensions": "smtp-tls\nsmtp-auth"})
	_, code := converse(t, call.Env{"TCPREMOTEIP=192.0.2.9"}, "ESMTP\r\n", "EHLO evil\r\nMAIL FROM:<a> AUTH=evil\r\nSTARTTLS\r\n",
		ready, "MAIL <a>\r\nRCPT <x@here>\r\nDATA\r\n", "354 go ahead\r\n", "text\r\n.\r\nQUIT\r\n")
	if got := stored(t); code != 0 || strings.Contains(got, "evil") || !strings.Contains(got, "(192.0.2.9)") {
		t.Errorf("got %d, stored %q", code, got)
	}
}

func TestStartTLSRefused(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second string
		env           call.Env
		turns         []string
		want          string
		code          int
	}{
		{"no certificate", "-missing certificate: x\n", "", nil,
			[]string{"ESMTP\r\n", "STARTTLS\r\nMAIL <evil>\r\n", "(#4.3.0)\r\n", "RCPT <a>\r\nQUIT\r\n"},
			lines("454 TLS missing certificate: x (#4.3.0)", replyWantMail, "221 me"), 0},
		{"handshake", "+\n", "-no\n", nil, []string{"ESMTP\r\n", "STARTTLS\r\n"}, lines(replyTLSReady, "454 TLS connection failed: no (#4.3.0)"), 1},
		{"argument", "+\n", "+\n", nil, []string{"ESMTP\r\n", "STARTTLS x\r\nQUIT\r\n"}, lines(replyTLSArgument, "221 me"), 0},
		{"disabled", "+\n", "+\n", call.Env{"DISABLETLS="}, []string{"ESMTP\r\n", "STARTTLS\r\nQUIT\r\n"}, lines(replyUnknown, "221 me"), 0},
		{"denied", "+\n", "+\n", call.Env{"DENY_TLS=1"}, []string{"ESMTP\r\n", "STARTTLS\r\nQUIT\r\n"}, lines(replyUnknown, "221 me"), 0},
		{"not denied", "-no\n", "", call.Env{"DENY_TLS=0", "DISABLETLS=0"}, []string{"ESMTP\r\n", "STARTTLS\r\n", "(#4.3.0)\r\n", "QUIT\r\n"}, lines("454 TLS no (#4.3.0)", "221 me"), 0},
		{"forced", "-no\n", "", call.Env{"FORCE_TLS=1"}, []string{"ESMTP\r\n", "MAIL <a>\r\nQUIT\r\n"}, lines(replyTLSFirst, "221 me"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			securing(t, c.first, c.second, nil)
			output, code := converse(t, c.env, c.turns...)
			if output != "220 me ESMTP\r\n"+c.want || code != c.code {
				t.Errorf("got %d %q\nwant %d %q", code, output, c.code, c.want)
			}
		})
	}
}

// A warning about what is configured here reaches those who asked for no log.
func TestTLSWarning(t *testing.T) {
	securing(t, "+no such cipher: X\n", "+SUITE\t\t\texpired\n", nil)
	stderr, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	starttlstest.Converse(t, func(in, out *os.File) {
		Serve(call.New([]string{"qmail-smtpd"}, call.Env{"PATH=/usr/bin:/bin"}, map[int]*os.File{0: in, 1: out, 2: stderr}), qmail.Open)
	}, "ESMTP\r\n", "STARTTLS\r\n", "tls\r\n", "QUIT\r\n")
	got, _ := os.ReadFile(stderr.Name())
	if want := "qmail-smtpd: TLS warning: no such cipher: X; expired\n"; string(got) != want {
		t.Errorf("standard error has %q, want %q", got, want)
	}
}

func TestSMTPS(t *testing.T) {
	securing(t, "+\n", "+SUITE\t\tbad\n", map[string]string{"tlsclients": ""})
	output, code := converse(t, call.Env{"SMTPS="}, "ESMTP\r\n", "EHLO x\r\nMAIL <a>\r\nRCPT <b@c>\r\nQUIT\r\n")
	want := lines("220 me ESMTP", "250-me", "250-PIPELINING", "250 8BITMIME", "250 ok",
		"553 sorry, that domain isn't in my list of allowed rcpthosts; no valid cert for gatewaying: bad (#5.7.1)", "221 me")
	if output != want || code != 0 {
		t.Errorf("got %d %q", code, output)
	}
	securing(t, "-missing certificate: x\n", "", nil)
	if output, code := converse(t, call.Env{"SMTPS=1"}); output != lines("454 TLS missing certificate: x (#4.3.0)") || code != 1 {
		t.Errorf("got %d %q", code, output)
	}
}

func TestPlainKnowsNoTLS(t *testing.T) {
	home(t, map[string]string{"me": "me", "servercert.pem": ""})
	output, _ := talk(t, nil, lines("EHLO x", "STARTTLS", "AUTH PLAIN x"))
	if want := lines("220 me ESMTP", "250-me", "250-PIPELINING", "250 8BITMIME", replyUnknown, replyUnknown); output != want {
		t.Errorf("got %q", output)
	}
}

// outside has a session in which a listener speaks TLS, as UCSPITLS says.
func outside(t *testing.T, mode, clear, secret, variables string) (inClear, inSecret string, code int) {
	t.Helper()
	inClear, inSecret = starttlstest.Outside(t, clear, variables, secret, func(env call.Env, files map[int]*os.File) {
		code = Serve(call.New([]string{"qmail-smtpd"}, append(env, "UCSPITLS="+mode), files), qmail.Open)
	})
	return inClear, inSecret, code
}

func TestUCSPITLS(t *testing.T) {
	home(t, map[string]string{"me": "me", "rcpthosts": "here"})
	const suite = "SSL_CIPHER=SUITE\x00"
	const certificate = suite + "SSL_CLIENT_S_DN=/CN=joe\x00SSL_CLIENT_S_DN_Email=joe@a\x00"
	greeting := lines("220 me ESMTP")
	none := lines("250-me", "250-PIPELINING", "250 8BITMIME")
	noCert := "553 sorry, that domain isn't in my list of allowed rcpthosts; no valid cert for gatewaying (#5.7.1)"
	for _, c := range []struct {
		name, mode, variables string
		clear, secret         string
		inClear, inSecret     string
		code                  int
	}{
		{"required", "!", suite, lines("EHLO x", "MAIL <a>", "STARTTLS", "MAIL <evil>"), lines("RCPT <x>", "MAIL <a>", "QUIT"),
			greeting + ehlo + lines(replyTLSFirst, replyTLSReady), lines(replyWantMail, "250 ok", "221 me"), 0},
		{"offered", "", suite, lines("EHLO x", "MAIL <a>", "STARTTLS", "MAIL <evil>"), lines("RCPT <x>", "MAIL <a>", "STARTTLS", "RCPT <b@c>", "QUIT"),
			greeting + ehlo + lines("250 ok", replyTLSReady), lines(replyWantMail, "250 ok", replyUnknown, noCert, "221 me"), 0},
		{"off", "-", suite, lines("EHLO x", "STARTTLS", "MAIL <a>", "QUIT"), "", greeting + none + lines(replyUnknown, "250 ok", "221 me"), "", 0},
		{"with certificate", "?", certificate, lines("MAIL <a>", "STARTTLS"), lines("MAIL <a>", "RCPT <b@c>", "QUIT"),
			greeting + lines(replyTLSFirst, replyTLSReady), lines("250 ok", "250 ok", "221 me"), 0},
		{"without certificate", "@", suite, lines("STARTTLS"), lines("MAIL <a>", "RCPT <b@c>", "QUIT"),
			greeting + lines(replyTLSReady), lines("250 ok", noCert, "221 me"), 0},
		{"certificate not asked for", "!", certificate, lines("STARTTLS"), lines("MAIL <a>", "RCPT <b@c>", "QUIT"),
			greeting + lines(replyTLSReady), lines("250 ok", noCert, "221 me"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inClear, inSecret, code := outside(t, c.mode, c.clear, c.secret, c.variables)
			if inClear != c.inClear {
				t.Errorf("in the clear: got %q\nwant %q", inClear, c.inClear)
			}
			if inSecret != c.inSecret || code != c.code {
				t.Errorf("then: got %d %q\nwant %q", code, inSecret, c.inSecret)
			}
		})
	}
}

// The address in a certificate is who sends.
func TestUCSPITLSNames(t *testing.T) {
	home(t, map[string]string{"me": "me", "rcpthosts": "here"})
	_, _, code := outside(t, "@", lines("STARTTLS"), lines("MAIL <a>", "RCPT <b@c>", "DATA", "text", ".", "QUIT"),
		"SSL_CIPHER=SUITE\x00SSL_CLIENT_S_DN=/CN=joe\x00SSL_CLIENT_S_DN_Email=joe@a\nX:\x00")
	if got := stored(t); code != 0 || !strings.Contains(got, "joe@a?X:@") || !strings.Contains(got, " with ESMTPS (SUITE encrypted)\n  (cert joe@a?X:); ") {
		t.Errorf("got %d, %q", code, got)
	}
}
