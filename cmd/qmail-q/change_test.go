package main

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// read returns what is in a file, with ! for NUL, and - if there is none.
func read(name queue.Name) string {
	b, err := os.ReadFile(name.Path())
	if err != nil {
		return "-"
	}
	return strings.ReplaceAll(string(b), "\x00", "!")
}

// control makes the control files that bounce reads.
func control(t *testing.T) {
	t.Helper()
	must(t, os.Mkdir(auto.Home+"/control", 0o700))
	must(t, os.WriteFile(auto.Home+"/control/me", []byte("me.example\n"), 0o600))
	must(t, os.WriteFile(auto.Home+"/control/virtualdomains", []byte("v.example:alias-v\n"), 0o600))
	here, err := os.Getwd()
	must(t, err)
	t.Chdir(here) // so it is restored
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		name                  string
		args                  []string
		want                  string // what it prints, N for the number
		local, remote, bounce string // the files then
	}{
		{"hold", []string{"hold", "-a"}, "N\theld\t3\n", "Hjohn@me.example!Dsue@me.example!Hann@me.example!", "Htom@b!Hheld@b!", "old"},
		{"hold one", []string{"hold", "-r", "TOM@*"}, "N\theld\t1\n", "Tjohn@me.example!Dsue@me.example!Tann@me.example!", "Htom@b!Hheld@b!", "old"},
		{"hold who is held", []string{"hold", "-r", "held@b"}, "", "Tjohn@me.example!Dsue@me.example!Tann@me.example!", "Ttom@b!Hheld@b!", "old"},
		{"release", []string{"release", "-a"}, "N\treleased\t1\n", "Tjohn@me.example!Dsue@me.example!Tann@me.example!", "Ttom@b!Theld@b!", "old"},
		{"delete", []string{"delete", "-a"}, "N\tdeleted\t4\n", "Djohn@me.example!Dsue@me.example!Dann@me.example!", "Dtom@b!Dheld@b!", "-"},
		{"delete a channel", []string{"delete", "-c", "local"}, "N\tdeleted\t2\n", "Djohn@me.example!Dsue@me.example!Dann@me.example!", "Ttom@b!Hheld@b!", "old"},
		{"delete another's", []string{"delete", "-f", "other@a"}, "", "Tjohn@me.example!Dsue@me.example!Tann@me.example!", "Ttom@b!Hheld@b!", "old"},
		{"bounce", []string{"bounce", "-a", "-m", "no\n\nway"}, "N\tbounced\t4\n", "Djohn@me.example!Dsue@me.example!Dann@me.example!", "Dtom@b!Dheld@b!",
			"old<john@me.example>:\nno\n/way\n\n<ann@me.example>:\nno\n/way\n\n<tom@b>:\nno\n/way\n\n<held@b>:\nno\n/way\n\n"},
		{"bounce one", []string{"bounce", "-r", "tom@b"}, "N\tbounced\t1\n", "Tjohn@me.example!Dsue@me.example!Tann@me.example!", "Dtom@b!Hheld@b!",
			"old<tom@b>:\n" + notDelivered + "\n\n"},
		{"retry", []string{"retry", "-f", "*"}, "N\tretried\t3\n", "Tjohn@me.example!Dsue@me.example!Tann@me.example!", "Ttom@b!Hheld@b!", "old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := home(t)
			control(t)
			n := preprocessed(t, l, "joe@a", "Tjohn@me.example Dsue@me.example Tann@me.example", "Ttom@b Hheld@b")
			write(t, l.Bounce(n), 0o600, "old")
			out, complaints, code := qmailQ(t, c.args...)
			if strings.Replace(out, n.String(), "N", 1) != c.want || code != 0 {
				t.Errorf("got %q, %d, want %q", out, code, c.want)
			}
			if c.want != "" && c.args[0] != "hold" && complaints != notRunning {
				t.Errorf("got %q, want %q", complaints, notRunning)
			}
			if l, r, b := read(l.Local(n)), read(l.Remote(n)), read(l.Bounce(n)); l != c.local || r != c.remote || b != c.bounce {
				t.Errorf("got %s, %s, %q; want %s, %s, %q", l, r, b, c.local, c.remote, c.bounce)
			}
		})
	}
}

