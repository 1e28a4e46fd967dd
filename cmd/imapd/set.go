package main

import (
	"slices"
	"strconv"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/imap"
)

// set reads a set of messages: of sequence numbers, or of UIDs for UID commands. $ is
// the result of the last SEARCH with SAVE (RFC 5182).
func (c *conn) set() goimap.SeqSet {
	if c.r.Accept('$') {
		return nil
	}
	return c.r.SeqSet()
}

// ranges returns the sequence numbers of the messages in a set, in ascending order and
// without overlap. A number that no message has is an error, a UID is not.
func (c *conn) ranges(set goimap.SeqSet) (ranges [][2]int, err error) {
	v := c.sel.view
	if set == nil {
		for _, r := range c.sel.saved {
			ranges = append(ranges, [2]int{v.Seek(uint32(r.Start)), v.Seek(uint32(r.Stop)+1) - 1})
		}
	}
	for _, r := range set {
		first, last := c.bounds(r)
		if c.uid() {
			ranges = append(ranges, [2]int{v.Seek(first), v.Seek(last+1) - 1})
			if last == 1<<32-1 {
				ranges[len(ranges)-1][1] = v.Len()
			}
			continue
		}
		if int64(last) > int64(v.Len()) || first == 0 {
			return nil, imap.Syntax("Invalid sequence number")
		}
		ranges = append(ranges, [2]int{int(first), int(last)})
	}
	slices.SortFunc(ranges, func(a, b [2]int) int { return a[0] - b[0] })
	joined := ranges[:0]
	for _, r := range ranges {
		switch n := len(joined); {
		case r[0] > r[1]:
		case n > 0 && r[0] <= joined[n-1][1]+1:
			joined[n-1][1] = max(joined[n-1][1], r[1])
		default:
			joined = append(joined, r)
		}
	}
	return joined, nil
}

// bounds returns the lower and the higher number of a range, with * as the last message.
func (c *conn) bounds(r goimap.SeqRange) (first, last uint32) {
	v := c.sel.view
	star := uint32(v.Len())
	if c.uid() && v.Len() > 0 {
		star = v.At(v.Len()).UID
	}
	first, last = r.Start, r.Stop
	if first == 0 {
		first = star
	}
	if last == 0 {
		last = star
	}
	return min(first, last), max(first, last)
}

// uids returns the UIDs of messages, as a set for the store. Between the UIDs of a
// range there are none that the client does not know.
func (c *conn) uids(ranges [][2]int) goimap.UIDSet {
	var set goimap.UIDSet
	for _, r := range ranges {
		set = append(set, goimap.UIDRange{Start: goimap.UID(c.sel.view.At(r[0]).UID), Stop: goimap.UID(c.sel.view.At(r[1]).UID)})
	}
	return set
}

// compact writes numbers, which ascend, as a set.
func compact(numbers []uint32) string {
	var b []byte
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(numbers[i]), 10)
		if j > i {
			b = append(b, ':')
			b = strconv.AppendUint(b, uint64(numbers[j]), 10)
		}
		i = j + 1
	}
	return string(b)
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
