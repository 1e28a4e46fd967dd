package main

import (
	"slices"
	"strconv"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/imap"
	"goqmail/lib/search"
)

// search is SEARCH and UID SEARCH (RFC 9051 section 6.4.4).
func (c *conn) search() error {
	c.r.Space()
	word, options := "", searchOptions{}
	if b := c.r.Peek() | 0x20; 'a' <= b && b <= 'z' {
		word = c.r.Keyword()
	}
	if word == "RETURN" {
		options = c.searchOptions()
		word = ""
		if b := c.r.Peek() | 0x20; 'a' <= b && b <= 'z' {
			word = c.r.Keyword()
		}
	}
	p := c.searchParser()
	query := p.Keys(word)
	if err := c.args(); err != nil {
		return err
	}
	seqs, err := c.find(p, query, options)
	if err != nil {
		return err
	}
	if options.save {
		c.sel.saved = c.numbersToUIDs(options.kept(seqs))
	}
	if options.given || c.rev2 {
		c.esearch(options, seqs, query.ModSeq)
	} else {
		c.untagged("SEARCH", seqs, query.ModSeq)
	}
	return nil
}

// searchOptions are what a SEARCH wants to be told (RFC 4731, RFC 5182).
type searchOptions struct {
	given                      bool // there is a RETURN, so that it is told by ESEARCH
	min, max, count, all, save bool
}

// searchOptions reads what follows RETURN.
func (c *conn) searchOptions() searchOptions {
	o := searchOptions{given: true}
	c.r.Space()
	c.r.List(func() {
		switch c.r.Keyword() {
		case "MIN":
			o.min = true
		case "MAX":
			o.max = true
		case "COUNT":
			o.count = true
		case "ALL":
			o.all = true
		case "SAVE":
			o.save = true
		default:
			c.r.Fail(imap.Syntax("Invalid Search return option"))
		}
	})
	c.r.Space()
	if !o.min && !o.max && !o.count && !o.save {
		o.all = true
	}
	return o
}

// kept returns what of a result SAVE is for (RFC 5182 section 2.4).
func (o searchOptions) kept(seqs []int) (kept []int) {
	if len(seqs) == 0 || o.all || o.count || !o.min && !o.max {
		return seqs
	}
	if o.min {
		kept = append(kept, seqs[0])
	}
	if o.max && (!o.min || len(seqs) > 1) {
		kept = append(kept, seqs[len(seqs)-1])
	}
	return kept
}

func (c *conn) searchParser() *search.Parser {
	return &search.Parser{R: c.r, View: c.sel.view, Saved: c.sel.saved, Recent: c.sel.isRecent, Now: time.Now(), UTF8: c.utf8 && !c.rev2}
}

// find finds what a search asks for. When it fails there is no saved result any more.
func (c *conn) find(p *search.Parser, query search.Query, o searchOptions) ([]int, error) {
	if o.save {
		c.sel.saved = nil
	}
	if p.BadCharset {
		return nil, no("BADCHARSET (US-ASCII UTF-8)", "Unsupported character set")
	}
	if query.ModSeq {
		c.condstore = true
	}
	s := search.Search{Box: c.sel.box, View: c.sel.view, Query: query, Stop: func() error {
		if c.srv.ending.Load() {
			return no("UNAVAILABLE", "Server is shutting down")
		}
		return nil
	}}
	return s.Find()
}

// number is how the command that runs names a message.
func (c *conn) number(seq int) uint32 {
	if c.uid() {
		return c.sel.view.At(seq).UID
	}
	return uint32(seq)
}

// numbersToUIDs makes a set of messages for later use.
func (c *conn) numbersToUIDs(seqs []int) (set goimap.UIDSet) {
	seqs = slices.Sorted(slices.Values(seqs))
	for i := 0; i < len(seqs); {
		j := i
		for j+1 < len(seqs) && seqs[j+1] == seqs[j]+1 {
			j++
		}
		set = append(set, goimap.UIDRange{Start: goimap.UID(c.sel.view.At(seqs[i]).UID), Stop: goimap.UID(c.sel.view.At(seqs[j]).UID)})
		i = j + 1
	}
	return set
}

// untagged sends a result as a list of numbers.
func (c *conn) untagged(name string, seqs []int, modseq bool) {
	b := append(make([]byte, 0, 8*len(seqs)+64), "* "+name...)
	for _, seq := range seqs {
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(c.number(seq)), 10)
	}
	if modseq && len(seqs) > 0 {
		b = append(b, " (MODSEQ "...)
		b = strconv.AppendInt(b, c.highest(seqs), 10)
		b = append(b, ')')
	}
	c.w.Write(append(b, "\r\n"...))
}

// esearch sends a result as ESEARCH (RFC 4731; for SORT, RFC 5267 section 3).
func (c *conn) esearch(o searchOptions, seqs []int, modseq bool) {
	if o.save && !o.min && !o.max && !o.count && !o.all {
		return
	}
	b := append([]byte("* ESEARCH (TAG "), imap.AppendString(nil, c.tag)...)
	b = append(b, ')')
	if c.uid() {
		b = append(b, " UID"...)
	}
	var told []int // of which the modification sequence is meant
	if n := len(seqs); n > 0 {
		if o.min {
			b = append(b, " MIN "+utoa(uint64(c.number(seqs[0])))...)
			told = append(told, seqs[0])
		}
		if o.max {
			b = append(b, " MAX "+utoa(uint64(c.number(seqs[n-1])))...)
			told = append(told, seqs[n-1])
		}
		if o.all || !o.given {
			numbers := make([]uint32, n)
			for i, seq := range seqs {
				numbers[i] = c.number(seq)
			}
			b = append(b, " ALL "+compact(numbers)...)
		}
		if o.all || o.count || !o.given {
			told = seqs
		}
	}
	if o.count {
		b = append(b, " COUNT "+strconv.Itoa(len(seqs))...)
	}
	if modseq && len(told) > 0 {
		b = append(b, " MODSEQ "...)
		b = strconv.AppendInt(b, c.highest(told), 10)
	}
	c.w.Write(append(b, "\r\n"...))
}

// highest returns the highest modification sequence of messages.
func (c *conn) highest(seqs []int) (modseq int64) {
	for _, seq := range seqs {
		modseq = max(modseq, c.sel.view.At(seq).ModSeq)
	}
	return modseq
}
