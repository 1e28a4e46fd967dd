package mailstore

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// cyrus is what Cyrus kept beside the messages of a mailbox, as far as it can be read:
// the files cyrus.header and cyrus.index of versions 2.2 to 3.x.
type cyrus struct {
	name      string // since 3.6
	quotaRoot string
	id        string
	keywords  []string // "" for a bit that is not in use
	acl       string

	uidValidity, lastUID uint32
	seenInside           bool // \Seen of the owner is in the index; else it is in a file of the user's
	seen                 string
	records              []cyrusRecord // by UID
}

// CyrusName is the name here of a mailbox by its name in Cyrus. With virtual domains that
// is virt.example!user.john there, and user.john@virt^example here. ok is false for one of
// a domain that is nobody's.
func CyrusName(there string) (here string, ok bool) {
	domain, name, virtual := strings.Cut(there, "!")
	if !virtual {
		return there, true
	}
	name, ok = strings.CutPrefix(name, "user.")
	user, below, _ := strings.Cut(name, ".")
	here = "user." + user + "@" + strings.ReplaceAll(domain, ".", "^")
	if below != "" {
		here += "." + below
	}
	return here, ok && user != "" && domain != ""
}

// cyrusRecord is a message in cyrus.index.
type cyrusRecord struct {
	uid    uint32
	size   uint32
	date   int64
	system uint32
	user   [4]uint32
	gone   bool // expunged, though the file may still be there for some days
}

// The magic of cyrus.header.
const cyrusMagic = "\241\002\213\015Cyrus mailbox header\n" +
	"\"The best thing about this system was that it had lots of goals.\"\n\t--Jim Morris on Andrew\n"

// readCyrus reads what Cyrus left in a mailbox's directory. What is missing, or of a
// version that is not known, is left empty: then the messages count alone.
func readCyrus(dir string) *cyrus {
	c := &cyrus{}
	if text, err := os.ReadFile(dir + "/cyrus.header"); err == nil {
		c.header(string(text))
	}
	if f, err := os.Open(dir + "/cyrus.index"); err == nil {
		defer f.Close()
		if c.index(bufio.NewReaderSize(f, 64<<10)) != nil {
			c.uidValidity, c.lastUID, c.records = 0, 0, nil // half of it would pass for the whole
		}
	}
	return c
}

// header reads cyrus.header: after the magic the lines "quotaroot TAB id", names of
// keywords with blanks between, and the ACL; since 3.6 one line with a list of all that.
func (c *cyrus) header(text string) {
	text, ok := strings.CutPrefix(text, cyrusMagic)
	lines := strings.SplitN(text, "\n", 4)
	switch {
	case !ok:
	case strings.HasPrefix(text, "%("):
		c.fields((&dlist{rest: lines[0]}).value(0).list)
	case len(lines) == 4:
		c.quotaRoot, c.id, _ = strings.Cut(lines[0], "\t")
		c.id, _, _ = strings.Cut(c.id, "\t")
		if lines[1] != "" {
			c.keywords = strings.Split(lines[1], " ")
		}
		c.acl = lines[2]
	}
}

// fields takes what the newer form has: a letter for each kind of thing, and the thing.
func (c *cyrus) fields(list []dvalue) {
	for ; len(list) >= 2; list = list[2:] {
		switch thing := list[1]; list[0].text {
		case "N":
			c.name = thing.text
		case "Q":
			c.quotaRoot = thing.text
		case "I":
			c.id = thing.text
		case "U":
			for _, keyword := range thing.list {
				c.keywords = append(c.keywords, keyword.text)
			}
		case "A":
			for all := thing.list; len(all) >= 2; all = all[2:] {
				c.acl += all[0].text + "\t" + all[1].text + "\t"
			}
		}
	}
}

// dvalue is a text or a list.
type dvalue struct {
	text string
	list []dvalue
}

// dlist reads what Cyrus writes as a list: atoms, quoted strings, and lists of them
// in parentheses, which have a % before them if names and values take turns.
type dlist struct{ rest string }

