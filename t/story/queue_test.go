//go:build linux

package story

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// layout says where the files of a message are: todo and intd in one
// directory each, or split like the others.
type layout struct{ split bool }

func (l layout) path(part string, num uint64) string {
	if part == "bounce" || !l.split && (part == "todo" || part == "intd") {
		return fmt.Sprintf("%s/%s/%d", queue, part, num)
	}
	return fmt.Sprintf("%s/%s/%d/%d", queue, part, num%lab.Split, num)
}

// layMessage puts a message into the queue by hand, as a crash may have left it: its
// files by name, all of an age. The subject is its number, which it returns.
func (m *machine) layMessage(l layout, age time.Duration, parts map[string]string) uint64 {
	m.t.Helper()
	var st unix.Stat_t
	m.in(func() error {
		fresh := queue + "/pid/by-hand"
		if err := os.WriteFile(fresh, nil, 0o644); err != nil {
			return err
		}
		if err := unix.Stat(fresh, &st); err != nil {
			return err
		}
		mess := fmt.Sprintf("Received: by hand\nSubject: <%d>\n\nbody\n", st.Ino)
		if err := os.WriteFile(fresh, []byte(mess), 0o644); err != nil {
			return err
		}
		if err := os.Rename(fresh, l.path("mess", st.Ino)); err != nil {
			return err
		}
		for part, data := range parts {
			if err := os.WriteFile(l.path(part, st.Ino), []byte(data), 0o600); err != nil {
				return err
			}
		}
		at := time.Now().Add(-age)
		for part, owner := range map[string]string{"mess": "qmailq", "intd": "qmailq", "todo": "qmailq", "info": "qmails", "local": "qmails", "remote": "qmails", "bounce": "qmails"} {
			path := l.path(part, st.Ino)
			if _, err := os.Stat(path); err != nil {
				continue
			}
			mode := os.FileMode(0o600)
			if owner == "qmailq" {
				mode = 0o644
			}
			if err := lab.Own(path, users.Uid(owner), users.Gid("qmail"), mode); err != nil {
				return err
			}
			if err := os.Chtimes(path, at, at); err != nil {
				return err
			}
		}
		return nil
	})
	return st.Ino
}

func envelope(recipients ...string) string {
	return "u3003\x00p99\x00Fsusie@" + site.Me + "\x00" + records(recipients...)
}

func records(recipients ...string) string {
	var b strings.Builder
	for _, to := range recipients {
		b.WriteString("T" + to + "\x00")
	}
	return b.String()
}

func subject(num uint64) string { return fmt.Sprintf("Subject: <%d>", num) }

func TestAQueueLeftInEveryStateIsFinished(t *testing.T) {
	for _, l := range []layout{{split: false}, {split: true}} {
		t.Run(map[bool]string{false: "flat todo", true: "split todo"}[l.split], func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if l.split {
				m.splitTodo()
			}
			m.remote(`r\0Ksent\n\0`)
			const young, old = time.Minute, 40 * time.Hour
			dirk, susie, far := "dirk@"+site.Me, "susie@"+site.Me, "somebody@far.example"
			info := "Fsusie@" + site.Me + "\x00"

			// S2 and S3: never acknowledged; they go when they are 36 hours old.
			s2young := m.layMessage(l, young, nil)
			s2old := m.layMessage(l, old, nil)
			s3young := m.layMessage(l, young, map[string]string{"intd": envelope(dirk)[:20]})
			s3old := m.layMessage(l, old, map[string]string{"intd": envelope(dirk)})
			// S4: queued; with what an earlier preprocessing got done.
			s4 := m.layMessage(l, young, map[string]string{"intd": envelope(dirk), "todo": envelope(dirk)})
			s4old := m.layMessage(l, old, map[string]string{"todo": envelope(dirk, far)})
			s4half := m.layMessage(l, young, map[string]string{"intd": envelope(dirk), "todo": envelope(dirk), "info": "F", "local": records(susie), "remote": "Tfa"})
			// S5: preprocessed; some recipients done, some failed.
			s5 := m.layMessage(l, young, map[string]string{"info": info, "local": "D" + susie + "\x00T" + dirk + "\x00", "remote": records(far)})
			s5bounce := m.layMessage(l, young, map[string]string{"info": info, "bounce": "<x@far.example>:\nno\n\n"})
			s5done := m.layMessage(l, young, map[string]string{"info": info, "local": "D" + dirk + "\x00"})
			s5empty := m.layMessage(l, young, map[string]string{"info": info})

			m.start()
			for _, num := range []uint64{s4, s4old, s4half, s5} {
				m.awaitMail("dirk", subject(num))
			}
			m.awaitMail("susie", "<x@far.example>:\nno\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <susie@"+site.Me+">\nReceived: by hand\n"+subject(s5bounce))
			want := []string{name(l, "mess", s2young), name(l, "mess", s3young), name(l, "intd", s3young)}
			slices.Sort(want)
			m.await("the queue to hold the two young ones only", func() bool {
				got := m.queued()
				slices.Sort(got)
				return slices.Equal(got, want)
			})
			for _, never := range []uint64{s2young, s2old, s3young, s3old, s5done, s5empty} {
				if m.count("dirk", subject(never)) != 0 {
					t.Errorf("message %d was delivered", never)
				}
			}
			for _, num := range []uint64{s4, s4old, s4half, s5} {
				if m.count("susie", subject(num)) != 0 || m.count("dirk", subject(num)) != 1 {
					t.Errorf("message %d was not delivered to dirk once and to nobody else", num)
				}
			}
			if n := m.log.count("to remote " + far); n != 2 {
				t.Errorf("%d remote deliveries, want 2", n)
			}
			// New mail goes where the others are.
			m.send("olaf", "new", dirk)
			m.awaitMail("dirk", "Subject: new")
		})
	}
}

