package main

import (
	"bufio"
	"bytes"
	"net"
	"reflect"
	"strings"
	"testing"

	"goqmail/lib/imapclient"
)

func TestSplit(t *testing.T) {
	env := func(name string) string { return map[string]string{"U": "john"}[name] }
	for _, row := range []struct {
		in   string
		want [][]string
	}{
		{"", nil},
		{"  cm user.john ", [][]string{{"cm", "user.john"}}},
		{`cm "user.a b"; lm 'x;y'`, [][]string{{"cm", "user.a b"}, {"lm", "x;y"}}},
		{`cm user.$U a\ b ""`, [][]string{{"cm", "user.john", "a b", ""}}},
		{"# lm", nil},
		{"lm #", [][]string{{"lm", "#"}}},
		{";;lm;", [][]string{{"lm"}}},
	} {
		got, err := split(row.in, env)
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%q: %q, %v, want %q", row.in, got, err, row.want)
		}
	}
	if _, err := split(`cm "a`, env); err == nil {
		t.Error("an open quote is taken")
	}
}

func TestOptions(t *testing.T) {
	env := func(name string) string { return map[string]string{"LOGNAME": "root"}[name] }
	o, err := parseOptions([]string{"--auth", "login", "--user=cyrus", "--notls", "-e", "lm", "-e", "quit", "localhost", "1143"}, env)
	want := options{user: "cyrus", auth: "login", server: "localhost", port: "1143", notls: true, commands: []string{"lm", "quit"}}
	if err != nil || !reflect.DeepEqual(o, want) {
		t.Errorf("%+v, %v, want %+v", o, err, want)
	}
	if o, err := parseOptions([]string{"--norc", "-u", "x", "-s", "h"}, env); err != nil || o.user != "x" || o.server != "h" || o.port != "143" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"--nosuch"}, {"-u"}, {"-s", "a", "b"}, {"a", "1", "2"}} {
		if _, err := parseOptions(args, env); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// session lets a shell do commands with a server that expects lines, without tags,
// and answers each with the lines after it. It returns what the shell shows.
func session(t *testing.T, dialogue, typed string) (shown string) {
	t.Helper()
	here, there := net.Pipe()
	var got, want []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer there.Close()
		in := bufio.NewReader(there)
		there.Write([]byte("* OK mail.example.org server ready\r\n"))
		var replies []string
		for line := range strings.Lines(dialogue) {
			line = strings.TrimSpace(line)
			if text, ok := strings.CutPrefix(line, "C: "); ok {
				want = append(want, text)
				replies = append(replies, "")
			} else if line != "" {
				replies[len(replies)-1] += line + "\r\n"
			}
		}
		for _, reply := range replies {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			got = append(got, text)
			there.Write([]byte(strings.ReplaceAll(reply, "TAG", tag)))
		}
		line, _ := in.ReadString('\n') // LOGOUT
		tag, _, _ := strings.Cut(line, " ")
		there.Write([]byte("* BYE\r\n" + tag + " OK\r\n"))
	}()
	client, err := imapclient.New(here, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := &shell{client: client, host: "mail.example.org", out: &out, errs: &out}
	for line := range strings.Lines(typed) {
		s.line(strings.TrimSpace(line))
	}
	s.disconnect()
	<-done
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nthe server got %q\nwant %q", typed, got, want)
	}
	return out.String()
}

