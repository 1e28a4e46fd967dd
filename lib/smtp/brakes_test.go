package smtp

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/qmail"
)

const bad = replyBadMailFrom

func TestExtensions(t *testing.T) {
	for _, c := range []struct {
		name     string
		controls map[string]string
		env      call.Env
		input    string
		output   string
	}{
		{"wildcard", map[string]string{"badmailfrom": ".bad\n@worse\n", "extensions": "badmailfrom-wildcard\n"}, nil,
			lines("MAIL <a@x.BAD>", "RCPT <c>", "MAIL <a@bad>", "RCPT <c>", "MAIL <a@x.worse>", "RCPT <c>"),
			lines("250 ok", bad, "250 ok", "250 ok", "250 ok", "250 ok")},
		{"no wildcard", map[string]string{"badmailfrom": ".bad\n"}, nil, lines("MAIL <a@x.bad>", "RCPT <c>"), lines("250 ok", "250 ok")},
		{"relay client", map[string]string{"badmailfrom": "@bad\n", "extensions": "badmailfrom-x-relayclient\n"}, call.Env{"RELAYCLIENT="},
			lines("MAIL <a@bad>", "RCPT <c>"), lines("250 ok", "250 ok")},
		{"no relay client", map[string]string{"badmailfrom": "@bad\n", "extensions": "badmailfrom-x-relayclient\n"}, nil,
			lines("MAIL <a@bad>", "RCPT <c>"), lines("250 ok", bad)},
		{"maxrcpt", map[string]string{"maxrcpt": "1"}, nil, lines("MAIL <a>", "RCPT <b>", "RCPT <c>", "MAIL <a>", "RCPT <d>"),
			lines("250 ok", "250 ok", replyMaxRcpt, "250 ok", "250 ok")},
		{"no maxrcpt", map[string]string{"maxrcpt": "1"}, call.Env{"DISABLE_MAXRCPT="}, lines("MAIL <a>", "RCPT <b>", "RCPT <c>"),
			lines("250 ok", "250 ok", "250 ok")},
		{"bounce to two", map[string]string{"extensions": "nullenvsender-recipcount"}, nil, lines("MAIL <>", "RCPT <b>", "RCPT <c>", "DATA"),
			lines("250 ok", "250 ok", "250 ok", replyOneRcpt)},
		{"plain bounce to two", nil, nil, lines("MAIL <>", "RCPT <b>", "RCPT <c>", "DATA"), lines("250 ok", "250 ok", "250 ok", "354 go ahead")},
	} {
		t.Run(c.name, func(t *testing.T) {
			controls := map[string]string{"me": "me\n"}
			for name, data := range c.controls {
				controls[name] = data
			}
			home(t, controls)
			if output, _ := talk(t, c.env, c.input); output != "220 me ESMTP\r\n"+c.output {
				t.Errorf("got %q\nwant %q", output, c.output)
			}
		})
	}
}

func TestUnknownExtension(t *testing.T) {
	home(t, map[string]string{"me": "me", "extensions": "smtp-tsl\n"})
	output, log := talkAndLog(t, []string{"qmail-smtpd"}, nil, "QUIT\r\n")
	if output != lines(replyControls) || log != "qmail-smtpd: fatal: unknown name in control/extensions: smtp-tsl\n" {
		t.Errorf("got %q, %q", output, log)
	}
}