// name is the name of a file in the queue, as queued gives it.
func name(l layout, part string, num uint64) string {
	return strings.TrimPrefix(l.path(part, num), queue+"/")
}

// splitTodo makes todo and intd split directories, as in big-todo.
func (m *machine) splitTodo() {
	m.t.Helper()
	if !m.ours() {
		m.t.Skip("the reference is not built for a split todo")
	}
	m.in(func() error {
		for i := range lab.Split {
			for part, mode := range map[string]os.FileMode{"todo": 0o750, "intd": 0o700} {
				dir := filepath.Join(queue, part, fmt.Sprint(i))
				if err := os.Mkdir(dir, 0o700); err != nil {
					return err
				}
				if err := lab.Own(dir, users.Uid("qmailq"), users.Gid("qmail"), mode); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// A backlog of deferred mail must not make qmail-send slow or large. The files
// of all its messages are links to the same three: only their names and times
// matter before they are due.
func TestABacklogOfDeferredMailCostsLittle(t *testing.T) {
	n := 100000
	if testing.Short() {
		n = 10000
	}
	m := newMachine(t)
	m.start()
	pid := m.Pids("qmail-send")[0]
	empty := lab.Memory(t, pid)
	m.stop()
	m.layBacklog(n)

	began := time.Now()
	m.start()
	started := time.Since(began)
	m.send("susie", "new", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: new")
	delivered := time.Since(began)
	full := lab.Memory(t, m.Pids("qmail-send")[0])
	t.Logf("%d messages: started after %v, new mail delivered after %v, %d bytes of memory, %d more than empty", n, started, delivered, full, full-empty)
	if delivered > 30*time.Second {
		t.Errorf("new mail arrived after %v", delivered)
	}
	if most := empty + 100*n + 4<<20; full > most {
		t.Errorf("qmail-send holds %d bytes, want at most %d", full, most)
	}
	if m.log.has("starting delivery 2") {
		t.Error("a message that was not due was tried")
	}
}

func (m *machine) layBacklog(n int) {
	m.t.Helper()
	m.in(func() error {
		sample := map[string]string{"mess": "Subject: waits\n\nbody\n", "info": "Fsusie@" + site.Me + "\x00", "remote": records("somebody@far.example")}
		due := time.Now().Add(time.Hour)
		for part, data := range sample {
			model := fmt.Sprintf("%s/%s/model", queue, part)
			if err := os.WriteFile(model, []byte(data), 0o600); err != nil {
				return err
			}
			owner := "qmails"
			if part == "mess" {
				owner = "qmailq"
			}
			if err := lab.Own(model, users.Uid(owner), users.Gid("qmail"), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(model, due, due); err != nil {
				return err
			}
			for i := range n {
				if err := os.Link(model, layout{}.path(part, uint64(10000000+i))); err != nil {
					return err
				}
			}
			if err := os.Remove(model); err != nil {
				return err
			}
		}
		return nil
	})
}
