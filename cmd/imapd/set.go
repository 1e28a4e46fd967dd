package main

import (
	"cmp"
	"slices"
	"strconv"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/imap"
)

// set reads a set of messages: of sequence numbers, or of UIDs for UID commands. It is
// nil for $, the result of the last SEARCH with SAVE (RFC 5182).
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
	if set == nil || c.uid() {
		for _, r := range c.wanted(set) {
			first, last := v.Seek(uint32(r.Start)), v.Len()
			if r.Stop < 1<<32-1 {
				last = v.Seek(uint32(r.Stop)+1) - 1
			}
			if first <= last {
				ranges = append(ranges, [2]int{first, last})
			}
		}
		return ranges, nil
	}
	for _, r := range joined(set, uint32(v.Len())) {
		if r.Start == 0 { // an empty mailbox has no last message
			continue
		}
		if int64(r.Stop) > int64(v.Len()) {
			return nil, imap.Syntax("Invalid sequence number")
		}
		ranges = append(ranges, [2]int{int(r.Start), int(r.Stop)})
	}
	return ranges, nil
}

// uidSet makes UIDs of the numbers of a set; * is that of the last message.
func (c *conn) uidSet(set goimap.SeqSet) (uids goimap.UIDSet) {
	last := uint32(0)
	if c.sel != nil && c.sel.view.Len() > 0 {
		last = c.sel.view.At(c.sel.view.Len()).UID
	}
	for _, r := range joined(set, last) {
		uids = append(uids, goimap.UIDRange{Start: goimap.UID(r.Start), Stop: goimap.UID(r.Stop)})
	}
	return uids
}

// joined returns a set with its ranges in order and apart, and with a number for *.
func joined(set goimap.SeqSet, last uint32) (ranges goimap.SeqSet) {
	set = slices.Clone(set)
	for i, r := range set {
		if r.Start == 0 {
			r.Start = last
		}
		if r.Stop == 0 {
			r.Stop = last
		}
		set[i] = goimap.SeqRange{Start: min(r.Start, r.Stop), Stop: max(r.Start, r.Stop)}
	}
	slices.SortFunc(set, func(a, b goimap.SeqRange) int { return cmp.Compare(a.Start, b.Start) })
	for _, r := range set {
		if n := len(ranges); n > 0 && uint64(r.Start) <= uint64(ranges[n-1].Stop)+1 {
			ranges[n-1].Stop = max(ranges[n-1].Stop, r.Stop)
		} else {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// wanted returns the UIDs in a set of a UID command, whether there are messages or not.
func (c *conn) wanted(set goimap.SeqSet) goimap.UIDSet {
	if set == nil {
		return c.sel.saved
	}
	return c.uidSet(set)
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