func TestCommands(t *testing.T) {
	for _, row := range []struct{ typed, dialogue, want string }{
		{"cm user.john", "C: CREATE user.john\nTAG OK done", ""},
		{"cm user.john part2", "C: CREATE user.john part2\nTAG OK done", ""},
		{"cm --specialuse \\\\Sent user.x", "C: CREATE user.x (USE (\\Sent))\nTAG OK done", ""},
		{"dm user.john", "C: DELETE user.john\nTAG NO Permission denied", "deletemailbox: Permission denied\n"},
		{"lm", "C: LIST \"\" \"*\"\n* LIST (\\HasChildren) \".\" user.john\n* LIST (\\HasNoChildren) \".\" user.john.SPAM\nTAG OK done",
			"user.john (\\HasChildren)         user.john.SPAM (\\HasNoChildren)  \n"},
		{"lm -s", "C: LSUB \"\" \"*\"\nTAG OK done", ""},
		{"sam user.john cyrus c", "C: SETACL user.john cyrus c\nTAG OK done", ""},
		{"sam user.john anyone read bob none", "C: SETACL user.john anyone lrs\nTAG OK done\nC: SETACL user.john bob \"\"\nTAG OK done", ""},
		{"lam user.john", "C: GETACL user.john\n* ACL user.john john lrswipkxtecda cyrus kxc\nTAG OK done", "john lrswipkxtecda\ncyrus kxc\n"},
		{"dam user.j* bob", "C: LIST \"\" \"user.j*\"\n* LIST () \".\" user.j1\n* LIST (\\Noselect) \".\" user.j2\nTAG OK done\nC: DELETEACL user.j1 bob\nTAG OK done",
			"Deleting ACL on user.j1...OK.\n"},
		{"renm a b", "C: RENAME a b\n* OK rename a b\nTAG OK done", ""},
		{"sq user.john 1000", "C: SETQUOTA user.john (STORAGE 1000)\nTAG OK done", "quota:1000\n"},
		{"sq user.john none", "C: SETQUOTA user.john ()\nTAG OK done", "remove quota\n"},
		{"sq user.john x", "", "quota:x\nsetquota: x is no number\n"},
		{"lq user.john", "C: GETQUOTA user.john\n* QUOTA user.john (STORAGE 5 5000)\nTAG OK done", " STORAGE 5/5000 (0.1%)\n"},
		{"lqr user.john.x", "C: GETQUOTAROOT user.john.x\n* QUOTAROOT user.john.x user.john\n* QUOTA user.john (STORAGE 0 0)\nTAG OK done", "user.john STORAGE 0/0\n"},
		{"mboxcfg user.x expire 7", "C: SETMETADATA user.x (\"/shared/vendor/cmu/cyrus-imapd/expire\" \"7\")\nTAG OK done", ""},
		{"setinfo motd \"hello there\"", "C: SETMETADATA \"\" (\"/shared/motd\" \"hello there\")\nTAG OK done", ""},
		{"info", "C: GETMETADATA \"\" (\"/private/*\")\nTAG OK done\nC: GETMETADATA \"\" (\"/shared/*\")\n* METADATA \"\" (/shared/motd \"a b\")\nTAG OK done",
			"{Server Wide}\n  motd:\n    shared: a b\n"},
		{"ver", "C: ID NIL\n* ID (\"name\" \"x\" \"environment\" \"a;b\")\nTAG OK done", "name       : x\nenvironment: a\n            b\n"},
		{"reconstruct -r user.john", "C: RECONSTRUCT user.john RECURSIVE\nTAG OK done", ""},
		{"server", "", "mail.example.org\n"},
		{"cm", "", "usage: createmailbox [--partition PARTITION] [--specialuse USE] MAILBOX [PARTITION]\n"},
		{"nosuchcommand", "", "nosuchcommand: No such file or directory\n"},
		{"help lm", "", "listmailbox [--subscribed] [--specialuse] [PATTERN [BASE]]\n\tlist mailboxes\n"},
	} {
		if got := session(t, row.dialogue, row.typed); got != row.want {
			t.Errorf("%s\n got  %q\n want %q", row.typed, got, row.want)
		}
	}
}

func TestExit(t *testing.T) {
	s := &shell{out: new(bytes.Buffer), errs: new(bytes.Buffer)}
	s.line("quit 3; lm")
	if !s.ended || s.code() != 3 {
		t.Errorf("ended %v with %d", s.ended, s.code())
	}
}

func TestComplete(t *testing.T) {
	s := &shell{}
	for in, want := range map[string]string{"createm": "createmailbox ", "lis": "list", "lm;setq": "lm;setquota "} {
		if got, pos, ok := s.complete(in, len(in), '\t'); !ok || got != want || pos != len(want) {
			t.Errorf("%s becomes %q, %d, %v", in, got, pos, ok)
		}
	}
	if _, _, ok := s.complete("zzz", 3, '\t'); ok {
		t.Error("zzz is completed")
	}
}
