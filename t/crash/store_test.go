//go:build linux && amd64

package crash

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// dates are those that lmtpd writes.
var dates = regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}`)

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
		messages[msg.UID] = fmt.Sprintf("%v %s", msg.Flags.Names(v.Keywords), dates.ReplaceAll(text, []byte("DATE")))
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

// storeRun is what is done to a store, step by step.
type storeRun struct {
	t   *testing.T
	dir string // where the store is
	// do does it to a store as it is at first, until the program is killed or gives up,
	// and returns how many steps the program said are done.
	do    func(before func(*Op) Action) (done int, disk *Disk)
	want  []picture                             // before and after each step
	parts map[int]bool                          // steps that need not happen in all mailboxes at once; see between
	again func(story string, done int, how int) // what is done afterwards; nil: nothing
}

// Stopped before any call, by its own death or that of the machine, or by an error, the
// program leaves a store that has what was said to be done and, of what was being done,
// all or nothing. To reconstruct it takes nothing away.
func TestStore(t *testing.T) {
	program := filepath.Join(t.TempDir(), "run")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, "goqmail/t/crash/storesteps/run")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := &storeRun{t: t, dir: inMemory(t) + "/store", want: pictures(t, inMemory(t))}
	r.do = func(before func(*Op) Action) (int, *Disk) { return steps(t, program, r.dir, before) }
	r.stops(40)
	r.directories()
}

// directories has the steps done and sees that of the directories, which a Disk takes to
// last, each new one is made durable before the step that needs it is said to be done.
func (r *storeRun) directories() {
	r.t.Helper()
	made := map[string]bool{}
	unsynced := map[string]bool{}
	r.do(func(op *Op) Action {
		switch op.Call {
		case "mkdir":
			made[op.Path], unsynced[op.Path] = true, true
		case "fsync":
			maps.DeleteFunc(unsynced, func(dir string, _ bool) bool { return filepath.Dir(dir) == op.Path })
		case "write":
			if op.Path == "pipe" && len(unsynced) > 0 {
				r.t.Errorf("these directories may not last: %v", slices.Sorted(maps.Keys(unsynced)))
				clear(unsynced)
			}
		}
		return Action{}
	})
	if !made[r.dir+"/spool/user"] || !made[r.dir+"/spool/user/mary/d"] {
		r.t.Errorf("the steps made %v", slices.Sorted(maps.Keys(made)))
	}
}

// steps has the program do the steps in an empty store.
func steps(t *testing.T, program, dir string, before func(*Op) Action) (done int, disk *Disk) {
	t.Helper()
	os.RemoveAll(dir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	_, disk = Run(t, dir, Cmd{Path: program, Args: []string{"run", dir}, Env: os.Environ(), Files: []*os.File{null, w, null}}, before)
	w.Close()
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	return len(said), disk
}

// stops does it with about as many stops as wanted.
func (r *storeRun) stops(wanted int) {
	r.t.Helper()
	total := 0
	done, _ := r.do(func(op *Op) Action {
		if op.isChange() {
			total++
		}
		return Action{}
	})
	if done != len(r.want)-1 {
		r.t.Fatalf("%d steps were done, want %d", done, len(r.want)-1)
	}
	all := sample(r.t, "changes before which it stops", total, wanted)
	for n, at := range all {
		for how := range ways {
			if len(all) == total || n%ways == how {
				r.stop(at, how)
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
func (r *storeRun) stop(at, how int) {
	n, story := 0, "none"
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
	story = fmt.Sprintf("stopped before change %d (%s) after %d steps", at, story, done) + fall(r.t, disk, how, at)
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
	before, after := r.want[done], r.want[min(done+1, len(r.want)-1)]
	if !got.is(before) && !got.is(after) && !(r.parts[done] && got.between(before, after)) {
		r.t.Errorf("%s:\nleft is %s\nwant    %s\nor      %s", story, got.short(), before.short(), after.short())
	}
	if r.again != nil {
		r.again(story, done, how)
		if got, err = lookAtStore(s); err != nil {
			r.t.Errorf("%s: done again: %v", story, err)
		}
	}
	goOn(r.t, s, got, story)
}

// short describes it without what makes messages long.
func (p picture) short() string { return long.ReplaceAllString(p.String(), " ") }

var long = regexp.MustCompile(`Return-Path(.|\n)*?DATE|(a line|\r|\n)+`)

func (p picture) is(other picture) bool { return p.String() == other.String() }

// between tells whether in each mailbox there is what was there before or what is there
// after something, with any UIDs and however often, and no message is lost that is there
// both before and after, be it elsewhere.
func (p picture) between(before, after picture) bool {
	for name := range p {
		now := p.messages(name)
		if !maps.Equal(now, before.messages(name)) && !maps.Equal(now, after.messages(name)) {
			return false
		}
	}
	all, then, now := before.messages(""), after.messages(""), p.messages("")
	for m := range all {
		if then[m] && !now[m] {
			return false
		}
	}
	return true
}

// messages is the messages of a mailbox, or of all for "".
func (p picture) messages(mailbox string) map[string]bool {
	all := map[string]bool{}
	for name, messages := range p {
		for _, m := range messages {
			if mailbox == "" || name == mailbox {
				all[m] = true
			}
		}
	}
	return all
}

// fall has the power fail, if that is how programs were stopped, and says so. which
// selects one of the states of the disk that it may leave.
func fall(t *testing.T, disk *Disk, how, which int) (story string) {
	t.Helper()
	var cuts []Cut
	switch how {
	case powerCut:
		cuts = disk.Cuts()
	case wildPowerCut:
		cuts = disk.WildCuts()
	default:
		return ""
	}
	left := cuts[which%len(cuts)]
	if err := disk.Restore(left); err != nil {
		t.Fatalf("%s: %v", left.Story, err)
	}
	return ", the power fails: " + left.Story
}

// goOn reconstructs all mailboxes and then delivers to them.
func goOn(t *testing.T, s *mailstore.Store, left picture, story string) {
	t.Helper()
	for name := range left {
		if strings.HasPrefix(name, "quota") {
			continue
		}
		if _, err := s.Reconstruct(name, mailstore.Rebuild{}); err != nil {
			t.Errorf("%s: reconstruct %s: %v", story, name, err)
		}
	}
	after, err := lookAtStore(s)
	if err != nil {
		t.Errorf("%s: after reconstruct: %v", story, err)
	}
	for name, messages := range left {
		for uid, m := range messages {
			if after[name][uid] != m {
				t.Errorf("%s: after reconstruct UID %d of %s is %q, was %q", story, uid, name, after[name][uid], m)
			}
		}
	}
	for _, name := range []string{"user.john", "user.john.a", "user.mary.d", "user.new"} {
		if _, err := s.Lookup(name); err != nil {
			if err := s.Create(mailstore.Entry{Name: name}); err != nil {
				t.Errorf("%s: create %s: %v", story, name, err)
			}
		}
		if err := storesteps.Deliver(name, "after")(s); err != nil {
			t.Errorf("%s: deliver to %s: %v", story, name, err)
		}
	}
	if _, err := lookAtStore(s); err != nil {
		t.Errorf("%s: after all: %v", story, err)
	}
}
