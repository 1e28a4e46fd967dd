package smtp

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/qmail"
	"goqmail/lib/quote"
)

// home makes a home directory of the given control files and a program in the
// place of qmail-queue, which keeps what it gets in the files mess and envelope.
func home(t testing.TB, controls map[string]string) {
	auto.Home = t.TempDir()
	t.Cleanup(reap)
	for _, dir := range []string{"control", "bin"} {
		if err := os.Mkdir(filepath.Join(auto.Home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range controls {
		write(t, "control/"+name, data)
	}
	write(t, "bin/qmail-queue", "#!/bin/sh\ncat >mess && cat <&1 >envelope && test ! -f refuse || { cat refuse >&6; exit 82; }\n")
	if err := os.Chmod(filepath.Join(auto.Home, "bin/qmail-queue"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// reap waits for the programs that a dialogue which broke off left behind.
func reap() {
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && err != syscall.EINTR {
			return
		}
	}
}

func write(t testing.TB, name, data string) {
	if err := os.WriteFile(filepath.Join(auto.Home, name), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// talk leads a dialogue with a client that says input and then hangs up.
func talk(t testing.TB, env call.Env, input string) (output string, code int) {
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a queue cut short complains
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	go func() {
		io.WriteString(inW, input)
		inW.Close()
	}()
	said := make(chan string)
	go func() {
		data, _ := io.ReadAll(outR)
		said <- string(data)
	}()
	code = Serve(call.New([]string{"qmail-smtpd"}, env, map[int]*os.File{0: inR, 1: outW, 2: null}), qmail.Open)
	inR.Close()
	outW.Close()
	output = <-said
	outR.Close()
	return output, code
}

// stored returns what qmail-queue got, with the date of the Received line left out.
func stored(t *testing.T) string {
	mess, _ := os.ReadFile(filepath.Join(auto.Home, "mess"))
	envelope, _ := os.ReadFile(filepath.Join(auto.Home, "envelope"))
	date := regexp.MustCompile(`; \d+ \w+ \d+ \d\d:\d\d:\d\d -0000\n`)
	return date.ReplaceAllString(string(mess), "; DATE\n") + string(envelope)
}

// accepted is the reply to a message that was queued.
var accepted = regexp.MustCompile(`250 ok \d+ qp \d+\r\n`)

func lines(s ...string) string { return strings.Join(s, "\r\n") + "\r\n" }

const receivedLine = "Received: from client.example (192.0.2.9)\n  by local.example with SMTP; DATE\n"

// SMTPUTF8 is spoken when a control file says so, and then the Received line
// tells of it.
func TestUTF8(t *testing.T) {
	env := call.Env{"TCPREMOTEHOST=client.example", "TCPREMOTEIP=192.0.2.9", "TCPLOCALHOST=local.example"}
	const mail = "MAIL FROM:<j\u00f6rg@b\u00fccher.example>"
	rest := lines("RCPT TO:<f\u00fcr@d>", "DATA", "", ".", "QUIT")
	envelope := "\nFj\u00f6rg@b\u00fccher.example\x00Tf\u00fcr@d\x00\x00"
	yes := []string{"250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"}
	plain := []string{"220 me ESMTP", "250-me", "250-PIPELINING", "250 8BITMIME"}
	offered := []string{"220 me ESMTP", "250-me", "250-PIPELINING", "250-SMTPUTF8", "250 8BITMIME"}
	with := strings.Replace(receivedLine, "SMTP", "UTF8SMTP", 1)
	on := map[string]string{"extensions": "smtputf8\n"}
	for _, c := range []struct {
		name     string
		controls map[string]string
		input    string
		output   []string
		stored   string
	}{
		{"off", nil, mail + " SMTPUTF8\r\n" + rest, append(plain, yes...), receivedLine + envelope},
		{"on", on, mail + " SMTPUTF8\r\n" + rest, append(offered, yes...), with + envelope},
		{"file of its own", map[string]string{"smtputf8": "1\n"}, mail + " BODY=8BITMIME smtputf8\r\n" + rest, append(offered, yes...), with + envelope},
		{"file says no", map[string]string{"smtputf8": "0\n"}, mail + " SMTPUTF8\r\n" + rest, append(plain, yes...), receivedLine + envelope},
		{"not said", on, mail + "\r\n" + rest, append(offered, yes...), receivedLine + envelope},
		{"said for another message", on, lines("MAIL FROM:<x> SMTPUTF8", "RSET") + mail + "\r\n" + rest,
			append(append(offered, "250 ok", "250 flushed"), yes...), receivedLine + envelope},
		{"no UTF-8", on, lines("MAIL FROM:<\xff@b> SMTPUTF8", "MAIL FROM:<\xff@b>", "MAIL FROM:<> SMTPUTF8", "RCPT TO:<\xc3\x28@b>", "QUIT"),
			append(offered, replySyntax, "250 ok", "250 ok", replySyntax, "221 me"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			controls := map[string]string{"me": "me"}
			maps.Copy(controls, c.controls)
			home(t, controls)
			output, _ := talk(t, env, "EHLO client.example\r\n"+c.input)
			output = accepted.ReplaceAllString(output, "QUEUED\r\n")
			if want := lines(c.output...); output != want {
				t.Errorf("got %q\nwant %q", output, want)
			}
			if got := stored(t); got != c.stored {
				t.Errorf("stored %q\nwant %q", got, c.stored)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		name, extensions string
		output           []string
	}{
		{"off", "", []string{"250 8BITMIME", "250 ok", "250 ok", "250 ok", "250 ok"}},
		{"on", "esmtp-size", []string{"250-8BITMIME", "250 SIZE 1000", "250 ok", replyTooBig, replyTooBig, "250 ok"}},
	} {
		home(t, map[string]string{"me": "me", "databytes": "1000", "extensions": c.extensions})
		output, _ := talk(t, nil, lines("EHLO x", "MAIL FROM:<a> BODY=8BITMIME SIZE=1000", "MAIL FROM:<a> size=1001",
			"MAIL FROM:<a> SIZE=99999999999999999999999999 BODY=8BITMIME", "MAIL FROM:<a> SIZE=x BODY=7BIT"))
		if want := lines(append([]string{"220 me ESMTP", "250-me", "250-PIPELINING"}, c.output...)...); output != want {
			t.Errorf("%s: got %q\nwant %q", c.name, output, want)
		}
	}
}

func TestProtocol(t *testing.T) {
	for _, c := range []struct {
		s    session
		utf8 bool
		want string
	}{
		{session{}, false, "SMTP"},
		{session{authenticated: true}, false, "ESMTPA"},
		{session{tls: &secured{}}, false, "ESMTPS ( encrypted)"},
		{session{tls: &secured{}, authenticated: true}, false, "ESMTPSA ( encrypted)"},
		{session{}, true, "UTF8SMTP"},
		{session{authenticated: true}, true, "UTF8SMTPA"},
		{session{tls: &secured{}, authenticated: true}, true, "UTF8SMTPSA ( encrypted)"},
	} {
		if got := c.s.protocol(&envelope{utf8: c.utf8}); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestDialogue(t *testing.T) {
	env := call.Env{"TCPREMOTEHOST=client.example", "TCPREMOTEIP=192.0.2.9", "TCPLOCALHOST=local.example"}
	message := lines("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "Subject: x", "", "..", ".", "QUIT")
	sent := receivedLine + "Subject: x\n\n.\nFa@b\x00Tc@d\x00\x00"
	for _, c := range []struct {
		name     string
		controls map[string]string
		env      call.Env
		input    string
		output   string
		stored   string
		code     int
	}{
		{"message", nil, nil, message,
			lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"), sent, 0},
		{"commands", map[string]string{"smtpgreeting": "hello there"}, nil,
			lines("HELO x", "ehlo y", "NOOP", "RSET", "HELP", "VRFY x", "EXPN", "", "QUIT now", "NOOP"),
			lines("220 hello there ESMTP", "250 hello there", "250-hello there", "250-PIPELINING", "250 8BITMIME", "250 ok", "250 flushed",
				"214 notqmail home page: https://notqmail.org", "252 send some mail, i'll try my best", "502 unimplemented (#5.5.1)",
				"502 unimplemented (#5.5.1)", "221 hello there"), "", 0},
		{"order", nil, nil, lines("RCPT TO:<a>", "DATA", "MAIL <a>", "DATA", "RSET", "RCPT <b>", "MAIL <a>", "HELO x", "RCPT <b>"),
			lines("220 me ESMTP", "503 MAIL first (#5.5.1)", "503 MAIL first (#5.5.1)", "250 ok", "503 RCPT first (#5.5.1)", "250 flushed",
				"503 MAIL first (#5.5.1)", "250 ok", "250 me", "503 MAIL first (#5.5.1)"), "", 1},
		{"empty me", map[string]string{"me": ""}, nil, "", lines("220  ESMTP"), "", 1},
		{"name", nil, nil, "HELO other\r\n" + message, lines("220 me ESMTP", "250 me", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"),
			strings.Replace(sent, " (192", " (HELO other) (192", 1), 0},
		{"same name", nil, nil, "EHLO Client.Example\r\n" + strings.TrimSuffix(message, "QUIT\r\n"),
			lines("220 me ESMTP", "250-me", "250-PIPELINING", "250 8BITMIME", "250 ok", "250 ok", "354 go ahead", "QUEUED"), sent, 1},
		{"rcpthosts", map[string]string{"rcpthosts": "b.example\n.c.example\n"}, nil,
			lines("MAIL FROM:<>", "RCPT TO:<x@B.Example>", "RCPT TO:<x@a.c.example>", "RCPT TO:<x@c.example>", "RCPT TO:<x>", "RCPT TO:<x@>"),
			lines("220 me ESMTP", "250 ok", "250 ok", "250 ok", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "250 ok",
				"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"), "", 1},
		{"relayclient", map[string]string{"rcpthosts": ""}, call.Env{"RELAYCLIENT=@r"}, message,
			lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"), strings.Replace(sent, "c@d", "c@d@r", 1), 0},
		{"badmailfrom", map[string]string{"badmailfrom": "a@b\n@bad\n"}, nil,
			lines("MAIL FROM:<A@B>", "RCPT TO:<x>", "MAIL FROM:<x@Bad>", "RCPT TO:<x>", "MAIL FROM:<a@bb>", "RCPT TO:<x>"),
			lines("220 me ESMTP", "250 ok", replyBadMailFrom, "250 ok", replyBadMailFrom, "250 ok", "250 ok"), "", 1},
		{"databytes", map[string]string{"databytes": "13"}, nil, message,
			lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", replyTooBig, "221 me"), receivedLine + "Subject: x\n\n.", 0},
		{"databytes exactly", map[string]string{"databytes": "13"}, call.Env{"DATABYTES=14"}, message,
			lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"), sent, 0},
		{"loop", nil, nil, strings.Replace(message, "Subject: x", strings.Repeat("Received: x\r\nDelivered-To: y\r\n", 50)+"x: y", 1),
			lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", replyLooping, "221 me"),
			receivedLine + strings.Repeat("Received: x\nDelivered-To: y\n", 50) + "x: y\n\n.\n", 0},
		{"bare LF", nil, nil, strings.Replace(message, "x\r\n", "x\n", 1), lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", replyBareLF), "", 1},
		{"end in message", nil, nil, strings.TrimSuffix(message, ".\r\nQUIT\r\n"), lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead"), "", 1},
		{"localiphost", map[string]string{"localiphost": "lip"}, nil, strings.Replace(message, "c@d", "c@[0.0.0.0]", 1),
			lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"), strings.Replace(sent, "c@d", "c@lip", 1), 0},
		{"long address", nil, nil, lines("MAIL FROM:<"+strings.Repeat("x", 900)+">", "MAIL FROM:<"+strings.Repeat("x", 899)+">", "RCPT <"+strings.Repeat("x", 900)),
			lines("220 me ESMTP", "555 syntax error (#5.5.4)", "250 ok", "555 syntax error (#5.5.4)"), "", 1},
		{"unreadable", map[string]string{"rcpthosts": "", "morercpthosts.cdb": "x"}, nil, lines("MAIL <>", "RCPT <a@b>", "QUIT"),
			lines("220 me ESMTP", "250 ok", "421 unable to read controls (#4.3.0)"), "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			controls := map[string]string{"me": "me\n"}
			for name, data := range c.controls {
				controls[name] = data
			}
			home(t, controls)
			output, code := talk(t, append(c.env, env...), c.input)
			output = accepted.ReplaceAllString(output, "QUEUED\r\n")
			if output != c.output || code != c.code {
				t.Errorf("got %d %q\nwant %d %q", code, output, c.code, c.output)
			}
			if got := stored(t); code == 0 && got != c.stored {
				t.Errorf("got %q\nwant %q", got, c.stored)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	for reason, want := range map[string]string{
		"Dno spam":       "554 no spam",
		"Zlater, please": "451 later, please",
		"D":              "451 qq temporary problem (#4.3.0)",
	} {
		home(t, map[string]string{"me": "me"})
		write(t, "refuse", reason)
		output, _ := talk(t, call.Env{"PATH=/usr/bin:/bin"}, lines("MAIL <>", "RCPT <a>", "DATA", "."))
		if !strings.HasSuffix(output, "354 go ahead\r\n"+want+"\r\n") {
			t.Errorf("%q: got %q", reason, output)
		}
	}
}

func TestNoControls(t *testing.T) {
	home(t, nil)
	if output, code := talk(t, nil, ""); output != lines(replyControls) || code != 1 {
		t.Errorf("got %d %q", code, output)
	}
}

func TestTimeout(t *testing.T) {
	home(t, map[string]string{"me": "me", "timeoutsmtpd": "0"})
	in, silent, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	out, err := os.Create(filepath.Join(auto.Home, "out"))
	if err != nil {
		t.Fatal(err)
	}
	code := Serve(call.New(nil, nil, map[int]*os.File{0: in, 1: out}), qmail.Open)
	said, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if want := lines("220 me ESMTP", "451 timeout (#4.4.2)"); string(said) != want || code != 1 {
		t.Errorf("got %d %q", code, said)
	}
}

func TestParseAddress(t *testing.T) {
	for argument, want := range map[string]string{
		"FROM:<a@b>":            "a@b",
		"FROM:<>":               "",
		"FROM: <a@b> SIZE=1":    "a@b",
		"FROM:<a@b":             "a@b",
		"FROM:a@b x":            "a@b",
		"FROM:   a@b":           "a@b",
		"a@b":                   "",
		"":                      "",
		"FROM:<@x,@y:a@b>":      "a@b",
		"FROM:<@x>":             "",
		"FROM:@x:a@b c":         "a@b",
		`FROM:<"a b"@c>`:        "a b@c",
		`FROM:<"a>b"@c>`:        "a>b@c",
		`FROM:<a\>b@c>`:         "a>b@c",
		`FROM:<"a\"b\\"@c>`:     `a"b\@c`,
		`FROM:<a\`:              "a",
		`FROM:<"a b>`:           "a b>",
		`FROM:"<" <a@b>`:        " <a@b>",
		"FROM:<a b>":            "a b",
		"FROM:<a@b>\r":          "a@b",
		"FROM:<\xe4@b\tc>":      "\xe4@b\tc",
		"anything at all <a@b>": "a@b",
	} {
		if got := parseAddress(argument); got != want {
			t.Errorf("%q: got %q, want %q", argument, got, want)
		}
	}
}

// FuzzParseAddress: any local part, quoted, comes back as it was.
func FuzzParseAddress(f *testing.F) {
	f.Add("a b", "c.d")
	f.Add(`"\<>@:`, "")
	f.Fuzz(func(t *testing.T, box, host string) {
		if len(parseAddress(box)) > len(box) {
			t.Errorf("%q grew", box)
		}
		if strings.ContainsAny(host, `\">`) {
			return
		}
		address := box + "@" + host
		if got := parseAddress("FROM:<" + quote.Box(box) + "@" + host + ">"); got != address {
			t.Errorf("%q: got %q", address, got)
		}
	})
}

func TestHops(t *testing.T) {
	for header, want := range map[string]int{
		"":                0,
		"Received: x\r\n": 1,
		"rECEIVED\r\nDELIVERED\r\nreceived-spf\r\nDelivered-To:\r\n": 4,
		"Receive: x\r\n Received: x\r\nX-Received: x\r\n":            0,
		"a\r\n\r\nReceived: x\r\n":                                   0,
		"Received:\r\n.\r\nReceived:\r\n..\r\nReceived:":             3,
		"\r\rReceived:\r\nReceived:\r\n":                             1,
		"Recei\rved:\r\nDeliver\r\n":                                 0,
	} {
		for _, size := range []int{1, 7, 1000} {
			var h hopCounter
			for rest := header; rest != ""; {
				n := min(size, len(rest))
				h.count([]byte(rest[:n]))
				rest = rest[n:]
			}
			if h.hops != want {
				t.Errorf("%q by %d: got %d, want %d", header, size, h.hops, want)
			}
		}
	}
}

// FuzzCommands: whatever a client says, each command has one reply, so that
// client and server never disagree on what a reply is for.
func FuzzCommands(f *testing.F) {
	f.Add([]byte("MAIL <a>\r\nRCPT <b>\r\nDATA\r\nQUIT\r\n"))
	f.Add([]byte("EHLO\n\x00\r\n \r\nVRFY\r"))
	f.Fuzz(func(t *testing.T, input []byte) {
		home(t, map[string]string{"me": "me", "rcpthosts": ""})
		// An address without a domain would be accepted; no message here.
		input = bytes.ReplaceAll(bytes.ToLower(input), []byte("rcpt"), []byte("noop"))
		output, code := talk(t, nil, string(input))
		commands := bytes.Count(input, []byte("\n"))
		replies := strings.Count(output, "\r\n") - 2*strings.Count(output, "250-PIPELINING\r\n") - 1
		if quit := strings.HasSuffix(output, "221 me\r\n"); quit != (code == 0) || replies > commands || !quit && replies != commands {
			t.Errorf("%q: %d, %q", input, code, output)
		}
	})
}
