// Package order puts messages in order: it sorts them and groups them into threads, as
// SORT and THREAD want it (RFC 5256, RFC 5957).
package order

import (
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"sync"

	"goqmail/lib/digest"
)

// Table is what the messages of a mailbox are sorted and threaded by, kept small:
// words are numbers and message ids are hashes, whose seed nobody can guess.
type Table struct {
	mu      sync.Mutex
	rows    []row // by UID
	refs    []uint64
	seed    maphash.Seed
	numbers map[string]int32
	words   []string
	ranks   []int32 // of the words; outdated if there are fewer
}

// row is a message.
type row struct {
	uid   uint32
	date  int64 // 0 if there is none
	words [fields]int32
	id    uint64 // 0 if there is none
	refs  [2]uint32
	reply bool
}

// The fields that are words.
const (
	subject = iota
	from
	to
	cc
	fields
)

// Item is a message that is to be put in order.
type Item struct {
	UID    uint32
	Number uint32 // as it is told: its UID or sequence number
	Date   int64  // INTERNALDATE
	Size   uint32
	// Display is what stands for the sender and the recipient, as Display has it; only
	// DisplayFrom and DisplayTo need it.
	Display *[2]string
}

// NewTable returns a Table without messages.
func NewTable() *Table {
	return &Table{seed: maphash.MakeSeed(), numbers: map[string]int32{"": 0}, words: []string{""}}
}

// Last returns the highest UID of its messages.
func (t *Table) Last() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return 0
	}
	return t.rows[len(t.rows)-1].uid
}

// Len returns the number of its messages, with those that have gone.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows)
}

// Missing returns those of some UIDs, which ascend, that it does not have.
func (t *Table) Missing(uids iter.Seq[uint32]) (missing []uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := 0
	for uid := range uids {
		for i < len(t.rows) && t.rows[i].uid < uid {
			i++
		}
		if i == len(t.rows) || t.rows[i].uid != uid {
			missing = append(missing, uid)
		}
	}
	return missing
}

// Add adds a message, whose UID has to be higher than those of the others; if it is
// not, the message is there already.
func (t *Table) Add(uid uint32, g *digest.Digest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.rows); n > 0 && uid <= t.rows[n-1].uid {
		return
	}
	r := row{
		uid: uid, date: g.Date, reply: g.Reply, id: t.hash(g.MessageID),
		words: [fields]int32{t.number(g.Subject), t.number(g.From), t.number(g.To), t.number(g.Cc)},
	}
	r.refs[0] = uint32(len(t.refs))
	for _, id := range g.References {
		t.refs = append(t.refs, t.hash(id))
	}
	r.refs[1] = uint32(len(t.refs))
	t.rows = append(t.rows, r)
}

func (t *Table) hash(id string) uint64 {
	if id == "" {
		return 0
	}
	return max(maphash.String(t.seed, id), 1)
}

func (t *Table) number(word string) int32 {
	n, ok := t.numbers[word]
	if !ok {
		n = int32(len(t.words))
		t.numbers[word] = n
		t.words = append(t.words, word)
	}
	return n
}

// rank brings the ranks of words up to date.
func (t *Table) rank() {
	if len(t.ranks) == len(t.words) {
		return
	}
	sorted := make([]int32, len(t.words))
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(a, b int32) int { return strings.Compare(t.words[a], t.words[b]) })
	t.ranks = make([]int32, len(t.words))
	for rank, n := range sorted {
		t.ranks[n] = int32(rank)
	}
}

// message is an item with its row.
type message struct {
	Item
	*row
	display [2]int32 // the ranks of Display
}

// find returns the rows of items, which have ascending UIDs, and the sent date of each.
// Items that are not there are left out.
func (t *Table) find(items []Item) (all []message) {
	all = make([]message, 0, len(items))
	i := 0
	for _, item := range items {
		for i < len(t.rows) && t.rows[i].uid < item.UID {
			i++
		}
		if i < len(t.rows) && t.rows[i].uid == item.UID {
			all = append(all, message{Item: item, row: &t.rows[i]})
		}
	}
	return all
}

// sent is the date that a message is sorted by.
func (m *message) sent() int64 {
	if m.row.date != 0 {
		return m.row.date
	}
	return m.Item.Date
}
