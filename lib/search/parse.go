package search

import (
	"encoding/hex"
	"io"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-message/charset"

	"goqmail/lib/casemap"
	imaplib "goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// Parser reads what a client looks for.
type Parser struct {
	R      *imaplib.Reader
	View   *mailstore.View
	Saved  imap.UIDSet // $ (RFC 5182)
	Recent func(uid uint32) bool
	Now    time.Time
	UTF8   bool // no charset may be named (RFC 6855 section 3)

	BadCharset bool // the charset is not known, and no message is to be looked for

	query   Query
	charset string
	count   int      // keys
	fields  []string // whose names were asked for
}

// What a search may have. No client has a use for more, and each key may cost some time
// for each message.
const (
	maxKeys   = 20000
	maxDepth  = 10000
	maxTexts  = 500 // keys for which messages are opened
	maxFields = 100 // fields of the header
)

// Charset takes the name of a charset; the texts of keys are in it.
func (p *Parser) Charset() {
	p.charset = p.R.Astring()
	if !ascii(p.charset) {
		_, err := charset.Reader(p.charset, strings.NewReader(""))
		p.BadCharset = err != nil
	}
}

// ascii tells whether texts in a charset can be taken as they are.
func ascii(name string) bool {
	return name == "" || strings.EqualFold(name, "US-ASCII") || strings.EqualFold(name, "UTF-8")
}

// Keys takes keys, of which there is one at least, up to the end of the command. first
// is a word that was taken already, "" for none; it may be CHARSET.
func (p *Parser) Keys(first string) Query {
	if first == "CHARSET" {
		if p.UTF8 {
			p.R.Fail(imaplib.Syntax("CHARSET after UTF8=ACCEPT"))
		}
		p.R.Space()
		p.Charset()
		p.R.Space()
		first = ""
	}
	if first == "" {
		p.query.Key = p.key(0)
	} else {
		p.query.Key = p.word(first, 0)
	}
	for p.R.Err() == nil && !p.R.AtEnd() {
		p.R.Space()
		p.query.Key = p.query.Key.with(p.key(0), and)
	}
	if p.R.Err() == nil {
		p.query.Key.sorted()
	}
	return p.query
}

// key takes one key, which stands in depth others.
func (p *Parser) key(depth int) *Key {
	if p.count++; p.count > maxKeys || depth > maxDepth {
		p.R.Fail(imaplib.Syntax("Too many search keys"))
	}
	switch c := p.R.Peek(); {
	case p.R.Err() != nil:
		return &Key{}
	case c == '(':
		var all *Key
		p.R.List(func() {
			if k := p.key(depth + 1); all == nil {
				all = k
			} else {
				all = all.with(k, and)
			}
		})
		if all == nil {
			p.R.Fail(imaplib.Syntax("Invalid Search criteria"))
			return &Key{}
		}
		return all
	case c == '*' || c == '$' || '0' <= c && c <= '9':
		return p.set(false)
	}
	return p.word(p.R.Keyword(), depth)
}

// word takes what follows a key's name.
func (p *Parser) word(name string, depth int) *Key {
	switch name {
	case "ALL":
		return &Key{}
	case "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN":
		return flag(systemFlag(name), true)
	case "UNANSWERED", "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNSEEN":
		return flag(systemFlag(name[2:]), false)
	case "KEYWORD", "UNKEYWORD":
		p.R.Space()
		return flag(p.keyword(p.R.Atom()), name == "KEYWORD")
	case "RECENT", "OLD", "NEW":
		recent := onView(func(_ int, m *mailstore.Message) bool { return p.Recent(m.UID) != (name == "OLD") })
		if name == "NEW" {
			return recent.with(flag(mailstore.Seen, false), and)
		}
		return recent
	case "NOT":
		p.R.Space()
		k := p.key(depth + 1)
		return &Key{op: not, keys: []*Key{k}, cost: k.cost}
	case "OR":
		p.R.Space()
		a := p.key(depth + 1)
		p.R.Space()
		return p.key(depth+1).with(a, or)
	case "UID":
		p.R.Space()
		return p.set(true)
	case "LARGER", "SMALLER":
		p.R.Space()
		n := int64(p.R.Number64())
		return onView(func(_ int, m *mailstore.Message) bool {
			return name == "LARGER" && int64(m.Size) > n || name == "SMALLER" && int64(m.Size) < n
		})
	case "BEFORE", "ON", "SINCE":
		day := p.date()
		return between(span(name, day, func(day int) int64 { return time.Date(1970, 1, 1+day, 0, 0, 0, 0, time.Local).Unix() }))
	case "SENTBEFORE", "SENTON", "SENTSINCE":
		from, to := span(name[len("SENT"):], p.date(), func(day int) int64 { return int64(day) })
		return onHeader(func(h *header) bool {
			day, ok := h.sent()
			return ok && from <= int64(day) && int64(day) < to
		})
	case "OLDER", "YOUNGER": // RFC 5032
		p.R.Space()
		n := int64(p.R.Number())
		if n == 0 {
			p.R.Fail(imaplib.Syntax("Invalid Search interval"))
		}
		then := p.Now.Unix() - n
		if name == "OLDER" {
			return between(math.MinInt64, then+1)
		}
		return between(then, math.MaxInt64)
	case "MODSEQ": // RFC 7162
		return p.modseq()
	case "EMAILID", "THREADID": // RFC 8474
		p.R.Space()
		return p.objectID(name)
	case "FROM", "TO", "CC", "BCC":
		return p.field(strings.ToLower(name), addresses, p.text())
	case "SUBJECT":
		return p.field("subject", words, p.text())
	case "HEADER":
		p.R.Space()
		name := strings.ToLower(p.R.Astring())
		return p.field(name, words, p.text())
	case "BODY", "TEXT":
		text := p.text()
		if len(text) == 0 {
			return &Key{}
		}
		if len(p.query.needles) == maxTexts {
			p.R.Fail(imaplib.Syntax("Too many search keys"))
		}
		k := &Key{op: byText, cost: byText, needle: len(p.query.needles)}
		if name == "TEXT" {
			k.header = func(h *header) bool { return h.anywhere(text) }
		}
		p.query.needles = append(p.query.needles, text)
		return k
	}
	p.R.Fail(imaplib.Syntax("Invalid Search criteria"))
	return &Key{}
}

// field matches messages with a text in a field.
func (p *Parser) field(name string, kind kind, text []byte) *Key {
	if !slices.Contains(p.fields, name) {
		if p.fields = append(p.fields, name); len(p.fields) > maxFields {
			p.R.Fail(imaplib.Syntax("Too many search keys"))
		}
	}
	return onHeader(func(h *header) bool { return h.contains(name, kind, text) })
}

// text takes a text, in the form in which it compares.
func (p *Parser) text() []byte {
	p.R.Space()
	s := p.R.Astring()
	if !ascii(p.charset) && !p.BadCharset {
		r, err := charset.Reader(p.charset, strings.NewReader(s))
		if err == nil {
			var decoded []byte
			decoded, err = io.ReadAll(r)
			s = string(decoded)
		}
		p.BadCharset = err != nil
	}
	return []byte(casemap.String(s))
}

// systemFlag returns the flag that a key such as SEEN is for.
func systemFlag(name string) mailstore.Flags {
	switch name {
	case "ANSWERED":
		return mailstore.Answered
	case "DELETED":
		return mailstore.Deleted
	case "DRAFT":
		return mailstore.Draft
	case "FLAGGED":
		return mailstore.Flagged
	}
	return mailstore.Seen
}

// keyword returns the flag of a keyword, none if no message has it.
func (p *Parser) keyword(name string) mailstore.Flags {
	for i, known := range p.View.Keywords {
		if strings.EqualFold(known, name) {
			return mailstore.Keyword(i)
		}
	}
	return 0
}

// flag matches messages with a flag, or without.
func flag(f mailstore.Flags, set bool) *Key {
	return onView(func(_ int, m *mailstore.Message) bool { return m.Flags&f != 0 == set })
}

// between matches messages that came at from or later, and before to.
func between(from, to int64) *Key {
	return onView(func(_ int, m *mailstore.Message) bool { return from <= m.Date && m.Date < to })
}

// span returns what BEFORE, ON or SINCE a day is, in the unit that start makes of days.
func span(name string, day int, start func(day int) int64) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if name != "BEFORE" {
		from = start(day)
	}
	if name == "BEFORE" {
		to = start(day)
	}
	if name == "ON" {
		to = start(day + 1)
	}
	return from, to
}

