package smtp

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/extensions"
)

func TestSMTPAUTH(t *testing.T) {
	for mode, want := range map[string]authentication{
		"":             {offered: "LOGIN PLAIN"},
		"!":            {offered: "LOGIN PLAIN", required: true},
		"Cram":         {offered: "CRAM-MD5", challenge: true},
		"!cram-md5":    {offered: "CRAM-MD5", challenge: true, required: true},
		"+cram":        {offered: "LOGIN PLAIN CRAM-MD5", challenge: true},
		"!+CRAM":       {offered: "LOGIN PLAIN CRAM-MD5", challenge: true, required: true},
		"!x":           {offered: "LOGIN PLAIN"},
		"anything yes": {offered: "LOGIN PLAIN"},
	} {
		c := call.New([]string{"qmail-smtpd", "check"}, call.Env{"SMTPAUTH=" + mode}, nil)
		got := readAuthentication(c, extensions.Set{extensions.SMTPAuth})
		if !got.on || got.offered != want.offered || got.required != want.required || got.challenge != want.challenge || len(got.checker) != 1 {
			t.Errorf("%q: got %+v", mode, got)
		}
		if c.Env.Get("SMTPAUTH") != strings.ToLower(mode) {
			t.Errorf("%q: left %q", mode, c.Env)
		}
	}
	for _, env := range []call.Env{nil, {"SMTPAUTH=-"}} {
		c := call.New([]string{"qmail-smtpd", "check"}, env, nil)
		if got := readAuthentication(c, extensions.Set{extensions.SMTPAuth}); !got.on || got.offered != "" || got.checker != nil {
			t.Errorf("%q: got %+v", env, got)
		}
		if got := readAuthentication(c, nil); got.on {
			t.Errorf("plain: got %+v", got)
		}
	}
}

func TestHostname(t *testing.T) {
	for _, c := range []struct {
		args     []string
		env      call.Env
		offered  string
		checker  int
		needsTLS bool
	}{
		{[]string{"q", "host", "check", "true"}, call.Env{"ALLOW_INSECURE_AUTH=1"}, "LOGIN PLAIN", 2, false},
		{[]string{"q", "host", "check", "true"}, call.Env{"ALLOW_CRAM=1"}, "LOGIN PLAIN CRAM-MD5", 2, true},
		{[]string{"q", "host", "check"}, nil, "", 0, false},
	} {
		got := readAuthentication(call.New(c.args, c.env, nil), extensions.Set{extensions.SMTPAuthHostname})
		if got.offered != c.offered || len(got.checker) != c.checker || got.needsTLS != c.needsTLS {
			t.Errorf("%q: got %+v", c.args, got)
		}
	}
}

