package main

import (
	"math/rand"
	"slices"
	"testing"
	"unsafe"

	"goqmail/lib/queue"
)

func TestSchedule(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 100 {
		var s schedule
		var want, got []int64
		for i := range 200 {
			due := random.Int63n(50)
			want = append(want, due)
			s.add(waiting{queue.Num(i), due})
		}
		slices.Sort(want)
		for len(s) > 0 {
			if first := s[0].due; s.earlier(first+1) != first || s.earlier(first-1) != first-1 || !s.due(first) || s.due(first-1) {
				t.Fatal("first entry is not the earliest")
			}
			got = append(got, s.pop().due)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	}
}

func TestScheduleHurryThese(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	for range 100 {
		var s schedule
		want := map[queue.Num]int64{}
		these := map[queue.Num]bool{}
		for i := range queue.Num(200) {
			want[i] = random.Int63n(50)
			s.add(waiting{i, want[i]})
			if random.Intn(3) == 0 {
				these[i] = true
				want[i] = min(want[i], 20)
			}
		}
		s.hurryThese(these, 20)
		for last := int64(0); len(s) > 0; {
			e := s.pop()
			if e.due != want[e.num] || e.due < last {
				t.Fatalf("message %d is due at %d after %d, want %d", e.num, e.due, last, want[e.num])
			}
			last = e.due
		}
	}
}

func TestScheduleHurry(t *testing.T) {
	var s schedule
	for i := range 5 {
		s.add(waiting{queue.Num(i), int64(100 - i)})
	}
	s.hurry(7)
	seen := map[queue.Num]bool{}
	for len(s) > 0 {
		e := s.pop()
		seen[e.num] = true
		if e.due != 7 {
			t.Errorf("message %d is due at %d", e.num, e.due)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d messages of 5", len(seen))
	}
}

// A queue of 100,000 deferred messages shall take less than 100 bytes each. A
// slice that grew has up to a quarter of room to spare, and while it grows
// there are two.
func TestScheduleSize(t *testing.T) {
	if size := unsafe.Sizeof(waiting{}); size > 16 {
		t.Errorf("an entry takes %d bytes", size)
	}
}

func TestNextRetry(t *testing.T) {
	const birth = 1_000_000
	for _, c := range []struct{ age, skip, wait int64 }{
		{0, 10, 100},
		{0, 20, 400},
		{100, 10, 400},   // the second local try: 6:40 after arrival
		{400, 10, 900},   // the third
		{399, 10, 841},   // a second early
		{400, 20, 1600},  // the second remote try
		{1600, 20, 3600}, // the third
		{604800, 10, 619369},
		{-5, 10, 100}, // the clock was set back
	} {
		if got := nextRetry(birth, birth+c.age, c.skip) - birth; got != c.wait {
			t.Errorf("age %d, skip %d: next try at %d, want %d", c.age, c.skip, got, c.wait)
		}
	}
}

func TestSquareRoot(t *testing.T) {
	for _, x := range []int64{0, 1, 2, 3, 4, 8, 9, 15, 16, 17, 65535, 65536, 1 << 31, 1<<32 - 1} {
		if r := squareRoot(x); r*r > x || (r+1)*(r+1) <= x {
			t.Errorf("squareRoot(%d) = %d", x, r)
		}
	}
	if r := squareRoot(1 << 40); r != 65535 {
		t.Errorf("squareRoot(1<<40) = %d", r)
	}
}

// TestTurns: new messages and deferred ones take turns, starting with the one
// that is due longer.
func TestTurns(t *testing.T) {
	ch := &channel{}
	for i := range 3 {
		ch.again.add(waiting{queue.Num(i), 10})
		ch.fresh.add(waiting{queue.Num(100 + i), 20})
	}
	var got []queue.Num
	for s := ch.next(30); s != nil; s = ch.next(30) {
		got = append(got, s.pop().num/100)
		ch.turn = s == &ch.again
	}
	if want := []queue.Num{0, 1, 0, 1, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	ch.again.add(waiting{1, 40})
	if ch.next(39) != nil || ch.next(40) != &ch.again {
		t.Error("a message is tried when it is not due, or not when it is")
	}
}
