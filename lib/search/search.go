// Package search finds messages: it reads the keys of SEARCH (RFC 9051 section 6.4.4)
// and tells which messages they match.
//
// What the list of messages has (flags, sizes, dates, numbers) is looked at first, then
// what the index has of headers, and only messages about which that leaves doubt are
// opened.
package search

import (
	"errors"
	"io/fs"
	"slices"
	"sync"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/digest"
	"goqmail/lib/mailstore"
)

// Key is what messages are looked for by. Its zero value matches all.
type Key struct {
	op   op
	keys []*Key // of and, or and not
	cost op     // the dearest of what it is made of

	view   func(seq int, m *mailstore.Message) bool
	header func(h *header) bool
	id     string // EMAILID
	needle int    // which one of the search
}

// onView returns a key that the view tells.
func onView(f func(seq int, m *mailstore.Message) bool) *Key {
	return &Key{op: byView, cost: byView, view: f}
}

// onHeader returns a key that the header tells.
func onHeader(f func(h *header) bool) *Key { return &Key{op: byHeader, cost: byHeader, header: f} }

// op is what a key is, in the order of what it costs.
type op int

const (
	and      op = iota // without keys it matches all
	or                 // without keys none
	not                // has one key
	byView             // is known from the view
	byHeader           // from the header
	byID               // from the index
	byText             // from the text; the header is tried first
)

// answer is what is known of a message.
type answer int

const (
	no answer = iota
	unknown
	yes
)

func known(match bool) answer {
	if match {
		return yes
	}
	return no
}

// candidate is a message and what is known of it so far.
type candidate struct {
	seq    int
	m      *mailstore.Message
	header *header // nil: not yet
	id     string
	found  []bool // which needles are in the text; nil: not known yet
	parts  []byte
}

func (k *Key) match(c *candidate) answer {
	switch k.op {
	case and:
		all := yes
		for _, key := range k.keys {
			if all = min(all, key.match(c)); all == no {
				break
			}
		}
		return all
	case or:
		any := no
		for _, key := range k.keys {
			if any = max(any, key.match(c)); any == yes {
				break
			}
		}
		return any
	case not:
		return yes - k.keys[0].match(c)
	case byView:
		return known(k.view(c.seq, c.m))
	}
	switch {
	case c.header == nil:
		return unknown
	case k.op == byID:
		return known(c.id == k.id)
	case k.header != nil && k.header(c.header):
		return yes
	case k.op == byHeader:
		return no
	case c.found == nil:
		return unknown
	}
	return known(c.found[k.needle])
}

// with joins two keys; those of a kind become one, so that long chains are not deep.
func (k *Key) with(o *Key, how op) *Key {
	if k.op != how || len(k.keys) == 0 {
		k = &Key{op: how, keys: []*Key{k}, cost: k.cost}
	}
	if o.op == how {
		k.keys = append(k.keys, o.keys...)
	} else {
		k.keys = append(k.keys, o)
	}
	k.cost = max(k.cost, o.cost)
	return k
}

// sorted puts what costs less first, all the way down.
func (k *Key) sorted() {
	slices.SortStableFunc(k.keys, func(a, b *Key) int { return int(a.cost) - int(b.cost) })
	for _, key := range k.keys {
		key.sorted()
	}
}

// Search is a search in a mailbox.
type Search struct {
	Box  *mailstore.Mailbox
	View *mailstore.View
	Stop func() error // is asked now and then; an error ends the search
	Query
}

// Query is what a Parser has read.
type Query struct {
	Key     *Key
	ModSeq  bool     // it asks for modification sequences
	ids     bool     // or for EMAILID
	needles [][]byte // what is looked for in texts
}

