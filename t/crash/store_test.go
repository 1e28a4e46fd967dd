//go:build linux && amd64

package crash

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/mailstore"
	"goqmail/t/crash/storesteps"
)

// picture is what is in a store: the messages by their mailboxes, and there by their
// UIDs, each with flags and text; and the limits of quotas.
type picture map[string]map[uint32]string

func (p picture) String() string {
	var all []string
	for name, messages := range p {
		all = append(all, fmt.Sprint(name, messages)) // maps are printed in order
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// look describes a store, and returns an error if it is not in order in itself: if
// counts are not those of the messages, or a message lacks its file or its columns.
func lookAtStore(s *mailstore.Store) (picture, error) {
	entries, err := s.Below("")
	if err != nil {
		return nil, err
	}
	p := picture{}
	var errs []error
	for _, e := range entries {
		messages, err := lookAtMailbox(s, e.Name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.Name, err))
		}
		p[e.Name] = messages
	}
	quotas, err := s.QuotaRoots()
	for _, q := range quotas {
		p["quota of "+q.Root] = map[uint32]string{0: fmt.Sprint(q.Limit)}
	}
	return p, errors.Join(append(errs, err)...)
}

func lookAtMailbox(s *mailstore.Store, name string) (map[uint32]string, error) {
	m, err := s.OpenMailbox(name)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	v, err := m.View()
	if err != nil {
		return nil, err
	}
	st, err := s.Status(name)
	if err != nil {
		return nil, err
	}
	messages := map[uint32]string{}
	counted := st
	counted.Messages, counted.Unseen, counted.Deleted, counted.Bytes = v.Len(), 0, 0, 0
	for _, msg := range v.All() {
		f, err := m.Open(msg.UID)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(f)
		f.Close()
		if err != nil || len(text) != int(msg.Size) || msg.UID >= v.UIDNext {
			return nil, fmt.Errorf("UID %d of %d bytes has %q, %v", msg.UID, msg.Size, text, err)
		}
		messages[msg.UID] = fmt.Sprintf("%v %s", msg.Flags.Names(v.Keywords), text)
		counted.Bytes += int64(msg.Size)
		if msg.Flags&mailstore.Seen == 0 {
			counted.Unseen++
		}
		if msg.Flags&mailstore.Deleted != 0 {
			counted.Deleted++
		}
	}
	if st != counted {
		return nil, fmt.Errorf("counts %+v, want %+v", st, counted)
	}
	columns := 0
	err = m.Columns(imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}, []mailstore.Column{mailstore.Envelope, mailstore.Header},
		func(uint32, [][]byte) error { columns++; return nil })
	if err == nil && columns != v.Len() {
		err = fmt.Errorf("%d digests of %d messages", columns, v.Len())
	}
	return messages, err
}