// What a virtual domain prepended is not in a bounce.
func TestBounceNamesTheAddressOfTheSender(t *testing.T) {
	l := home(t)
	control(t)
	n := preprocessed(t, l, "joe@a", "Talias-v-john@v.example", "")
	qmailQ(t, "bounce", "-m", "no", n.String())
	if got, want := read(l.Bounce(n)), "<john@v.example>:\nno\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestList(t *testing.T) {
	l := home(t)
	one := preprocessed(t, l, "joe@a", "Tjohn@me.example Dsue@me.example", "Htom\x1b@b")
	at := time.Date(2025, 11, 22, 8, 0, 0, 0, time.UTC)
	must(t, os.Chtimes(l.Info(one).Path(), at, at))
	two := queued(t, l, "", "c@d")
	must(t, os.Chtimes(l.Todo(two).Path(), at, at))
	out, complaints, code := qmailQ(t, "list", "-l", one.String(), "#"+two.String())
	want := one.String() + "\twaiting\t2025-11-22T08:00:00Z\t27\t2/3\tjoe@a\n" +
		"\tlocal\twaiting\tjohn@me.example\n\tlocal\tdone\tsue@me.example\n\tremote\theld\ttom_@b\n" +
		two.String() + "\tnew\t2025-11-22T08:00:00Z\t22\t1/1\t\n\tnew\twaiting\tc@d\n"
	if out != want || complaints != "" || code != 0 {
		t.Errorf("got %s%s%d\nwant %s", out, complaints, code, want)
	}
	all, _, _ := qmailQ(t, "list")
	if got := strings.Count(all, "\n"); got != 2 {
		t.Errorf("list has %d lines, want 2: %s", got, all)
	}
	shown, _, _ := qmailQ(t, "show", "-f", "joe@a")
	if !strings.HasSuffix(shown, "\n\nSubject: from joe@a\n\nhello\n") {
		t.Errorf("show: got %q", shown)
	}
}

func TestStates(t *testing.T) {
	for _, c := range []struct{ local, remote, bounce, want string }{
		{"Ta@b", "", "", "waiting"},
		{"Ha@b", "Ta@b", "", "waiting"},
		{"Ha@b Da@b", "", "x", "held"},
		{"Da@b", "", "x", "bouncing"},
		{"Da@b", "", "", "done"},
		{"", "", "", "done"},
	} {
		l := home(t)
		n := preprocessed(t, l, "joe@a", c.local, c.remote)
		if c.bounce != "" {
			write(t, l.Bounce(n), 0o600, c.bounce)
		}
		if out, _, _ := qmailQ(t, "list"); strings.Split(out, "\t")[1] != c.want {
			t.Errorf("%q %q %q: got %q, want %s", c.local, c.remote, c.bounce, out, c.want)
		}
	}
}

// What cannot be changed is left as it is, and told.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		lay  func(t *testing.T, l queue.Layout) queue.Num
		want string
		code int
	}{
		{"no message", func(*testing.T, queue.Layout) queue.Num { return 7 }, "no such message", 100},
		{"a message without envelope", func(t *testing.T, l queue.Layout) queue.Num { return mess(t, l, "x") }, errUnfinish.Error(), 100},
		{"a new message", func(t *testing.T, l queue.Layout) queue.Num { return queued(t, l, "joe@a", "c@d") }, errFresh.Error(), 111},
		{"a copied message", func(t *testing.T, l queue.Layout) queue.Num {
			rename(t, l, preprocessed(t, l, "joe@a", "Tc@d", ""), 7)
			return 7
		}, errNoInode.Error(), 111},
		{"a list with other records", func(t *testing.T, l queue.Layout) queue.Num {
			return preprocessed(t, l, "joe@a", "Tc@d Xe@f", "")
		}, errGarbled.Error(), 111},
		{"no sender", func(t *testing.T, l queue.Layout) queue.Num {
			n := preprocessed(t, l, "joe@a", "Tc@d", "")
			write(t, l.Info(n), 0o600, "")
			return n
		}, errGarbled.Error(), 111},
		{"a link for a list", func(t *testing.T, l queue.Layout) queue.Num {
			n := preprocessed(t, l, "joe@a", "", "")
			write(t, "pid/elsewhere", 0o600, "Tc@d\x00")
			must(t, os.Symlink(queue.Name("pid/elsewhere").Path(), l.Local(n).Path()))
			return n
		}, "", 111},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := home(t)
			n := c.lay(t, l)
			before := content(t, l)
			out, complaints, code := qmailQ(t, "delete", n.String())
			if out != "" || code != c.code || !strings.HasPrefix(complaints, "qmail-q: warning: #"+n.String()+": "+c.want) {
				t.Errorf("got %q, %q, %d, want %q, %d", out, complaints, code, c.want, c.code)
			}
			if after := content(t, l); len(after) != len(before) || read("pid/elsewhere") != "-" && read("pid/elsewhere") != "Tc@d!" {
				t.Errorf("it was changed: %v, %v", before, after)
			}
		})
	}
}

