package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
)

// TestEnvironment looks at what a program gets; see qmail-command(8).
func TestEnvironment(t *testing.T) {
	for _, row := range []struct {
		name  string
		home  home
		holds []string
	}{
		{"an address with an extension", home{dash: "-", ext: "List-a-b-c-d", from: "joe@a.example"}, []string{
			"USER=john", "LOCAL=john-List-a-b-c-d", "HOST=b.example", "HOST2=b", "HOST3=b", "HOST4=b",
			"RECIPIENT=john-List-a-b-c-d@b.example", "EXT=List-a-b-c-d", "EXT2=a-b-c-d", "EXT3=b-c-d", "EXT4=c-d",
			"DEFAULT=a-b-c-d", "SENDER=joe@a.example", "NEWSENDER=john-List-a-b-c-d-owner@b.example",
			"DTLINE=Delivered-To: john-List-a-b-c-d@b.example\n", "RPLINE=Return-Path: <joe@a.example>\n",
		}},
		{"odd addresses", home{local: "jo\nhn", from: "a b\n@c"}, []string{
			"LOCAL=jo\nhn", "SENDER=a b\n@c", "NEWSENDER=a b\n@c", "EXT=", "EXT4=",
			"DTLINE=Delivered-To: jo_hn@b.example\n", "RPLINE=Return-Path: <\"a b\\_\"@c>\n",
		}},
		{"a bounce", home{local: "john", dash: "-", ext: "list-x"}, []string{"SENDER=", "NEWSENDER=", "RPLINE=Return-Path: <>\n"}},
		{"no bounce wanted", home{dash: "-", ext: "list-x", from: "#@[]"}, []string{"SENDER=#@[]", "NEWSENDER=#@[]"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := row.home
			h.env = call.Env{"DEFAULT=old", "HOST=old", "EXT=old", "UFLINE=old"}
			h.files = map[string]string{
				".qmail": "|env -0 > env\n", ".qmail-list-default": "|env -0 > env\n",
				".qmail-list-a-b-c-d-owner": "", ".qmail-list-x-owner": "",
			}
			if got := h.deliver(t, message); got.code != 0 {
				t.Fatalf("got %+v", got)
			}
			env := strings.Split(h.read(t, "env"), "\x00")
			for _, want := range append(row.holds, "HOME="+h.dir) {
				if !slices.Contains(env, want) {
					t.Errorf("no %q in %q", want, env)
				}
			}
			if slices.Contains(env, "UFLINE=old") || slices.Contains(env, "EXT=old") {
				t.Errorf("old values in %q", env)
			}
		})
	}
}

func TestLoop(t *testing.T) {
	want := result{exit.Perm, "", "This message is looping: it already has my Delivered-To line. (#5.4.6)\n"}
	h := &home{files: map[string]string{"Maildir/": ""}}
	if got := h.deliver(t, "Received: x\nDelivered-To: john@b.example\n\n"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := h.read(t, "Maildir"); got != "" {
		t.Errorf("delivered %q", got)
	}
}

func TestHeaderHas(t *testing.T) {
	const line = "Delivered-To: john@b.example\n"
	long := strings.Repeat("x", 5000)
	for _, row := range []struct {
		name, mess string
		want       bool
	}{
		{"first line", line + "\n", true},
		{"later line", "Received: y\n" + line, true},
		{"behind a long line", long + "\n" + line, true},
		{"no header", "", false},
		{"in the body", "Received: y\n\n" + line, false},
		{"behind an empty first line", "\n" + line, false},
		{"behind CR, which is no empty line", "\r\n" + line, true},
		{"no newline", strings.TrimSuffix(line, "\n"), false},
		{"CR", strings.TrimSuffix(line, "\n") + "\r\n", false},
		{"other case", strings.ToLower(line), false},
		{"end of a long line", long + line, false},
		{"start of a long line", strings.TrimSuffix(line, "\n") + long + "\n", false},
		{"line of the buffer's length", strings.Repeat("x", 1023) + "\n" + line, true},
		{"line beyond the buffer's length", strings.Repeat("x", 1024) + "\n\n" + line, false},
	} {
		if got, err := headerHas(line, strings.NewReader(row.mess)); got != row.want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", row.name, got, err, row.want)
		}
	}
	big := "Delivered-To: " + long + "@b.example\n"
	if got, err := headerHas(big, strings.NewReader("x\n"+big)); !got || err != nil {
		t.Errorf("long address: got %v, %v", got, err)
	}
}

// FuzzHeaderHas compares with the plain way to do it.
func FuzzHeaderHas(f *testing.F) {
	f.Add("a\nb\n\nc\n", "b")
	f.Add("a\nb", "b")
	f.Fuzz(func(t *testing.T, mess, line string) {
		line, _, _ = strings.Cut(line, "\n")
		line += "\n"
		want := false
		for got := range strings.SplitAfterSeq(mess, "\n") {
			if got == "\n" {
				break
			}
			want = want || got == line
		}
		if line == "\n" {
			want = false
		}
		if got, err := headerHas(line, strings.NewReader(mess)); got != want || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
}

// queue is a stand-in for qmail-queue that keeps the message and envelope.
const queue = "#!/bin/sh\ncd ${0%/*} && cat > mess && cat <&1 > envelope && exit ${QUEUE:-0}\n"

func TestForwards(t *testing.T) {
	h := &home{from: "joe@a.example", files: map[string]string{
		".qmail": "sue\n./mbox\n&dirk@c.example\n", ".qmail-owner": "", ".qmail-owner-default": "", "queue": queue,
	}, modes: map[string]os.FileMode{"queue": 0o755}}
	h.make(t)
	h.env = call.Env{"QMAILQUEUE=" + h.dir + "/queue"}
	t.Cleanup(func(home string) func() { return func() { auto.Home = home } }(auto.Home))
	auto.Home = h.dir // where qmail-queue is started
	got := h.deliver(t, message)
	if got.code != 0 || !strings.HasPrefix(got.out, "did 1+2+0\nqp ") {
		t.Fatalf("got %+v", got)
	}
	if got, want := h.read(t, "mess"), "Delivered-To: john@b.example\n"+message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := h.read(t, "envelope"), "Fjohn-owner-@b.example-@[]\x00Tsue\x00Tdirk@c.example\x00\x00"; got != want {
		t.Errorf("envelope %q, want %q", got, want)
	}
	for code, want := range map[string]result{
		"31": {exit.Perm, "", "Unable to forward message: mail server permanently rejected message (#5.3.0).\n"},
		"53": {exit.Temp, "", "Unable to forward message: qq write error or disk full (#4.3.0).\n"},
	} {
		h.env = call.Env{"QMAILQUEUE=" + h.dir + "/queue", "QUEUE=" + code}
		if got := h.deliver(t, message); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
