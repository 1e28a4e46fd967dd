package mailstore

import (
	"iter"
	"slices"
	"sort"
)

// Message is what the index knows of a message besides what is in it.
type Message struct {
	UID    uint32
	Size   uint32 // in bytes, as stored
	Flags  Flags
	ModSeq int64
	Date   int64 // INTERNALDATE: seconds since 1970
}

// View is what a mailbox was at one moment. It does not change, and views of
// one mailbox share what is the same in them: so each of many sessions can have
// the view that its client knows, and their number costs little.
type View struct {
	UIDValidity uint32
	UIDNext     uint32
	ModSeq      int64    // the highest of the mailbox
	Recent      uint32   // messages with a higher UID than this are recent
	Keywords    []string // of this mailbox, by their bits

	chunks [][]Message // by UID; none is empty
	ends   []int       // how many messages there are up to the end of each chunk
}

// chunkSize is how many messages are copied at most when one changes.
const chunkSize = 512

// Len returns the number of messages.
func (v *View) Len() int {
	if len(v.ends) == 0 {
		return 0
	}
	return v.ends[len(v.ends)-1]
}

// At returns the message with a sequence number, which counts from 1 and must
// not be above Len.
func (v *View) At(seq int) *Message {
	i := sort.SearchInts(v.ends, seq)
	return &v.chunks[i][seq-1-v.start(i)]
}

// start is how many messages come before a chunk.
func (v *View) start(chunk int) int {
	if chunk == 0 {
		return 0
	}
	return v.ends[chunk-1]
}

// Seek returns the sequence number of the first message whose UID is at least
// uid, Len()+1 if there is none.
func (v *View) Seek(uid uint32) int {
	i := sort.Search(len(v.chunks), func(i int) bool { return v.chunks[i][len(v.chunks[i])-1].UID >= uid })
	if i == len(v.chunks) {
		return v.Len() + 1
	}
	chunk := v.chunks[i]
	return v.start(i) + sort.Search(len(chunk), func(j int) bool { return chunk[j].UID >= uid }) + 1
}

// Seq returns the sequence number of the message with a UID, 0 if it has none.
func (v *View) Seq(uid uint32) int {
	seq := v.Seek(uid)
	if seq > v.Len() || v.At(seq).UID != uid {
		return 0
	}
	return seq
}

// Range goes over the messages with sequence numbers from first to last.
func (v *View) Range(first, last int) iter.Seq2[int, *Message] {
	return func(yield func(int, *Message) bool) {
		if first < 1 || first > v.Len() {
			return
		}
		i := sort.SearchInts(v.ends, first)
		seq, j := first, first-1-v.start(i)
		for ; i < len(v.chunks); i, j = i+1, 0 {
			for ; j < len(v.chunks[i]); j++ {
				if seq > last || !yield(seq, &v.chunks[i][j]) {
					return
				}
				seq++
			}
		}
	}
}

// All goes over all messages.
func (v *View) All() iter.Seq2[int, *Message] { return v.Range(1, v.Len()) }

// with returns the view after some messages were added or changed and others
// went, both by UID. The chunks without any of them are shared.
func (v *View) with(changed []Message, gone []uint32) *View {
	w := *v
	w.chunks, w.ends = nil, nil
	for _, chunk := range v.chunks {
		last := chunk[len(chunk)-1].UID
		nc := sort.Search(len(changed), func(i int) bool { return changed[i].UID > last })
		ng := sort.Search(len(gone), func(i int) bool { return gone[i] > last })
		w.add(merged(chunk, changed[:nc], gone[:ng]))
		changed, gone = changed[nc:], gone[ng:]
	}
	if n := len(w.chunks) - 1; n >= 0 && len(w.chunks[n]) < chunkSize {
		take := min(chunkSize-len(w.chunks[n]), len(changed))
		last := slices.Concat(w.chunks[n], changed[:take])
		w.chunks, w.ends = w.chunks[:n], w.ends[:n]
		w.add(last)
		changed = changed[take:]
	}
	for len(changed) > 0 {
		take := min(chunkSize, len(changed))
		w.add(slices.Clone(changed[:take]))
		changed = changed[take:]
	}
	return &w
}

func (v *View) add(chunk []Message) {
	if len(chunk) > 0 {
		v.ends = append(v.ends, v.Len()+len(chunk))
		v.chunks = append(v.chunks, chunk)
	}
}

// merged is a chunk after changes, the chunk itself if there are none.
func merged(chunk, changed []Message, gone []uint32) []Message {
	if len(changed) == 0 && len(gone) == 0 {
		return chunk
	}
	var result []Message
	for _, m := range chunk {
		for len(changed) > 0 && changed[0].UID < m.UID {
			result, changed = append(result, changed[0]), changed[1:]
		}
		if len(changed) > 0 && changed[0].UID == m.UID {
			m, changed = changed[0], changed[1:]
		}
		for len(gone) > 0 && gone[0] < m.UID {
			gone = gone[1:]
		}
		if len(gone) == 0 || gone[0] != m.UID {
			result = append(result, m)
		}
	}
	return append(result, changed...)
}

// Since tells what has happened between an older view and this one: which
// messages went, by their old sequence numbers in ascending order; which changed,
// by the present ones; and how many came, which are the last.
func (v *View) Since(old *View) (gone, changed []int, came int) {
	a, b := walker{v: old}, walker{v: v}
	for !a.done() {
		if a.skip(&b) {
			continue
		}
		switch m := a.message(); {
		case b.done() || b.message().UID > m.UID:
			gone = append(gone, a.seq+1)
			a.next()
		case b.message().UID == m.UID:
			if b.message().ModSeq != m.ModSeq {
				changed = append(changed, b.seq+1)
			}
			a.next()
			b.next()
		default: // restored between others; it cannot be told but as new
			b.next()
		}
	}
	return gone, changed, v.Len() - (old.Len() - len(gone))
}

// Keeping returns this view with the messages of an older one that have gone since:
// what a client may know that must not hear of that yet.
func (v *View) Keeping(old *View) *View {
	gone, _, _ := v.Since(old)
	if len(gone) == 0 {
		return v
	}
	var messages []Message
	for _, seq := range gone {
		messages = append(messages, *old.At(seq))
	}
	return v.with(messages, nil)
}

// With returns the view with some of its messages as they are later, by UID: what a
// client knows after it has changed them. keywords are those of the later view.
func (v *View) With(changed []Message, keywords []string) *View {
	w := v.with(changed, nil)
	w.Keywords = keywords
	return w
}

// walker stands at a message of a view.
type walker struct {
	v        *View
	chunk, i int
	seq      int // messages before it
}

func (w *walker) done() bool        { return w.chunk == len(w.v.chunks) }
func (w *walker) message() *Message { return &w.v.chunks[w.chunk][w.i] }

func (w *walker) next() {
	w.seq++
	if w.i++; w.i == len(w.v.chunks[w.chunk]) {
		w.chunk, w.i = w.chunk+1, 0
	}
}

// skip passes over a chunk that both views share, if both stand at its start.
func (w *walker) skip(o *walker) bool {
	if w.i != 0 || o.done() || o.i != 0 {
		return false
	}
	a, b := w.v.chunks[w.chunk], o.v.chunks[o.chunk]
	if &a[0] != &b[0] || len(a) != len(b) {
		return false
	}
	w.chunk, w.seq = w.chunk+1, w.seq+len(a)
	o.chunk, o.seq = o.chunk+1, o.seq+len(b)
	return true
}
