package smtp

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/qmail"
)

// tells leads a dialogue with a client that says input, and returns what
// standard error is told, without what is the same in each line.
func tells(t testing.TB, env call.Env, input string, args ...string) []string {
	files := map[int]*os.File{}
	for fd, name := range []string{"input", "output", "log"} {
		write(t, name, "")
		file, err := os.OpenFile(filepath.Join(auto.Home, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files[fd] = file
	}
	write(t, "input", input)
	Serve(call.New(append([]string{"qmail-smtpd"}, args...), env, files), qmail.Open)
	log, err := os.ReadFile(filepath.Join(auto.Home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	tag := "qmail-smtpd[" + strconv.Itoa(os.Getpid()) + "]: CHKUSER "
	said := strings.ReplaceAll(string(log), tag, "")
	said = regexp.MustCompile(`250 ok \d+ qp \d+`).ReplaceAllString(said, "QUEUED")
	return strings.Split(strings.TrimSuffix(said, "\n"), "\n")
}

func TestEvents(t *testing.T) {
	env := call.Env{"TCPREMOTEHOST=client.example", "TCPREMOTEIP=2001:db8::9"}
	const begins, ends = "session status: from <::> remote <:client.example:2001:db8::9> rcpt <> : begins",
		"session status: from <::> remote <:client.example:2001:db8::9> rcpt <> : ends: Remote end QUIT"
	for _, c := range []struct {
		name     string
		controls map[string]string
		env      call.Env
		input    []string
		want     []string // between begins and ends
	}{
		{"message", nil, nil, []string{"MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "x", "."}, []string{
			"accepted sender: from <a@b::> remote <:client.example:2001:db8::9> rcpt <> : sender accepted",
			"accepted rcpt: from <a@b::> remote <:client.example:2001:db8::9> rcpt <c@d> : found existing recipient domain",
			"message status: from <a@b::> remote <:client.example:2001:db8::9> rcpt <> : QUEUED, 1 recipients"}},
		{"bounce", nil, call.Env{"RCPTCHECK=/bin/true"}, []string{"MAIL FROM:<>", "RCPT TO:<c@d>"}, []string{
			"accepted null sender: from <::> remote <:client.example:2001:db8::9> rcpt <> : accepted null sender always",
			"accepted rcpt: from <::> remote <:client.example:2001:db8::9> rcpt <c@d> : found existing recipient"}},
		{"relay", nil, call.Env{"RELAYCLIENT=", "TCPREMOTEINFO=joe"}, []string{"MAIL FROM:<a@b>", "RCPT TO:<c@d>"}, []string{
			"accepted sender: from <a@b:joe:> remote <:client.example:2001:db8::9> rcpt <> : sender accepted",
			"relaying rcpt: from <a@b:joe:> remote <:client.example:2001:db8::9> rcpt <c@d> : client allowed to relay"}},
		{"refused", map[string]string{"rcpthosts": "d", "databytes": "1"}, nil,
			[]string{"RCPT TO:<c@d>", "MAIL FROM:<" + strings.Repeat("a", 900) + ">", "MAIL FROM:<a@b>", "RCPT TO:<x@y>", "DATA", "RCPT TO:<c@d>", "DATA", "xx", "."}, []string{
				"rejected rcpt: from <::> remote <:client.example:2001:db8::9> rcpt <c@d> : 503 MAIL first (#5.5.1)",
				"rejected sender: from <" + strings.Repeat("a", 899) + "::> remote <:client.example:2001:db8::9> rcpt <> : 555 syntax error (#5.5.4)",
				"accepted sender: from <a@b::> remote <:client.example:2001:db8::9> rcpt <> : sender accepted",
				"rejected relaying: from <a@b::> remote <:client.example:2001:db8::9> rcpt <x@y> : 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
				"message status: from <a@b::> remote <:client.example:2001:db8::9> rcpt <> : 503 RCPT first (#5.5.1), 0 recipients",
				"accepted rcpt: from <a@b::> remote <:client.example:2001:db8::9> rcpt <c@d> : found existing recipient domain",
				"message status: from <a@b::> remote <:client.example:2001:db8::9> rcpt <> : 552 sorry, that message size exceeds my databytes limit (#5.3.4), 1 recipients"}},
		{"bad sender", map[string]string{"badmailfrom": "@bad"}, nil, []string{"MAIL FROM:<a@bad>", "RCPT TO:<c@d>"}, []string{
			"accepted sender: from <a@bad::> remote <:client.example:2001:db8::9> rcpt <> : sender accepted",
			"rejected rcpt: from <a@bad::> remote <:client.example:2001:db8::9> rcpt <c@d> : " + replyBadMailFrom}},
		{"words of the client", nil, nil, []string{`MAIL FROM:<"a b:> remote <"@b>`, `RCPT TO:<"x"> rcpt <y>`, "RCPT TO:<\"\x01\xff > : \"@[IPv6:::1]>"}, []string{
			"accepted sender: from <a_b___remote__@b::> remote <:client.example:2001:db8::9> rcpt <> : sender accepted",
			"accepted rcpt: from <a_b___remote__@b::> remote <:client.example:2001:db8::9> rcpt <x> : found existing recipient domain",
			"accepted rcpt: from <a_b___remote__@b::> remote <:client.example:2001:db8::9> rcpt <_____:_@[IPv6:::1]> : found existing recipient domain"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t, map[string]string{"me": "me", "extensions": "smtpd-log"})
			for name, text := range c.controls {
				write(t, "control/"+name, text)
			}
			got := tells(t, append(c.env, env...), lines(append(c.input, "QUIT")...))
			// The user and HELO are of the client's, not of the row.
			want := append(append([]string{begins}, c.want...), ends)
			if c.env.Get("TCPREMOTEINFO") != "" {
				want[0], want[len(want)-1] = strings.Replace(begins, "<::", "<:joe:", 1), strings.Replace(ends, "<::", "<:joe:", 1)
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// A dialogue that breaks off says at what.
func TestEventsBrokenOff(t *testing.T) {
	home(t, map[string]string{"me": "me", "extensions": "smtpd-log"})
	for _, c := range []struct{ name, input, want string }{
		{"in a message", lines("HELO x:y", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "x"),
			"message status: from <a@b::> remote <x_y:unknown:unknown> rcpt <> : Read error (disconnect?), 1 recipients"},
		{"bare LF", lines("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "x\ny"),
			"message status: from <a@b::> remote <:unknown:unknown> rcpt <> : " + replyBareLF + ", 1 recipients"},
		{"recipient", lines("MAIL FROM:<a@b>", "RCPT TO:<c@d>"),
			"rejected rcpt: from <a@b::> remote <:unknown:unknown> rcpt <c@d> : " + replyUnsure},
	} {
		var env call.Env
		if c.name == "recipient" {
			write(t, "unsure", "#!/bin/sh\nexit 111\n")
			os.Chmod(filepath.Join(auto.Home, "unsure"), 0o755)
			env = call.Env{"RCPTCHECK=" + filepath.Join(auto.Home, "unsure")}
		}
		got := tells(t, env, c.input)
		if len(got) < 2 || got[len(got)-2] != c.want {
			t.Errorf("%s: got\n%s\nwant, before the last,\n%s", c.name, strings.Join(got, "\n"), c.want)
		}
	}
}

func TestEventsOfLogIn(t *testing.T) {
	home(t, map[string]string{"me": "me", "extensions": "smtpd-log\nsmtp-auth"})
	env := call.Env{"SMTPAUTH=", "PATH=/bin:/usr/bin"}
	// One that is killed refuses without the wait for those who guess.
	for checker, want := range map[string]string{
		"cat <&3":    replyAuthOK,
		"kill -9 $$": replyAuthChild,
	} {
		got := tells(t, env, lines("AUTH PLAIN AGpvZQBzZWNyZXQ=", "QUIT"), "sh", "-c", checker)
		want = "auth status: from <:joe:> remote <:unknown:unknown> rcpt <> : " + want
		if len(got) < 3 || got[1] != want {
			t.Errorf("got\n%s\nwant in the midst\n%s", strings.Join(got, "\n"), want)
		}
	}
}

func TestEventsOfLogInsThatFail(t *testing.T) {
	home(t, map[string]string{"me": "me", "extensions": "smtpd-log\nsmtp-auth"})
	for _, c := range []struct{ name, env, input, want string }{
		{"method", "SMTPAUTH=", "AUTH GSSAPI\r\nQUIT\r\n", "<::> remote <:unknown:unknown> rcpt <> : " + replyAuthMethod},
		{"in the clear", "FORCETLS=1", "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\nQUIT\r\n", "<::> remote <:unknown:unknown> rcpt <> : " + replyAuthNeedsTLS},
		{"canceled", "SMTPAUTH=", "AUTH LOGIN am9l\r\n*\r\nQUIT\r\n", "<:joe:> remote <:unknown:unknown> rcpt <> : " + replyAuthCanceled},
		{"broken off", "SMTPAUTH=", "AUTH LOGIN am9l\r\n", "<:joe:> remote <:unknown:unknown> rcpt <> : Read error (disconnect?)"},
	} {
		got := tells(t, call.Env{"SMTPAUTH=", c.env, "PATH=/bin:/usr/bin"}, c.input, "true")
		if want := "auth status: from " + c.want; len(got) < 3 || got[1] != want {
			t.Errorf("%s: got\n%s\nwant in the midst\n%s", c.name, strings.Join(got, "\n"), want)
		}
	}
}

func TestNoEvents(t *testing.T) {
	home(t, map[string]string{"me": "me"})
	if got := tells(t, nil, lines("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "QUIT")); len(got) != 1 || got[0] != "" {
		t.Errorf("got %q", got)
	}
}

// FuzzEvents: whatever a client says, a line is one line, and the parts of it
// are where a reader looks for them.
func FuzzEvents(f *testing.F) {
	f.Add("a@b", "h", "c@d")
	f.Add(strings.Repeat("a", 5000), strings.Repeat("b", 5000), strings.Repeat("c", 5000)+"@d")
	f.Add("a:b> rcpt <", "x:y:1.2.3.4> rcpt <", "> : found existing recipient\n")
	home(f, map[string]string{"me": "me", "extensions": "smtpd-log", "rcpthosts": "d"})
	line := regexp.MustCompile(`^[a-z ]+: from <([^:> ]*):([^:> ]*):> remote <([^:> ]*):h:2001:db8::9> rcpt <([^> ]*)> : [ -~]+$`)
	f.Fuzz(func(t *testing.T, sender, helo, recipient string) {
		env := call.Env{"TCPREMOTEHOST=h", "TCPREMOTEIP=2001:db8::9"}
		for _, got := range tells(t, env, lines("HELO "+helo, "MAIL FROM:<"+sender+">", "RCPT TO:<"+recipient+">")) {
			if !line.MatchString(got) || len(got) > 4000 {
				t.Errorf("%q", got)
			}
		}
	})
}