// checking makes a home with a checker that accepts user "joe" and keeps what
// it read in the file asked.
func checking(t *testing.T) (checker string) {
	home(t, map[string]string{"me": "me", "rcpthosts": "", "extensions": "smtp-auth"})
	write(t, "check", "#!/bin/sh\ntr '\\000' : <&3 >asked; grep -q ^joe: asked || kill -9 $$\n")
	checker = filepath.Join(auto.Home, "check")
	if err := os.Chmod(checker, 0o755); err != nil {
		t.Fatal(err)
	}
	return checker
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestLogIn(t *testing.T) {
	checker := checking(t)
	for _, c := range []struct {
		name   string
		env    string
		input  string
		output string
		asked  string
	}{
		{"plain", "SMTPAUTH=", lines("AUTH PLAIN "+encode("\x00joe\x00pw"), "MAIL <a>", "RCPT <x@anywhere>"), lines(replyAuthOK, "250 ok", "250 ok"), "joe:pw:"},
		{"plain asked", "SMTPAUTH=!", lines("MAIL <a>", "auth plain", encode("me\x00joe\x00pw"), "MAIL <a>"), lines(replyAuthRequired, "334 ", replyAuthOK, "250 ok"), "joe:pw:"},
		{"login", "SMTPAUTH=+cram", lines("AUTH LOGIN "+encode("joe"), encode("p w")), lines("334 UGFzc3dvcmQ6", replyAuthOK), "joe:p w::"},
		{"crash", "SMTPAUTH=", lines("AUTH PLAIN "+encode("\x00ann\x00pw"), "MAIL <a>", "RCPT <x@anywhere>"), lines(replyAuthChild, "250 ok", replyNoGateway), "ann:pw:"},
		{"twice", "SMTPAUTH=", lines("AUTH PLAIN "+encode("\x00joe\x00pw"), "AUTH LOGIN", "RSET", "AUTH X"), lines(replyAuthOK, replyLoggedIn, "250 flushed", replyAuthMethod), "joe:pw:"},
		{"not base64", "SMTPAUTH=", lines("AUTH PLAIN a!", "AUTH PLAIN AGpvZQBw=", "AUTH LOGIN", "AB", "AUTH LOGIN", "*"),
			lines(replyAuthInput, replyAuthInput, "334 VXNlcm5hbWU6", replyAuthInput, "334 VXNlcm5hbWU6", replyAuthCanceled), ""},
		{"NULs", "SMTPAUTH=", lines("AUTH PLAIN "+encode("\x00joe\x00pw\x00x"), "AUTH PLAIN "+encode("\x00joe\x00"), "AUTH PLAIN "+encode("joe")),
			lines(replyAuthInput, replyAuthInput, replyAuthInput), ""},
		{"NULs in LOGIN", "SMTPAUTH=+cram", lines("AUTH LOGIN "+encode("joe\x00digest\x00<challenge>"), encode("x"), "AUTH LOGIN "+encode("joe"), encode("p\x00w")),
			lines("334 UGFzc3dvcmQ6", replyAuthInput, "334 UGFzc3dvcmQ6", replyAuthInput), ""},
		{"too long", "SMTPAUTH=+cram", lines("AUTH PLAIN "+encode("\x00joe\x00"+strings.Repeat("x", maxResponse)), "AUTH LOGIN", encode(strings.Repeat("x", maxResponse)), "AUTH CRAM-MD5 =", "*", "QUIT"),
			lines(replyAuthInput, "334 VXNlcm5hbWU6", replyAuthInput, "334 CHALLENGE", replyAuthCanceled, "221 me"), ""},
		{"long", "SMTPAUTH=", lines("AUTH PLAIN " + encode("\x00joe\x00"+strings.Repeat("x", 9000))), lines(replyAuthOK), "joe:" + strings.Repeat("x", 9000) + ":"},
		{"in the clear", "FORCETLS=1", lines("AUTH LOGIN"), lines(replyNoAuth), ""},
		{"in mail", "SMTPAUTH=", lines("MAIL <a> AUTH=<> SIZE=7", "AUTH LOGIN"), lines("250 ok", replyAuthInMail), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			os.Remove(filepath.Join(auto.Home, "asked"))
			output := talkAs(t, []string{"qmail-smtpd", checker}, call.Env{c.env, "PATH=/usr/bin:/bin"}, c.input)
			output = regexp.MustCompile(`334 PD\S+`).ReplaceAllString(output, "334 CHALLENGE")
			if output != lines("220 me ESMTP")+c.output {
				t.Errorf("got %q\nwant %q", output, c.output)
			}
			if asked, _ := os.ReadFile(filepath.Join(auto.Home, "asked")); string(asked) != c.asked {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
		})
	}
	if output := talkAs(t, []string{"qmail-smtpd", checker}, call.Env{"SMTPAUTH=", "FORCETLS=1"}, lines("EHLO x", "AUTH LOGIN")); !strings.HasSuffix(output, lines("250 SIZE 0", replyAuthNeedsTLS)) || strings.Contains(output, "-AUTH") {
		t.Errorf("FORCETLS: got %q", output)
	}
}

func TestCRAM(t *testing.T) {
	checker := checking(t)
	output := talkAs(t, []string{"qmail-smtpd", checker}, call.Env{"SMTPAUTH=cram", "TCPLOCALHOST=here", "PATH=/usr/bin:/bin"}, lines("AUTH CRAM-MD5", encode("joe 0123abcd")))
	_, challenge, _ := strings.Cut(output, "334 ")
	challenge, _, _ = strings.Cut(challenge, "\r\n")
	text, err := base64.StdEncoding.DecodeString(challenge)
	asked, _ := os.ReadFile(filepath.Join(auto.Home, "asked"))
	if err != nil || !strings.HasSuffix(string(text), "@here>") || string(asked) != "joe:0123abcd:"+string(text)+":" {
		t.Errorf("challenge %q, asked %q", text, asked)
	}
}

func TestParseParameters(t *testing.T) {
	who := func(s string) *string { return &s }
	for argument, want := range map[string]parameters{
		"FROM:<a@b>":                        {},
		"FROM:<a@b> SIZE=12 BODY=8BITMIME":  {size: 12},
		"FROM:<a@b> body=7BIT size=012x":    {size: 12},
		"FROM:<a@b>SIZE=12":                 {},
		"FROM:a@b SIZE=12":                  {},
		"FROM:<> AUTH=<>":                   {auth: who("unknown")},
		"FROM:<> AUTH=e+3Dmc2+2Bx+41":       {auth: who("e=mc2+x41")},
		"FROM:<> SIZE=99999999999999999999": {size: 999999999999999999},
	} {
		got := parseParameters(argument)
		if got.size != want.size || (got.auth == nil) != (want.auth == nil) || got.auth != nil && *got.auth != *want.auth {
			t.Errorf("%q: got %+v", argument, got)
		}
	}
}

func FuzzParseParameters(f *testing.F) {
	f.Add("FROM:<a> SIZE=1 AUTH=+3D")
	f.Fuzz(func(t *testing.T, argument string) {
		if p := parseParameters(argument); p.auth != nil && len(*p.auth) > max(len(argument), len("unknown")) {
			t.Errorf("%q grew to %q", argument, *p.auth)
		}
	})
}