// Find returns the sequence numbers of the messages that match, in ascending order.
// Messages that are no longer there match only what can be told without them.
func (s *Search) Find() (seqs []int, err error) {
	var doubtful []int
	c := candidate{}
	for seq, m := range s.View.All() {
		if seq%pause == 0 {
			if err := s.Stop(); err != nil {
				return nil, err
			}
		}
		c.seq, c.m = seq, m
		switch s.Key.match(&c) {
		case yes:
			seqs = append(seqs, seq)
		case unknown:
			doubtful = append(doubtful, seq)
		}
	}
	for len(doubtful) > 0 {
		if err := s.Stop(); err != nil {
			return nil, err
		}
		var found []int
		var open []*candidate
		if found, open, doubtful, err = s.headers(doubtful); err != nil {
			return nil, err
		}
		seqs = append(seqs, found...)
		if found, err = s.texts(open); err != nil {
			return nil, err
		}
		seqs = append(seqs, found...)
	}
	slices.Sort(seqs)
	return seqs, nil
}

const (
	batch  = 512     // messages whose texts are looked at before more headers are read,
	heavy  = 4 << 20 // or bytes of headers
	pause  = 8192    // messages until it is asked whether to stop
	gap    = 64      // messages that are read for nothing rather than asking anew
	opened = 4       // messages at once
)

var errFull = errors.New("batch is full")

// headers goes through messages by what the index has of them, until it is time for a
// pause or there are enough that have to be opened. rest are those that it leaves.
func (s *Search) headers(seqs []int) (found []int, open []*candidate, rest []int, err error) {
	columns := []mailstore.Column{mailstore.Header}
	if s.ids {
		columns = append(columns, mailstore.ID)
	}
	if len(s.needles) > 0 {
		columns = append(columns, mailstore.Parts)
	}
	h := &header{}
	size, next, end := 0, 0, min(len(seqs), pause)
	err = s.Box.Columns(s.uids(seqs[:end]), columns, func(uid uint32, values [][]byte) error {
		for next < end && s.View.At(seqs[next]).UID < uid {
			next++
		}
		if next == end || s.View.At(seqs[next]).UID != uid {
			return nil
		}
		h.reset(values[0])
		c := candidate{seq: seqs[next], m: s.View.At(seqs[next]), header: h}
		if s.ids {
			c.id = string(values[1])
		}
		next++
		switch s.Key.match(&c) {
		case yes:
			found = append(found, c.seq)
		case unknown:
			c.header = &header{raw: slices.Clone(values[0]), whole: h.whole}
			c.parts = slices.Clone(values[len(values)-1])
			size += len(c.header.raw) + len(c.parts)
			open = append(open, &c)
		}
		if len(open) == batch || size > heavy {
			return errFull
		}
		return nil
	})
	if errors.Is(err, errFull) {
		return found, open, seqs[next:], nil
	}
	return found, open, seqs[end:], err
}

// uids makes a set of messages, and some between them if that makes it shorter.
func (s *Search) uids(seqs []int) (set imap.UIDSet) {
	for i := 0; i < len(seqs); {
		first := seqs[i]
		for i++; i < len(seqs) && seqs[i]-seqs[i-1] <= gap; i++ {
		}
		set = append(set, imap.UIDRange{Start: imap.UID(s.View.At(first).UID), Stop: imap.UID(s.View.At(seqs[i-1]).UID)})
	}
	return set
}

// texts opens messages, some at once, and looks into them.
func (s *Search) texts(open []*candidate) (found []int, err error) {
	results := make([]answer, len(open))
	errs := make([]error, opened)
	var all sync.WaitGroup
	for worker := range opened {
		all.Go(func() {
			f := &finder{needles: s.needles}
			for i := worker; i < len(open); i += opened {
				if results[i], errs[worker] = s.text(f, open[i]); errs[worker] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	for i, result := range results {
		if result == yes {
			found = append(found, open[i].seq)
		}
	}
	return found, errors.Join(errs...)
}

// text opens a message and looks into it. One that is gone does not match.
func (s *Search) text(f *finder, c *candidate) (answer, error) {
	file, err := s.Box.Open(c.m.UID)
	if errors.Is(err, fs.ErrNotExist) {
		return no, nil
	}
	if err != nil {
		return no, err
	}
	defer file.Close()
	root, err := digest.ParseParts(c.parts)
	if err != nil {
		return no, err
	}
	if c.found, err = f.find(file, root); err != nil {
		return no, err
	}
	return s.Key.match(c), nil
}
