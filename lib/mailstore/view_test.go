package mailstore

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Views after random changes are what plain slices become by the same changes,
// and Since tells the difference.
func TestViewAgainstSlices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v, plain := &View{}, []Message(nil)
	next := uint32(1)
	for round := range 300 {
		old, oldPlain := v, plain
		var changed []Message
		var gone []uint32
		plain = nil
		for _, m := range oldPlain {
			switch rng.IntN(20) {
			case 0:
				m.ModSeq, m.Flags = int64(round), Flags(rng.Uint64())
				changed = append(changed, m)
			case 1:
				gone = append(gone, m.UID)
				continue
			}
			plain = append(plain, m)
		}
		for range rng.IntN(300) {
			next += 1 + rng.Uint32N(3)
			m := Message{UID: next, ModSeq: int64(round)}
			changed, plain = append(changed, m), append(plain, m)
		}
		v = old.with(changed, gone)
		if got := collect(v); !slices.Equal(got, plain) {
			t.Fatalf("round %d: %d messages, want %d", round, len(got), len(plain))
		}
		if got := collect(old); !slices.Equal(got, oldPlain) {
			t.Fatalf("round %d: the old view has changed", round)
		}
		checkSince(t, v, old, oldPlain, plain)
		for range 20 {
			uid := rng.Uint32N(next + 2)
			want := slices.IndexFunc(plain, func(m Message) bool { return m.UID == uid }) + 1
			if got := v.Seq(uid); got != want {
				t.Fatalf("Seq(%d) = %d, want %d", uid, got, want)
			}
		}
		for i := range plain {
			if v.At(i+1).UID != plain[i].UID {
				t.Fatalf("At(%d) = %d, want %d", i+1, v.At(i+1).UID, plain[i].UID)
			}
		}
	}
}

func collect(v *View) (all []Message) {
	for _, m := range v.All() {
		all = append(all, *m)
	}
	return all
}

func checkSince(t *testing.T, v, old *View, oldPlain, plain []Message) {
	t.Helper()
	plain = slices.Clone(plain)
	var gone, changed []int
	for i, m := range oldPlain {
		j := slices.IndexFunc(plain, func(n Message) bool { return n.UID == m.UID })
		switch {
		case j < 0:
			gone = append(gone, i+1)
		case plain[j].ModSeq != m.ModSeq:
			changed = append(changed, j+1)
		}
	}
	came := len(plain) - (len(oldPlain) - len(gone))
	kept := collect(v.Keeping(old))
	for _, seq := range gone {
		plain = append(plain, oldPlain[seq-1])
	}
	slices.SortFunc(plain, func(a, b Message) int { return int(a.UID) - int(b.UID) })
	if !slices.Equal(kept, plain) {
		t.Fatalf("Keeping: %d messages, want %d", len(kept), len(plain))
	}
	g, c, n := v.Since(old)
	if !slices.Equal(g, gone) || !slices.Equal(c, changed) || n != came {
		t.Fatalf("Since: %v %v %d, want %v %v %d", g, c, n, gone, changed, came)
	}
}
