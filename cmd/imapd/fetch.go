package main

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/digest"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// fetch is FETCH and UID FETCH (RFC 9051 section 6.4.5, with the modifiers of RFC 7162).
func (c *conn) fetch() error {
	c.r.Space()
	set := c.set()
	c.r.Space()
	items := c.fetchItems()
	since, vanished := int64(-1), false
	if c.r.Accept(' ') {
		c.r.List(func() {
			switch word := c.r.Keyword(); {
			case word == "CHANGEDSINCE":
				c.r.Space()
				since = int64(c.r.Number64())
			case word == "VANISHED" && c.uid() && c.qresync:
				vanished = true
			default:
				c.r.Fail(imap.Syntax("Invalid Fetch modifier"))
			}
		})
		if vanished && since < 0 {
			c.r.Fail(imap.Syntax("VANISHED without CHANGEDSINCE"))
		}
	}
	if err := c.args(); err != nil {
		return err
	}
	if since >= 0 {
		c.condstore = true
		items = with(items, "MODSEQ")
	}
	if c.uid() {
		items = with(items, "UID")
	}
	ranges, err := c.ranges(set)
	if err != nil {
		return err
	}
	if vanished {
		if err := c.vanished(c.wanted(set), since); err != nil {
			return err
		}
	}
	f := fetcher{c: c, items: items, since: since}
	if f.seen, err = c.setSeen(ranges, items, since); err != nil {
		return err
	}
	asked := slices.ContainsFunc(items, func(i item) bool { return i.kind == itemFlags })
	f.tellsFlags = len(f.seen) > 0 && !asked
	if c.condstore && (asked || f.tellsFlags) {
		f.items = with(items, "MODSEQ")
	}
	for _, i := range f.items {
		if column := i.column(); column != "" && !slices.Contains(f.columns, column) {
			f.columns = append(f.columns, column)
		}
	}
	defer f.close()
	for _, r := range ranges {
		if err := f.run(r[0], r[1]); err != nil {
			return err
		}
	}
	if f.missing {
		return no("EXPUNGEISSUED", "Some of the requested messages no longer exist")
	}
	return nil
}

// with returns the items with another one, at the front unless it is there.
func with(items []item, name string) []item {
	if slices.ContainsFunc(items, func(i item) bool { return i.name == name }) {
		return items
	}
	i, _ := simpleItem(name)
	return append([]item{i}, items...)
}

// setSeen sets \Seen of the messages that are about to be read, and returns which did
// not have it.
func (c *conn) setSeen(ranges [][2]int, items []item, since int64) (unseen goimap.UIDSet, err error) {
	s := c.sel
	if s.readOnly || !s.rights.Has(acl.Seen) || !slices.ContainsFunc(items, func(i item) bool { return !i.peek }) {
		return nil, nil
	}
	for _, r := range ranges {
		for _, m := range s.view.Range(r[0], r[1]) {
			if m.Flags&mailstore.Seen == 0 && m.ModSeq > since {
				unseen.AddNum(goimap.UID(m.UID))
			}
		}
	}
	if len(unseen) == 0 {
		return nil, nil
	}
	_, err = s.box.Change(unseen, mailstore.Change{
		Op: goimap.StoreFlagsAdd, Names: []string{`\Seen`}, Within: mailstore.Seen, UnchangedSince: -1, User: s.seenBy,
	})
	if err != nil {
		return nil, err
	}
	now, err := s.look()
	if err != nil {
		return nil, err
	}
	var changed []mailstore.Message
	for _, r := range unseen {
		for _, m := range now.Range(now.Seek(uint32(r.Start)), now.Seek(uint32(r.Stop)+1)-1) {
			changed = append(changed, *m)
		}
	}
	s.knows(now, changed)
	c.newKeywords()
	return unseen, nil
}

// fetcher answers one FETCH.
type fetcher struct {
	c       *conn
	items   []item
	columns []mailstore.Column
	since   int64 // only messages with a higher modification sequence
	missing bool  // a message was expunged by others

	seen       goimap.UIDSet // messages that this FETCH makes seen
	tellsFlags bool          // their flags are told, though not asked for

	b       []byte
	message *os.File // that is answered for, if it was opened
	sources []source // literals that are in it, in the order of their places in b
}

// maxBuffered is how many bytes are gathered from the index before they are sent. While
// they are, no client can hold up the index by reading slowly.
const maxBuffered = 256 << 10