// talkAndLog is talk, with what goes to standard error.
func talkAndLog(t *testing.T, args []string, env call.Env, input string) (output, log string) {
	write(t, "input", input)
	in, err := os.Open(filepath.Join(auto.Home, "input"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	files := map[int]*os.File{0: in}
	for fd, name := range map[int]string{1: "out", 2: "log"} {
		f, err := os.Create(filepath.Join(auto.Home, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[fd] = f
	}
	Serve(call.New(args, env, files), qmail.Open)
	said := func(fd int) string {
		files[fd].Seek(0, io.SeekStart)
		data, _ := io.ReadAll(files[fd])
		return string(data)
	}
	return said(1), said(2)
}

// talkAs is talk with arguments.
func talkAs(t *testing.T, args []string, env call.Env, input string) (output string) {
	output, _ = talkAndLog(t, args, env, input)
	return output
}

func TestLog(t *testing.T) {
	home(t, map[string]string{"me": "me", "rcpthosts": "b", "extensions": "smtpd-logmsg"})
	_, log := talkAndLog(t, []string{"qmail-smtpd"}, nil, lines("EHLO x\x1b\x08y", "MAIL <a\rb@c>", "RCPT <d@e>", "RCPT <a@b>", "RSET"))
	var got []string
	for line := range strings.Lines(log) {
		_, text, _ := strings.Cut(line, "]: ")
		got = append(got, text)
	}
	want := "New session\nReceived EHLO x??y\nSender <a?b@c>\nRecipient domain not in rcpthosts <d@e>\n" +
		"Recipient <a@b>\nSession RSET\nRead error (disconnect?): quitting\n"
	if s := strings.Join(got, ""); s != want {
		t.Errorf("got %q\nwant %q", s, want)
	}
}

func TestTarpit(t *testing.T) {
	home(t, map[string]string{"tarpitcount": "2", "tarpitdelay": "7"})
	for _, c := range []struct {
		env  call.Env
		want tarpit
	}{
		{nil, tarpit{2, 7 * time.Second}},
		{call.Env{"TARPITCOUNT=0", "TARPITDELAY=99999999999999999999"}, tarpit{0, (1<<31 - 1) * time.Second}},
		{call.Env{"TARPITCOUNT=x"}, tarpit{0, 7 * time.Second}},
	} {
		got, err := readTarpit()
		got.heed(c.env)
		if got != c.want || err != nil {
			t.Errorf("%q: got %v, %v", c.env, got, err)
		}
	}
	start := time.Now()
	tarpit{2, 30 * time.Millisecond}.hold(1)
	tarpit{0, time.Hour}.hold(1)
	tarpit{2, 30 * time.Millisecond}.hold(2)
	if waited := time.Since(start); waited < 30*time.Millisecond || waited > time.Minute {
		t.Errorf("waited %v", waited)
	}
}

func TestGreetDelay(t *testing.T) {
	for _, c := range []struct {
		env  call.Env
		want greetDelay
	}{
		{nil, greetDelay{}},
		{call.Env{"GREETDELAY=3"}, greetDelay{3 * time.Second, false}},
		{call.Env{"GREETDELAY=3", "SMTPD_GREETDELAY=5", "DROP_PRE_GREET=1"}, greetDelay{5 * time.Second, true}},
		{call.Env{"GREETDELAY=3", "RELAYCLIENT="}, greetDelay{}},
	} {
		if got := readGreetDelay(c.env); got != c.want {
			t.Errorf("%q: got %v", c.env, got)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := (greetDelay{20 * time.Millisecond, true}).hold(r); err != nil || time.Since(start) < 20*time.Millisecond {
		t.Errorf("silent: %v after %v", err, time.Since(start))
	}
	io.WriteString(w, "EHLO x\r\n")
	if err := (greetDelay{time.Hour, true}).hold(r); err != hangUp(replyTooEarly) {
		t.Errorf("early: %v", err)
	}
	if err := (greetDelay{time.Millisecond, false}).hold(r); err != nil {
		t.Errorf("let: %v", err)
	}
}

func TestRecipientCheck(t *testing.T) {
	home(t, map[string]string{"me": "me"})
	write(t, "check", "#!/bin/sh\necho $SENDER $RECIPIENT >>asked; exit ${RECIPIENT%%@*}\n")
	check := filepath.Join(auto.Home, "check")
	if err := os.Chmod(check, 0o755); err != nil {
		t.Fatal(err)
	}
	env := call.Env{"RCPTCHECK=" + check}
	for code, want := range map[string]string{
		"0": replyOK, "99": replyOK, "100": replyNoMailbox, "111": replyUnsure, "120": replyNoCheck,
	} {
		if output, _ := talk(t, env, lines("MAIL <me@a>", "RCPT <"+code+"@b>")); output != lines("220 me ESMTP", "250 ok", want) {
			t.Errorf("%s: got %q", code, output)
		}
		asked, _ := os.ReadFile(filepath.Join(auto.Home, "asked"))
		if string(asked) != "me@a "+code+"@b\n" {
			t.Errorf("%s: asked %q", code, asked)
		}
		os.Remove(filepath.Join(auto.Home, "asked"))
	}
	if output, _ := talk(t, call.Env{"RCPTCHECK=/nonexistent"}, lines("MAIL <>", "RCPT <a@b>")); !strings.HasSuffix(output, lines(replyNoCheck)) {
		t.Errorf("missing: got %q", output)
	}
	if output, _ := talk(t, append(env, "RELAYCLIENT="), lines("MAIL <>", "RCPT <100@b>")); !strings.HasSuffix(output, lines(replyOK)) {
		t.Errorf("relay: got %q", output)
	}
}
