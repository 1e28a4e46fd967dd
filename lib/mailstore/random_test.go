package mailstore

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"
)

// modelBox is a mailbox as a plain map.
type modelBox struct {
	messages map[uint32]map[string]bool // flags by UID
	next     uint32
}

func (b *modelBox) String() string {
	s := fmt.Sprint("next ", b.next)
	for _, uid := range slices.Sorted(maps.Keys(b.messages)) {
		s += fmt.Sprint(" ", uid, slices.Sorted(maps.Keys(b.messages[uid])))
	}
	return s
}

// model is a store as plain maps.
type model map[string]*modelBox

// seenBox is the same of a real mailbox.
func seenBox(t *testing.T, s *Store, name string) *modelBox {
	t.Helper()
	v := view(t, open(t, s, name)) // which stays open, so that the next view is made from this one
	b := &modelBox{map[uint32]map[string]bool{}, v.UIDNext}
	for _, msg := range v.All() {
		b.messages[msg.UID] = set(msg.Flags.Names(v.Keywords))
	}
	return b
}

func set(names []string) map[string]bool {
	flags := map[string]bool{}
	for _, name := range names {
		flags[name] = true
	}
	return flags
}

var (
	randomNames = []string{"user.john", "user.john.a", "user.john.a.b", "user.mary", "shared"}
	randomFlags = []string{`\Seen`, `\Deleted`, `\Flagged`, "$Work", "other"}
)

// Random operations by two processes, for which two Stores stand here, do to the store
// what they do to plain maps, and each sees at once what the other did.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			r := &randomRun{t: t, rng: rand.New(rand.NewPCG(seed, 7)), stores: []*Store{openStore(t, dir), openStore(t, dir)}, model: model{}}
			for range 120 {
				r.step()
			}
			for _, s := range r.stores {
				for name := range r.model {
					sound(t, s, name)
				}
			}
			for name := range r.model { // finds nothing to do
				if did := rebuild(t, r.stores[0], name); did != (Rebuilt{}) {
					t.Errorf("%s: reconstruct did %+v", name, did)
				}
			}
		})
	}
}

type randomRun struct {
	t      *testing.T
	rng    *rand.Rand
	stores []*Store
	model  model
	steps  []string
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// step does one thing, and compares.
func (r *randomRun) step() {
	s, name, other := pick(r.rng, r.stores), pick(r.rng, randomNames), pick(r.rng, randomNames)
	box, there := r.model[name]
	to, toThere := r.model[other]
	say := func(format string, args ...any) { r.steps = append(r.steps, fmt.Sprintf(format, args...)) }
	check := func(err, want error) {
		if !errors.Is(err, want) {
			r.t.Fatalf("%v: %v, want %v", r.steps, err, want)
		}
	}
	if !there {
		say("create %s", name)
		check(s.Create(Entry{Name: name}), nil)
		r.model[name] = &modelBox{map[uint32]map[string]bool{}, 1}
		r.compare()
		return
	}
	m, err := s.OpenMailbox(name)
	check(err, nil)
	defer m.Close()
	var uids imap.UIDSet
	var chosen []uint32
	for _, uid := range slices.Sorted(maps.Keys(box.messages)) {
		if r.rng.IntN(2) == 0 {
			uids.AddNum(imap.UID(uid))
			chosen = append(chosen, uid)
		}
	}
	uids.AddNum(imap.UID(box.next + 3)) // never there
	flags := slices.DeleteFunc(slices.Clone(randomFlags), func(string) bool { return r.rng.IntN(2) == 0 })
	switch n := r.rng.IntN(20); {
	case n < 7:
		say("append to %s %v", name, flags)
		put(r.t, m, flags, text, text)
		box.messages[box.next], box.messages[box.next+1] = set(flags), set(flags)
		box.next += 2
	case n < 11:
		op := pick(r.rng, []imap.StoreFlagsOp{imap.StoreFlagsSet, imap.StoreFlagsAdd, imap.StoreFlagsDel})
		say("store %s %v %v %v", name, chosen, op, flags)
		_, err := m.SetFlags(uids, op, flags, -1)
		check(err, nil)
		for _, uid := range chosen {
			if op == imap.StoreFlagsSet {
				box.messages[uid] = map[string]bool{}
			}
			for _, flag := range flags {
				if op == imap.StoreFlagsDel {
					delete(box.messages[uid], flag)
				} else {
					box.messages[uid][flag] = true
				}
			}
		}
	case n < 13:
		say("expunge %s", name)
		_, err := m.Expunge(nil)
		check(err, nil)
		maps.DeleteFunc(box.messages, func(_ uint32, flags map[string]bool) bool { return flags[`\Deleted`] })
	case n < 17 && toThere && other != name:
		into, err := s.OpenMailbox(other)
		check(err, nil)
		defer into.Close()
		move := n == 16
		say("copy %s %v to %s, move: %v", name, chosen, other, move)
		f := m.Copy
		if move {
			f = m.Move
		}
		from, _, err := f(uids, into, nil)
		check(err, nil)
		if !slices.Equal(from, chosen) {
			r.t.Fatalf("%v: copied %v", r.steps, from)
		}
		for _, uid := range chosen {
			to.messages[to.next] = maps.Clone(box.messages[uid])
			to.next++
			if move {
				delete(box.messages, uid)
			}
		}
	case n == 17:
		say("delete %s", name)
		check(s.Delete(name), nil)
		delete(r.model, name)
	case n >= 18 && toThere:
		say("rename %s to %s", name, other)
		check(s.Rename(name, other, ""), ErrExists)
	case n >= 18:
		say("rename %s to %s", name, other)
		check(s.Rename(name, other, ""), nil)
		r.model[other] = box
		delete(r.model, name)
	}
	r.compare()
}

// compare compares all mailboxes, as either process sees them.
func (r *randomRun) compare() {
	for i, s := range r.stores {
		entries, err := s.Below("")
		if err != nil || len(entries) != len(r.model) {
			r.t.Fatalf("%v: %d mailboxes, %v, want %d", r.steps, len(entries), err, len(r.model))
		}
		for name, want := range r.model {
			if got := seenBox(r.t, s, name); got.String() != want.String() {
				r.t.Fatalf("%v:\n%d sees %s as %v\nwant %v", r.steps, i, name, got, want)
			}
		}
	}
}