// maxResponse is how many bytes of the index are gathered for one message, before the
// last item: whoever asks for the same thing a thousand times does not get it.
const maxResponse = 4 << 20

var errFull = errors.New("buffer is full")

// run answers for the messages with sequence numbers from first to last.
func (f *fetcher) run(first, last int) error {
	v := f.c.sel.view
	if len(f.columns) == 0 {
		for seq, m := range v.Range(first, last) {
			if m.ModSeq <= f.since {
				continue
			}
			if err := f.answer(seq, m, nil); err != nil {
				return err
			}
			if len(f.b) > maxBuffered || len(f.sources) > 0 {
				if err := f.flush(); err != nil {
					return err
				}
			}
		}
		return f.flush()
	}
	for seq := first; seq <= last; {
		uids := goimap.UIDSet{{Start: goimap.UID(v.At(seq).UID), Stop: goimap.UID(v.At(last).UID)}}
		err := f.c.sel.box.Columns(uids, f.columns, func(uid uint32, values [][]byte) error {
			for seq <= last && v.At(seq).UID < uid {
				seq++
				f.missing = true
			}
			if seq > last || v.At(seq).UID != uid {
				return nil
			}
			m := v.At(seq)
			seq++
			if m.ModSeq <= f.since {
				return nil
			}
			if err := f.answer(seq-1, m, values); err != nil {
				return err
			}
			if len(f.b) > maxBuffered || len(f.sources) > 0 {
				return errFull
			}
			return nil
		})
		if err != nil && !errors.Is(err, errFull) {
			return err
		}
		if err == nil && seq <= last { // those at the end are gone
			seq, f.missing = last+1, true
		}
		if err := f.flush(); err != nil {
			return err
		}
	}
	return nil
}

// answer appends the response for a message, nothing if it was expunged by others.
func (f *fetcher) answer(seq int, m *mailstore.Message, values [][]byte) error {
	before := len(f.b)
	err := f.response(seq, m, values)
	if errors.Is(err, fs.ErrNotExist) {
		f.b, f.sources, f.missing = f.b[:before], nil, true
		err = nil
	}
	if len(f.sources) == 0 {
		f.close()
	}
	return err
}

func (f *fetcher) response(seq int, m *mailstore.Message, values [][]byte) error {
	start := len(f.b)
	b := append(f.b, "* "...)
	b = strconv.AppendInt(b, int64(seq), 10)
	b = append(b, " FETCH ("...)
	var parts *digest.Part
	for i, it := range f.items {
		if len(b)-start > maxResponse {
			return no("LIMIT", "Too much is asked for at once")
		}
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, it.name...)
		b = append(b, ' ')
		var value []byte
		if column := it.column(); column != "" {
			value = values[slices.Index(f.columns, column)]
			if column == mailstore.Parts && parts == nil {
				var err error
				if parts, err = digest.ParseParts(value); err != nil {
					return err
				}
			}
		}
		switch it.kind {
		case itemUID:
			b = strconv.AppendUint(b, uint64(m.UID), 10)
		case itemFlags:
			b = append(b, '(')
			b = append(b, strings.Join(f.c.flags(m), " ")...)
			b = append(b, ')')
		case itemInternalDate:
			b = append(b, '"')
			b = time.Unix(m.Date, 0).AppendFormat(b, "_2-Jan-2006 15:04:05 -0700")
			b = append(b, '"')
		case itemSize:
			b = strconv.AppendUint(b, uint64(m.Size), 10)
		case itemModSeq:
			b = append(b, '(')
			b = strconv.AppendInt(b, m.ModSeq, 10)
			b = append(b, ')')
		case itemEmailID:
			b = append(b, '(')
			b = append(b, hex.EncodeToString(value)...)
			b = append(b, ')')
		case itemThreadID:
			b = append(b, "NIL"...)
		case itemEnvelope, itemBodyStructure:
			b = append(b, value...)
		case itemBody:
			b = parts.AppendBody(b, false)
		case itemSection:
			f.b = b
			if err := f.section(it, m, parts, value); err != nil {
				return err
			}
			b = f.b
		case itemBinary, itemBinarySize:
			f.b = b
			if err := f.binary(it, m, parts); err != nil {
				return err
			}
			b = f.b
		}
	}
	if f.tellsFlags && f.seen.Contains(goimap.UID(m.UID)) {
		b = append(b, " FLAGS ("...)
		b = append(b, strings.Join(f.c.flags(m), " ")...)
		b = append(b, ')')
	}
	f.b = append(b, ")\r\n"...)
	return nil
}