// dayOf is the number of a day, 0 for 1 January 1970.
func dayOf(t time.Time) int {
	return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// date takes 1-Feb-1994, maybe in quotes.
func (p *Parser) date() (day int) {
	p.R.Space()
	t, err := time.Parse("2-Jan-2006", p.R.Astring())
	if err != nil {
		p.R.Fail(imaplib.Syntax("Invalid date in Search command"))
	}
	return dayOf(t)
}

// set takes a set of sequence numbers, or of UIDs, or $.
func (p *Parser) set(uids bool) *Key {
	var ranges [][2]int // of sequence numbers, in order
	add := func(first, last uint32) {
		r := [2]int{p.View.Seek(first), p.View.Len()}
		if last < math.MaxUint32 {
			r[1] = p.View.Seek(last+1) - 1
		}
		ranges = append(ranges, r)
	}
	last := uint32(p.View.Len())
	if uids && last > 0 {
		last = p.View.At(int(last)).UID
	}
	if p.R.Accept('$') {
		for _, r := range p.Saved {
			add(uint32(r.Start), uint32(r.Stop))
		}
	} else {
		for _, r := range p.R.SeqSet() {
			for _, n := range []*uint32{&r.Start, &r.Stop} {
				if *n == 0 {
					*n = last
				}
			}
			if r.Start, r.Stop = min(r.Start, r.Stop), max(r.Start, r.Stop); r.Stop == 0 {
				continue // * of an empty mailbox
			}
			if uids {
				add(r.Start, r.Stop)
			} else {
				ranges = append(ranges, [2]int{int(r.Start), int(r.Stop)})
			}
		}
	}
	ranges = joined(ranges)
	return onView(func(seq int, _ *mailstore.Message) bool {
		i := sort.Search(len(ranges), func(i int) bool { return ranges[i][1] >= seq })
		return i < len(ranges) && ranges[i][0] <= seq
	})
}

// joined puts ranges in order and joins those that overlap.
func joined(ranges [][2]int) (apart [][2]int) {
	sort.Slice(ranges, func(i, j int) bool { return ranges[i][0] < ranges[j][0] })
	for _, r := range ranges {
		if n := len(apart); n > 0 && r[0] <= apart[n-1][1] {
			apart[n-1][1] = max(apart[n-1][1], r[1])
		} else {
			apart = append(apart, r)
		}
	}
	return apart
}

// modseq takes the arguments of MODSEQ. All of a message has one modification sequence,
// so the name of an entry, if there is one, makes no difference.
func (p *Parser) modseq() *Key {
	p.R.Space()
	if p.R.Peek() == '"' {
		if entry := p.R.String(); !strings.HasPrefix(strings.ToLower(entry), "/flags/") {
			p.R.Fail(imaplib.Syntax("Invalid MODSEQ entry"))
		}
		p.R.Space()
		switch p.R.Keyword() {
		case "PRIV", "SHARED", "ALL":
		default:
			p.R.Fail(imaplib.Syntax("Invalid MODSEQ entry type"))
		}
		p.R.Space()
	}
	n := int64(p.R.Number64())
	p.query.ModSeq = true
	return onView(func(_ int, m *mailstore.Message) bool { return m.ModSeq >= n })
}

// objectID takes the identifier of a message; threads have none here.
func (p *Parser) objectID(name string) *Key {
	text := p.R.Astring()
	b, err := hex.DecodeString(text)
	if name != "EMAILID" || err != nil || strings.ToLower(text) != text {
		return &Key{op: or}
	}
	p.query.ids = true
	return &Key{op: byID, cost: byID, id: string(b)}
}
