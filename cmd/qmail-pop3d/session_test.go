package main

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"goqmail/lib/call"
)

// talk leads a dialogue on the maildir dir, in which the client sends input, and
// returns what it gets.
func talk(t testing.TB, dir, input string) string {
	t.Helper()
	tmp := t.TempDir()
	if err := os.WriteFile(tmp+"/in", []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(tmp + "/in")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(tmp + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(wd)
	serve(call.New([]string{"qmail-pop3d", dir}, nil, map[int]*os.File{0: in, 1: out}))
	data, err := os.ReadFile(tmp + "/out")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// mailbox makes a maildir with three messages.
func mailbox(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"tmp", "new", "cur"} {
		os.Mkdir(dir+"/"+sub, 0o700)
	}
	for i, m := range []struct{ name, data string }{
		{"new/1.a", "Subject: one\n\nfirst\n"},
		{"cur/2.b:2,S", "A: b\n\n1\n.2\n\n..\n5"},
		{"new/3.c", ""},
	} {
		if err := os.WriteFile(dir+"/"+m.name, []byte(m.data), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(1e9+int64(i), 0)
		os.Chtimes(dir+"/"+m.name, when, when)
	}
	return dir
}

func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	for _, sub := range []string{"new", "cur"} {
		entries, err := os.ReadDir(dir + "/" + sub)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, sub+"/"+e.Name())
		}
	}
	return strings.Join(all, " ")
}

func TestServe(t *testing.T) {
	const ok = "+OK \r\n"
	const first = "Subject: one\r\n\r\nfirst\r\n\r\n.\r\n"
	const untouched = "new/1.a new/3.c cur/2.b:2,S"
	for _, test := range []struct{ name, input, output, left string }{
		{"lists", "STAT\r\nLIST\r\nUIDL\r\nlist 2\r\nuidl 2 x\r\n", "+OK 3 36\r\n" +
			ok + "1 20\r\n2 16\r\n3 0\r\n.\r\n" + ok + "1 1.a\r\n2 2.b\r\n3 3.c\r\n.\r\n+OK 2 16\r\n+OK 2 2.b\r\n", untouched},
		{"messages", "RETR 1\r\nRETR 2\r\nRETR 3\r\n", ok + first + ok + "A: b\r\n\r\n1\r\n..2\r\n\r\n...\r\n5\r\n\r\n.\r\n" + ok + "\r\n.\r\n", untouched},
		{"parts", "TOP 2 0\r\nTOP 2 2\r\nTOP 2 3\r\nTOP 2 99\r\nRETR 1 0\r\nTOP 1\r\n",
			ok + "A: b\r\n\r\n\r\n.\r\n" + ok + "A: b\r\n\r\n1\r\n..2\r\n\r\n.\r\n" + ok + "A: b\r\n\r\n1\r\n..2\r\n\r\n\r\n.\r\n" +
				ok + "A: b\r\n\r\n1\r\n..2\r\n\r\n...\r\n5\r\n\r\n.\r\n" + ok + "Subject: one\r\n\r\n\r\n.\r\n" + ok + first, untouched},
		{"quit", "QUIT\r\n", ok, "cur/1.a:2, cur/2.b:2,S cur/3.c:2,"},
		{"delete", "DELE 1\r\nDELE 2\r\nSTAT\r\nLIST\r\nLAST\r\nLIST 1\r\nDELE 1\r\nRETR 2\r\nQUIT\r\n",
			ok + ok + "+OK 3 0\r\n" + ok + "3 0\r\n.\r\n+OK 2\r\n" + strings.Repeat("-ERR already deleted\r\n", 3) + ok, "cur/3.c:2,"},
		{"reset", "DELE 2\r\nRSET\r\nLAST\r\nDELE 1\r\nQUIT\r\n", ok + ok + "+OK 0\r\n" + ok + ok, "cur/2.b:2,S cur/3.c:2,"},
		{"no quit", "DELE 1\r\n", ok, untouched},
		{"errors", "DELE\r\nRETR x\r\nLIST 0\r\nTOP 4 1\r\nUIDL 18446744073709551616\r\nXYZ\r\nRETR -1\r\n",
			"-ERR syntax error\r\n-ERR syntax error\r\n-ERR messages are counted from 1\r\n-ERR not that many messages\r\n" +
				"-ERR messages are counted from 1\r\n-ERR unimplemented\r\n-ERR syntax error\r\n", untouched},
	} {
		dir := mailbox(t)
		got, left := talk(t, dir, test.input), names(t, dir)
		if got != ok+test.output || left != test.left {
			t.Errorf("%s: got %q, left %q, want %q, %q", test.name, got, left, ok+test.output, test.left)
		}
	}
}

// A client that only ever sends bytes leaves the mailbox as it is.
func TestEndlessCommand(t *testing.T) {
	dir := mailbox(t)
	before := names(t, dir)
	for _, block := range []string{"DELE 1\r\nTOP 1 ", "DELE 1\r\n\x00", "DELE 1\r\n"} {
		if got := talk(t, dir, block+strings.Repeat("9", 2<<20)); got != "+OK \r\n+OK \r\n" {
			t.Errorf("got %q", got)
		}
	}
	if after := names(t, dir); after != before {
		t.Errorf("got %q, was %q", after, before)
	}
}

func TestServeFails(t *testing.T) {
	dir := mailbox(t)
	if got, want := talk(t, dir+"/missing", "QUIT\r\n"), "-ERR this user has no $HOME/Maildir\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	os.RemoveAll(dir + "/cur")
	if got, want := talk(t, dir, "QUIT\r\n"), "-ERR unable to scan $HOME/Maildir\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The text on the wire is the message's lines, with dots doubled, and its end
// comes nowhere but at the end.
func FuzzText(f *testing.F) {
	f.Add("A: b\n\n.\n..\nc", uint8(16))
	f.Fuzz(func(t *testing.T, mess string, size uint8) {
		var out bytes.Buffer
		s := session{out: bufio.NewWriter(&out)}
		if err := s.text(bufio.NewReaderSize(strings.NewReader(mess), int(size)), noLimit); err != nil {
			t.Fatal(err)
		}
		got, ok := strings.CutSuffix(out.String(), "\r\n.\r\n")
		if !ok || strings.Contains("\r\n"+got, "\r\n.\r\n") {
			t.Fatalf("%q is sent as %q", mess, out.String())
		}
		want := ""
		for _, line := range strings.SplitAfter(mess, "\n") {
			if line == "" {
				continue
			}
			if line[0] == '.' {
				line = "." + line
			}
			want += strings.TrimSuffix(line, "\n") + "\r\n"
		}
		if got != want {
			t.Fatalf("%q is sent as %q, want %q", mess, got, want)
		}
	})
}