func (d *dlist) value(depth int) (v dvalue) {
	d.rest = strings.TrimLeft(d.rest, " ")
	d.rest = strings.TrimPrefix(d.rest, "%")
	switch {
	case depth > 10 || d.rest == "":
		d.rest = ""
	case d.rest[0] == '(':
		d.rest = d.rest[1:]
		for d.rest = strings.TrimLeft(d.rest, " "); d.rest != "" && d.rest[0] != ')'; d.rest = strings.TrimLeft(d.rest, " ") {
			v.list = append(v.list, d.value(depth+1))
		}
		d.rest = strings.TrimPrefix(d.rest, ")")
	case d.rest[0] == '"':
		i := 1
		for ; i < len(d.rest) && d.rest[i] != '"'; i++ {
			if d.rest[i] == '\\' && i+1 < len(d.rest) {
				i++
			}
			v.text += d.rest[i : i+1]
		}
		d.rest = d.rest[min(i+1, len(d.rest)):]
	default:
		end := strings.IndexAny(d.rest, " ()")
		if end < 0 {
			end = len(d.rest)
		}
		v.text, d.rest = d.rest[:end], d.rest[end:]
		if v.text == "NIL" {
			v.text = ""
		}
	}
	return v
}

// cyrusPlaces is where cyrus.index has what, in 32-bit numbers, most significant byte
// first, unless they are said to be wide.
type cyrusPlaces struct {
	lastUID, uidValidity           int // in its header
	date, size, systemFlags, flags int // in a record
	wide                           bool
}

// places returns the places for a minor version.
func places(version uint32) (p cyrusPlaces, ok bool) {
	switch {
	case 1 <= version && version <= 19:
		return cyrusPlaces{lastUID: 28, uidValidity: 44, date: 4, size: 12, systemFlags: 32, flags: 36}, true
	case version == 20: // dates in nanoseconds
		return cyrusPlaces{lastUID: 88, uidValidity: 92, date: 8, size: 24, systemFlags: 36, flags: 40, wide: true}, true
	}
	return p, false
}

var errCyrus = errors.New("cyrus.index is damaged")

// index reads cyrus.index.
func (c *cyrus) index(r io.Reader) error {
	number := func(b []byte, at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	head := make([]byte, 48)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	version, start, size := number(head, 8), number(head, 12), number(head, 16)
	p, ok := places(version)
	if !ok || start < 76 || start > 4096 || size < uint32(p.flags+16) || size > 4096 {
		return errCyrus
	}
	head = append(head, make([]byte, int(start)-len(head))...)
	if _, err := io.ReadFull(r, head[48:]); err != nil {
		return err
	}
	if p.uidValidity+4 > len(head) {
		return errCyrus
	}
	c.lastUID, c.uidValidity = number(head, p.lastUID), number(head, p.uidValidity)
	c.seenInside = version >= 12
	record := make([]byte, size)
	for {
		switch _, err := io.ReadFull(r, record); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return errCyrus
		}
		m := cyrusRecord{uid: number(record, 0), system: number(record, p.systemFlags)}
		if p.wide {
			m.date, m.size = int64(binary.BigEndian.Uint64(record[p.date:]))/1e9, number(record, p.size+4)
		} else {
			m.date, m.size = int64(number(record, p.date)), number(record, p.size)
		}
		for i := range m.user {
			m.user[i] = number(record, p.flags+4*i)
		}
		const expunged = 1<<31 | 1<<30
		m.gone = m.system&expunged != 0
		if n := len(c.records); m.uid != 0 && (n == 0 || c.records[n-1].uid < m.uid) {
			c.records = append(c.records, m)
		}
	}
}

// record finds a message, nil if the index has none of that UID and size.
func (c *cyrus) record(uid, size uint32) *cyrusRecord {
	i := sort.Search(len(c.records), func(i int) bool { return c.records[i].uid >= uid })
	if i == len(c.records) || c.records[i].uid != uid || c.records[i].size != size {
		return nil
	}
	return &c.records[i]
}

