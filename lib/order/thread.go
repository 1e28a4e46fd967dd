package order

import (
	"cmp"
	"slices"
	"strconv"
)

// node is a message in its thread or, if it has none, what keeps messages together that
// have lost the one that they are replies to.
type node struct {
	*message
	children []*node
}

// first is the message that a thread is sorted by.
func (n *node) first() *message {
	if n.message == nil {
		return n.children[0].message
	}
	return n.message
}

// byDate compares threads by the sent date of their first messages.
func byDate(a, b *node) int { return compareDates(a.first(), b.first()) }

func compareDates(a, b *message) int {
	if order := cmp.Compare(a.sent(), b.sent()); order != 0 {
		return order
	}
	return cmp.Compare(a.UID, b.UID)
}

// OrderedSubject appends the threads of items, which have ascending UIDs, to a response:
// messages with the same subject are replies to the first of them.
func (t *Table) OrderedSubject(b []byte, items []Item) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.find(items)
	slices.SortFunc(all, func(a, b message) int { return compareDates(&a, &b) })
	threads := map[int32]*node{}
	var roots []*node
	for i := range all {
		m := &all[i]
		if root := threads[m.words[subject]]; root != nil {
			root.children = append(root.children, &node{message: m})
		} else {
			root = &node{message: m}
			threads[m.words[subject]] = root
			roots = append(roots, root)
		}
	}
	return appendThreads(b, roots)
}

// appendThreads appends threads as they are sent. It goes down by hand, because
// somebody may send messages that are replies to each other without end.
func appendThreads(b []byte, roots []*node) []byte {
	stack := [][]*node{roots} // siblings that are still to be appended
	for {
		top := len(stack) - 1
		if len(stack[top]) == 0 {
			if top == 0 {
				return b
			}
			b = append(b, ')')
			stack = stack[:top]
			continue
		}
		n := stack[top][0]
		stack[top] = stack[top][1:]
		b = append(b, '(')
		before := len(b)
		for { // down to where there are several replies
			if n.message != nil {
				if len(b) > before {
					b = append(b, ' ')
				}
				b = strconv.AppendUint(b, uint64(n.Number), 10)
			}
			if len(n.children) != 1 {
				break
			}
			n = n.children[0]
		}
		if len(n.children) == 0 {
			b = append(b, ')')
			continue
		}
		if len(b) > before {
			b = append(b, ' ')
		}
		stack = append(stack, n.children)
	}
}
