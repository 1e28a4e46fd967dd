package order

import (
	"cmp"
	"slices"
)

// Criterion is what messages are sorted by.
type Criterion struct {
	By      By
	Reverse bool
}

// By is the key of a Criterion.
type By int

// The keys of RFC 5256 and RFC 5957.
const (
	Arrival By = iota
	Cc
	Date
	From
	Size
	Subject
	To
	DisplayFrom
	DisplayTo
)

// NeedsDisplay tells whether items need their Display.
func (c Criterion) NeedsDisplay() bool { return c.By == DisplayFrom || c.By == DisplayTo }

// NeedsWords tells whether the table has to have more than dates.
func (c Criterion) NeedsWords() bool {
	return c.By == Cc || c.By == From || c.By == Subject || c.By == To
}

// Sort returns the numbers of items, which have ascending UIDs, in their order. What is
// equal stays as it was.
func (t *Table) Sort(items []Item, criteria []Criterion) []uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rank()
	all := t.find(items)
	if slices.ContainsFunc(criteria, Criterion.NeedsDisplay) {
		rankDisplays(all)
	}
	// The first criterion decides mostly, so its values are beside what is sorted.
	type place struct {
		value int64
		i     int32
	}
	places := make([]place, len(all))
	for i := range all {
		places[i] = place{t.value(&all[i], criteria[0]), int32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.value != b.value {
			return cmp.Compare(a.value, b.value)
		}
		for _, c := range criteria[1:] {
			if order := cmp.Compare(t.value(&all[a.i], c), t.value(&all[b.i], c)); order != 0 {
				return order
			}
		}
		return int(a.i) - int(b.i)
	})
	numbers := make([]uint32, len(places))
	for i, p := range places {
		numbers[i] = all[p.i].Number
	}
	return numbers
}

// value is what a message is sorted by.
func (t *Table) value(m *message, c Criterion) (v int64) {
	switch c.By {
	case Arrival:
		v = m.Item.Date
	case Date:
		v = m.sent()
	case Size:
		v = int64(m.Size)
	case Subject:
		v = int64(t.ranks[m.words[subject]])
	case From:
		v = int64(t.ranks[m.words[from]])
	case To:
		v = int64(t.ranks[m.words[to]])
	case Cc:
		v = int64(t.ranks[m.words[cc]])
	case DisplayFrom:
		v = int64(m.display[0])
	case DisplayTo:
		v = int64(m.display[1])
	}
	if c.Reverse {
		return -v
	}
	return v
}

// rankDisplays makes numbers of what messages have as Display.
func rankDisplays(all []message) {
	var words []string
	for i := range all {
		words = append(words, all[i].Display[:]...)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	for i := range all {
		for j, word := range all[i].Display {
			rank, _ := slices.BinarySearch(words, word)
			all[i].display[j] = int32(rank)
		}
	}
}
