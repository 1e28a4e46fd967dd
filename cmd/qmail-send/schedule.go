package main

import "goqmail/lib/queue"

// waiting is an entry of a schedule: a message and when to look at it next. A
// queue may hold a great many, so an entry is two words, and nothing else is
// kept of a message that waits.
type waiting struct {
	num queue.Num
	due int64 // seconds since 1970
}

// schedule is a heap of entries, the earliest first.
type schedule []waiting

// add puts an entry in.
func (s *schedule) add(e waiting) {
	*s = append(*s, e)
	s.up(len(*s) - 1)
}

// up moves an entry towards the front, to where it belongs.
func (s schedule) up(i int) {
	e := s[i]
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].due <= e.due {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = e
}

// due tells whether there is an entry for now or earlier.
func (s schedule) due(now int64) bool { return len(s) > 0 && s[0].due <= now }

// earlier is the time of the earliest entry if that is before t, else t.
func (s schedule) earlier(t int64) int64 {
	if len(s) > 0 {
		t = min(t, s[0].due)
	}
	return t
}

// pop takes the earliest entry out. There must be one.
func (s *schedule) pop() waiting {
	h := *s
	top, n := h[0], len(h)-1
	last := h[n]
	h = h[:n]
	for i := 0; n > 0; {
		child := 2*i + 1
		if child+1 < n && h[child+1].due < h[child].due {
			child++
		}
		if child >= n || last.due <= h[child].due {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	*s = h
	return top
}

// hurry makes all entries due now.
func (s schedule) hurry(now int64) {
	for i := range s {
		s[i].due = now
	}
}

// hurryThese makes the entries of some messages due now. An entry that moves up
// trades places with ones that were looked at before.
func (s schedule) hurryThese(these map[queue.Num]bool, now int64) {
	for i := range s {
		if these[s[i].num] && s[i].due > now {
			s[i].due = now
			s.up(i)
		}
	}
}

// nextRetry is when to try a message again that arrived at birth: tries lie
// where the square root of the age grows by skip, so a message is tried often
// when it is young, and then less and less.
func nextRetry(birth, now, skip int64) int64 {
	n := skip
	if birth < now {
		n += squareRoot(now - birth)
	}
	return birth + n*n
}

// squareRoot is the largest number whose square is at most x. Ages above 136
// years count as 136 years.
func squareRoot(x int64) int64 {
	var root int64
	for bit := int64(1) << 15; bit > 0; bit >>= 1 {
		if (root+bit)*(root+bit) <= x {
			root += bit
		}
	}
	return root
}