// pictures does the steps undisturbed and describes the store before and after each.
func pictures(t *testing.T, dir string) (all []picture) {
	t.Helper()
	s, err := mailstore.Open(storesteps.Layout(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, step := range append([]storesteps.Step{func(*mailstore.Store) error { return nil }}, storesteps.Steps()...) {
		if err := step(s); err != nil {
			t.Fatal(err)
		}
		p, err := lookAtStore(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// storeRun is one run of the steps to a stop.
type storeRun struct {
	t       *testing.T
	program string
	dir     string
}

// do does the steps in an empty store until the program is killed, and returns how many
// it said are done.
func (r *storeRun) do(before func(*Op) Action) (done int, disk *Disk) {
	r.t.Helper()
	os.RemoveAll(r.dir)
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	defer out.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer null.Close()
	_, disk = Run(r.t, r.dir, Cmd{Path: r.program, Args: []string{"run", r.dir}, Env: os.Environ(), Files: []*os.File{null, w, null}}, before)
	w.Close()
	said, err := io.ReadAll(out)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(said), disk
}

// Stopped before any call, by its own death or that of the machine, or by an error, the
// program leaves a store that has what was said to be done and, of what was being done,
// all or nothing. To reconstruct it takes nothing away.
func TestStore(t *testing.T) {
	r := &storeRun{t: t, program: filepath.Join(t.TempDir(), "run")}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", r.program, "goqmail/t/crash/storesteps/run")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := pictures(t, inMemory(t))
	base := inMemory(t)
	r.dir = base + "/store"
	total := 0
	done, _ := r.do(func(op *Op) Action {
		if op.isChange() {
			total++
		}
		return Action{}
	})
	if done != len(want)-1 {
		t.Fatalf("%d steps were done, want %d", done, len(want)-1)
	}
	all := sample(t, "changes before which it stops", total, 40)
	for _, i := range all {
		for how := range ways {
			if len(all) == total || i/2%ways == how {
				r.stop(want, i, how)
			}
		}
	}
}

// What happens at a call: the program alone is killed; the power fails, on a file system
// that keeps an order or on one that does not; or the call fails, for want of room, and
// the program goes on as far as it can.
const (
	ownDeath = iota
	powerCut
	wildPowerCut
	diskFull
	ways
)

// stop does the steps until the changing call at, and sees what is left then.
func (r *storeRun) stop(want []picture, at, how int) {
	n, story := 0, ""
	done, disk := r.do(func(op *Op) Action {
		if op.isChange() {
			n++
		}
		if n == at && op.isChange() {
			story = op.String()
			if how == diskFull {
				return Action{Fail: syscall.ENOSPC}
			}
			return Action{Halt: true}
		}
		return Action{}
	})
	story = fmt.Sprintf("stopped before change %d (%s) after %d steps", at, story, done)
	if how == powerCut || how == wildPowerCut {
		cuts := disk.Cuts()
		if how == wildPowerCut {
			cuts = disk.WildCuts()
		}
		left := cuts[at%len(cuts)]
		story += ", the power fails: " + left.Story
		if err := disk.Restore(left); err != nil {
			r.t.Fatalf("%s: %v", story, err)
		}
	}
	s, err := mailstore.Open(storesteps.Layout(r.dir))
	if err != nil {
		r.t.Fatalf("%s: %v", story, err)
	}
	defer s.Close()
	if err := errors.Join(s.Check(), s.Recover()); err != nil {
		r.t.Errorf("%s: %v", story, err)
	}
	got, err := lookAtStore(s)
	if err != nil {
		r.t.Errorf("%s: %v", story, err)
		return
	}
	next := min(done+1, len(want)-1)
	if got.String() != want[done].String() && got.String() != want[next].String() {
		r.t.Errorf("%s:\nleft is %v\nwant    %v\nor      %v", story, got, want[done], want[next])
	}
	r.goOn(s, got, story)
}

// goOn reconstructs all mailboxes and then delivers to them.
func (r *storeRun) goOn(s *mailstore.Store, left picture, story string) {
	for name := range left {
		if strings.HasPrefix(name, "quota") {
			continue
		}
		if _, err := s.Reconstruct(name, mailstore.Rebuild{}); err != nil {
			r.t.Errorf("%s: reconstruct %s: %v", story, name, err)
		}
	}
	after, err := lookAtStore(s)
	if err != nil {
		r.t.Errorf("%s: after reconstruct: %v", story, err)
	}
	for name, messages := range left {
		for uid, m := range messages {
			if after[name][uid] != m {
				r.t.Errorf("%s: after reconstruct UID %d of %s is %q, was %q", story, uid, name, after[name][uid], m)
			}
		}
	}
	for _, name := range []string{"user.john", "user.john.a", "user.mary.d", "user.new"} {
		if _, err := s.Lookup(name); err != nil {
			if err := s.Create(mailstore.Entry{Name: name}); err != nil {
				r.t.Errorf("%s: create %s: %v", story, name, err)
			}
		}
		if err := storesteps.Deliver(name, "after")(s); err != nil {
			r.t.Errorf("%s: deliver to %s: %v", story, name, err)
		}
	}
	if _, err := lookAtStore(s); err != nil {
		r.t.Errorf("%s: after all: %v", story, err)
	}
}