// flags returns the names of a message's flags.
func (c *cyrus) flags(m *cyrusRecord) (names []string) {
	for i, name := range []string{`\Answered`, `\Flagged`, `\Deleted`, `\Draft`} {
		if m.system&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if c.seenInside && m.system&(1<<4) != 0 || !c.seenInside && inSet(c.seen, m.uid) {
		names = append(names, `\Seen`)
	}
	for i, name := range c.keywords {
		if name != "" && i < 128 && m.user[i/32]&(1<<(i%32)) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// inSet tells whether a UID is in a set such as "1:4,7".
func inSet(set string, uid uint32) bool {
	for r := range strings.SplitSeq(set, ",") {
		first, last, ok := strings.Cut(r, ":")
		if !ok {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 32)
		to, err2 := strconv.ParseUint(last, 10, 32)
		if err1 == nil && err2 == nil && from <= uint64(uid) && uint64(uid) <= to {
			return true
		}
	}
	return false
}

// readSeen finds which messages their owner has seen, for versions that keep that in
// CONFIG/user/j/john.seen.
func (c *cyrus) readSeen(l *Layout, mailbox string) {
	user, ok := strings.CutPrefix(mailbox, "user.")
	if user, _, _ = strings.Cut(user, "."); !ok || c.seenInside || c.id == "" {
		return
	}
	for _, name := range []string{user, strings.ReplaceAll(user, "^", ".")} {
		data, err := os.ReadFile(filepath.Join(l.ConfigDir, "user", l.hash("user."+name), name+".seen"))
		if err != nil {
			continue
		}
		// A version, when it was read last, the last UID, when it changed, and the set.
		if fields := strings.Fields(skiplist(data)[c.id]); len(fields) == 5 && fields[0] == "1" {
			c.seen = fields[4]
		}
		return
	}
}

// skiplist reads one of Cyrus's databases of that name: after a header of 48 bytes come
// records, each with its key, its data and pointers up to one that is -1. What was not
// committed does not count.
func skiplist(data []byte) map[string]string {
	const magic = "\241\002\213\015skiplist file\000\000\000"
	if !bytes.HasPrefix(data, []byte(magic)) || len(data) < 48 {
		return nil
	}
	logStart := int(binary.BigEndian.Uint32(data[40:]))
	all, pending := map[string]string{}, []func(){}
	keys := map[int]string{} // by the place of the record
	commit := func() {
		for _, change := range pending {
			change()
		}
		pending = nil
	}
	r := &reader{data: data, at: 48}
	for !r.bad && r.at < len(data) {
		if r.at == logStart {
			commit() // what was there when the file was written as a whole
		}
		at := r.at
		switch r.number() {
		case 1, 2: // a record
			key, value := r.text(), r.text()
			r.pointers()
			if !r.bad {
				keys[at] = key
				pending = append(pending, func() { all[key] = value })
			}
		case 4: // it is deleted again
			key := keys[int(r.number())]
			pending = append(pending, func() { delete(all, key) })
		case 255:
			commit()
		case 257: // the first one has neither key nor data
			r.text()
			r.text()
			r.pointers()
		default:
			return all
		}
	}
	if r.at == logStart && !r.bad {
		commit()
	}
	return all
}

// reader reads 32-bit numbers and texts that are padded to their length; bad is set
// once there are no more.
type reader struct {
	data []byte
	at   int
	bad  bool
}

func (r *reader) number() uint32 {
	if r.at+4 > len(r.data) {
		r.bad = true
		return 1<<32 - 1
	}
	r.at += 4
	return binary.BigEndian.Uint32(r.data[r.at-4:])
}

func (r *reader) text() string {
	n := int(r.number())
	if r.bad || n > len(r.data)-r.at {
		r.bad = true
		return ""
	}
	s := string(r.data[r.at : r.at+n])
	r.at += (n + 3) &^ 3
	return s
}

func (r *reader) pointers() {
	for r.number() != 1<<32-1 {
	}
}

// cyrusQuota reads the limit of a quota root in kB from Cyrus's file CONFIG/quota/j/ROOT:
// the use in bytes and the limit, each on a line.
func cyrusQuota(l *Layout, root string) (limit int64, ok bool) {
	text, err := os.ReadFile(filepath.Join(l.ConfigDir, "quota", l.hash(root), root))
	if err != nil || root == "" || strings.Contains(root, "/") {
		return 0, false
	}
	if strings.HasPrefix(string(text), "%(") { // since 3.0, with S for the storage
		limit = -1
		for list := (&dlist{rest: string(text)}).value(0).list; len(list) >= 2; list = list[2:] {
			if s := list[1].list; list[0].text == "S" && len(s) == 2 {
				limit, err = strconv.ParseInt(s[1].text, 10, 64)
			}
		}
		return limit, err == nil && limit >= 0
	}
	lines := strings.Fields(string(text))
	if len(lines) != 2 {
		return 0, false
	}
	limit, err = strconv.ParseInt(lines[1], 10, 64)
	return limit, err == nil && limit >= 0
}
