package main

import (
	"slices"
	"time"
)

// slot is what happened in a minute or an hour.
type slot struct {
	Start   time.Time
	New     uint64
	Results [results]uint64
	Reasons map[string]uint64 `json:",omitempty"` // as in counters
}

func (s *slot) end(result int, why string) {
	s.Results[result]++
	if why == "" {
		return
	}
	if s.Reasons == nil {
		s.Reasons = map[string]uint64{}
	}
	s.Reasons[why]++ // one of those that counters know, so few
}

// slots are the last Most slots of a length in which something happened, in order.
type slots struct {
	Length time.Duration
	Most   int
	Slots  []*slot
}

// at is the slot for a time, nil if that is too long ago. A time that has not come yet
// is a wrong clock's: now.
func (s *slots) at(t, now time.Time) *slot {
	if t.After(now) {
		t = now
	}
	start := t.Truncate(s.Length).UTC()
	if start.Before(s.first(now)) {
		return nil
	}
	i, found := slices.BinarySearchFunc(s.Slots, start, func(a *slot, t time.Time) int { return a.Start.Compare(t) })
	if !found {
		s.Slots = slices.Insert(s.Slots, i, &slot{Start: start})
		s.Slots = slices.DeleteFunc(s.Slots, func(a *slot) bool { return a.Start.Before(s.first(now)) })
		s.Slots = s.Slots[max(0, len(s.Slots)-s.Most):] // a clock set back leaves some too many
		return s.at(t, now)
	}
	return s.Slots[i]
}

// first is where the first slot starts that still counts.
func (s *slots) first(now time.Time) time.Time {
	return now.Truncate(s.Length).Add(-time.Duration(s.Most-1) * s.Length).UTC()
}

// all lists the slots up to now, the empty ones, too.
func (s *slots) all(now time.Time) []*slot {
	list := make([]*slot, s.Most)
	for i := range list {
		list[i] = &slot{Start: s.first(now).Add(time.Duration(i) * s.Length)}
	}
	for _, one := range s.Slots {
		if i := int(one.Start.Sub(list[0].Start) / s.Length); one.Start.Compare(list[0].Start) >= 0 && i < len(list) {
			list[i] = one
		}
	}
	return list
}

// histogram counts times by how long they are.
type histogram struct {
	Buckets [len(bounds) + 1]uint64 // each without those below
	Sum     float64                 // seconds
}

// bounds are the longest times of the buckets, in seconds: of a delivery within a
// network and one across the world, of a greylisting and of the retries of a day.
var bounds = [...]float64{0.1, 1, 10, 60, 600, 3600, 21600, 86400}

func (h *histogram) add(d time.Duration) {
	seconds := max(d.Seconds(), 0) // the clock may have been set back
	i := 0
	for i < len(bounds) && seconds > bounds[i] {
		i++
	}
	h.Buckets[i]++
	h.Sum += seconds
}