// TestHoldBesideDeliveries: while recipients are held and released all the time,
// what qmail-send marks as done stays so, and its neighbours stay what they are.
func TestHoldBesideDeliveries(t *testing.T) {
	l := home(t)
	const recipients = 300
	n := preprocessed(t, l, "joe@a", strings.TrimSuffix(strings.Repeat("Ta@b ", recipients), " "), "")
	f, err := os.OpenFile(l.Local(n).Path(), os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	mapped, err := share(f)
	must(t, err)
	defer mapped.close()
	const record = int64(len("Ta@b\x00"))
	var marking sync.WaitGroup
	marking.Go(func() {
		for i := int64(0); i < recipients; i++ {
			f.WriteAt([]byte{queue.Done}, i*record) // as qmail-send does
			time.Sleep(10 * time.Microsecond)
		}
	})
	done := make(chan struct{})
	go func() { marking.Wait(); close(done) }()
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		for i := int64(0); i < recipients; i++ {
			mapped.swap(i*record, queue.ToDo, queue.Held)
			mapped.swap(i*record, queue.Held, queue.ToDo)
		}
	}
	if got := read(l.Local(n)); got != strings.Repeat("Da@b!", recipients) {
		t.Errorf("got %s", got)
	}
}

// TestAlone: without a qmail-send, messages are removed at once.
func TestAlone(t *testing.T) {
	l := home(t)
	n, fresh := preprocessed(t, l, "joe@a", "Tc@d", "Te@f"), queued(t, l, "joe@a", "c@d")
	partly := preprocessed(t, l, "sue@a", "Tc@d", "Te@f")
	o, err := parse([]string{"qmail-q", "delete", "-f", "joe@a"})
	must(t, err)
	tool := newTool(o, l)
	tool.alone = true
	must(t, tool.each())
	for _, gone := range []queue.Num{n, fresh} {
		for _, kind := range queue.Kinds() {
			if got := read(kind.File(l, gone)); got != "-" {
				t.Errorf("%s is there: %s", kind.File(l, gone), got)
			}
		}
	}
	o, err = parse([]string{"qmail-q", "delete", "-r", "c@d"})
	must(t, err)
	tool = newTool(o, l)
	tool.alone = true
	must(t, tool.each())
	if got := read(l.Local(partly)) + read(l.Remote(partly)); got != "Dc@d!Te@f!" {
		t.Errorf("of some recipients: got %s", got)
	}
}

// TestNudge: a qmail-send is asked to look at once, and one that does not know how
// is not waited for a second time.
func TestNudge(t *testing.T) {
	l := home(t)
	n := preprocessed(t, l, "joe@a", "Tc@d", "")
	trigger, err := queue.OpenTrigger(queue.TriggerFIFO.Path())
	must(t, err)
	defer trigger.Close()
	old := time.Now().Add(-time.Minute)
	must(t, os.WriteFile(queue.Retry.Path(), []byte("7\n"), 0o600))
	must(t, os.Chtimes(queue.Retry.Path(), old, old))
	if _, complaints, code := qmailQ(t, "retry", n.String()); complaints != notTaken || code != 0 {
		t.Errorf("not taken: got %q, %d", complaints, code)
	}

	must(t, os.WriteFile(queue.Retry.Path(), nil, 0o600))
	taken := make(chan []queue.Num, 1)
	go func() {
		trigger.Wait()
		taken <- queue.TakeRetries(queue.Retry.Path())
	}()
	if _, complaints, code := qmailQ(t, "retry", n.String()); complaints != "" || code != 0 {
		t.Errorf("taken: got %q, %d", complaints, code)
	}
	if got := <-taken; len(got) != 1 || got[0] != n {
		t.Errorf("asked for %v, want %v", got, n)
	}
}
