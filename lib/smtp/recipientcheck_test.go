package smtp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// script writes a program below the home directory and returns its path.
func script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(auto.Home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, name, "#!/bin/sh\n"+text)
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A program that refuses may say how, on descriptor 4.
func TestOwnReply(t *testing.T) {
	home(t, map[string]string{"me": "me"})
	check := script(t, "check", `case $RECIPIENT in
plain*) exit 100;;
own*) echo '550 who? (#5.1.1)' >&4; exit 100;;
soft*) printf '450 later\r\n' >&4; exit 100;;
hangup*) echo '421 goodbye' >&4; exit 100;;
two*) printf '550 first\n550 second\n' >&4; exit 100;;
ok*) echo '550 but I accept' >&4; exit 0;;
bad*) echo '250 fine' >&4; exit 100;;
text*) echo 'no such user' >&4; exit 100;;
long*) head -c 2000 /dev/zero | tr '\0' x | sed 's/^/550 /' >&4; exit 100;;
stays*) sleep 100 >/dev/null 2>&1 </dev/null & echo $! >pid; echo '550 left' >&4; exit 100;;
esac
`)
	for recipient, want := range map[string]string{
		"plain": replyNoMailbox, "own": "550 who? (#5.1.1)", "soft": "450 later", "hangup": "421 goodbye", "two": "550 first",
		"ok": replyOK, "bad": replyNoMailbox, "text": replyNoMailbox, "long": "550 " + strings.Repeat("x", 508), "stays": "550 left",
	} {
		output, _ := talk(t, call.Env{"RCPTCHECK=" + check, "USE_FD4=1"}, lines("MAIL <>", "RCPT <"+recipient+"@b>"))
		if !strings.HasSuffix(output, lines("250 ok", want)) {
			t.Errorf("%s: got %q, want %q", recipient, output, want)
		}
	}
	pid, _ := os.ReadFile(filepath.Join(auto.Home, "pid"))
	script(t, "kill", "kill "+string(pid))
	if output, _ := talk(t, call.Env{"RCPTCHECK=" + auto.Home + "/kill"}, lines("MAIL <>", "RCPT <x@b>")); !strings.HasSuffix(output, lines(replyOK)) {
		t.Error(output)
	}
}

// qmail-rcptcheck is asked where there is a list of recipients, before RCPTCHECK
// and never for relay clients.
func TestRecipientLists(t *testing.T) {
	rows := []struct {
		name  string
		files map[string]string
		env   call.Env
		asked string
	}{
		{"nothing", map[string]string{"rcpthosts": "b\n"}, nil, ""},
		{"validrcptto", map[string]string{"validrcptto": ""}, nil, "lists"},
		{"morevalidrcptto.cdb", map[string]string{"morevalidrcptto.cdb": ""}, nil, "lists"},
		{"only its text", map[string]string{"morevalidrcptto": ""}, nil, ""},
		{"goodrcptto", map[string]string{"goodrcptto": ""}, nil, "lists"},
		{"moregoodrcptto.cdb", map[string]string{"moregoodrcptto.cdb": ""}, nil, "lists"},
		{"recipients", map[string]string{"recipients": ""}, nil, "lists"},
		{"rcptchecks", map[string]string{"rcptchecks": ""}, nil, "lists"},
		{"variable", nil, call.Env{"VALIDRCPTTO_CDB=x"}, "lists"},
		{"empty variable", nil, call.Env{"VALIDRCPTTO_CDB=", "RCPTCHECK="}, ""},
		{"switched off", map[string]string{"recipients": ""}, call.Env{"RCPTCHECK="}, ""},
		{"both", map[string]string{"recipients": ""}, call.Env{"RCPTCHECK=HOME/own"}, "lists own"},
		{"the same", map[string]string{"recipients": ""}, call.Env{"RCPTCHECK=HOME/bin/qmail-rcptcheck"}, "lists"},
		{"relay client", map[string]string{"recipients": ""}, call.Env{"RCPTCHECK=HOME/own", "RELAYCLIENT="}, ""},
		{"relay client, too", map[string]string{"recipients": ""}, call.Env{"RCPTCHECK=HOME/own", "RELAYCLIENT=", "RCPTCHECKRELAYCLIENT=1"}, "own"},
		{"relay client, not", nil, call.Env{"RCPTCHECK=HOME/own", "RELAYCLIENT=", "RCPTCHECKRELAYCLIENT=0"}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			home(t, map[string]string{"me": "me"})
			for name, text := range row.files {
				write(t, "control/"+name, text)
			}
			script(t, "bin/qmail-rcptcheck", "echo lists >>asked\n")
			script(t, "own", "echo own >>asked\n")
			env := call.Env{}
			for _, v := range row.env {
				env = append(env, strings.Replace(v, "HOME", auto.Home, 1))
			}
			if output, _ := talk(t, env, lines("MAIL <>", "RCPT <a@b>")); !strings.HasSuffix(output, lines("250 ok", "250 ok")) {
				t.Errorf("got %q", output)
			}
			asked, _ := os.ReadFile(filepath.Join(auto.Home, "asked"))
			if got := strings.Join(strings.Fields(string(asked)), " "); got != row.asked {
				t.Errorf("asked %q, want %q", got, row.asked)
			}
		})
	}
}
