package order

import "slices"

// References appends the threads of items, which have ascending UIDs, to a response, by
// what messages refer to (RFC 5256 section 3, REFERENCES).
func (t *Table) References(b []byte, items []Item) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.find(items)
	f := newForest(all, t.refs)
	roots := f.trees()
	roots = bySubject(roots)
	sortSiblings(roots)
	slices.SortFunc(roots, byDate)
	return appendThreads(b, roots)
}

// forest is which message, or id that no message has, is a reply to which. Messages
// come first.
type forest struct {
	all    []message
	parent []int32 // -1 for none
	heirs  []bool  // whether it is or was a parent
	byID   map[uint64]int32
}

// maxClimb is how far up is looked for a loop. Who makes messages that refer to each
// other in longer chains gets shorter threads, and nobody has to wait for them.
const maxClimb = 1000

// newForest does step 1 of the algorithm.
func newForest(all []message, refs []uint64) *forest {
	f := &forest{all: all, byID: make(map[uint64]int32, len(all))}
	for i := range all {
		if id := all[i].id; id != 0 {
			if _, taken := f.byID[id]; !taken { // of several with an id the first has it
				f.byID[id] = int32(i)
			}
		}
		f.add()
	}
	for i := range all {
		last := int32(-1)
		for _, id := range refs[all[i].refs[0]:all[i].refs[1]] {
			n, ok := f.byID[id]
			if !ok {
				n = f.add()
				f.byID[id] = n
			}
			if last >= 0 && f.parent[n] < 0 {
				f.link(last, n)
			}
			last = n
		}
		f.parent[i] = -1 // what others say of it does not count
		if last >= 0 {
			f.link(last, int32(i))
		}
	}
	return f
}

func (f *forest) add() int32 {
	f.parent = append(f.parent, -1)
	f.heirs = append(f.heirs, false)
	return int32(len(f.parent) - 1)
}

// link makes a node the parent of another one, unless that makes a loop.
func (f *forest) link(parent, child int32) {
	if parent == child {
		return
	}
	if f.heirs[child] {
		steps := 0
		for n := parent; n >= 0; n = f.parent[n] {
			if steps++; n == child || steps > maxClimb {
				return
			}
		}
	}
	f.parent[child] = parent
	f.heirs[parent] = true
}

// trees does steps 2 to 4: it leaves out what is no message, but for roots with several
// replies, and sorts the roots.
func (f *forest) trees() (roots []*node) {
	nodes := make([]node, len(f.parent))
	for i := range f.all {
		nodes[i].message = &f.all[i]
	}
	for i := range f.all {
		if p := f.above(int32(i)); p >= 0 {
			nodes[p].children = append(nodes[p].children, &nodes[i])
		} else {
			roots = append(roots, &nodes[i])
		}
	}
	for i := len(f.all); i < len(nodes); i++ {
		n := &nodes[i]
		if f.parent[i] >= 0 || len(n.children) == 0 {
			continue
		}
		if slices.SortFunc(n.children, byDate); len(n.children) == 1 {
			n = n.children[0]
		}
		roots = append(roots, n)
	}
	slices.SortFunc(roots, byDate)
	return roots
}

// above returns the nearest message above a node, or else the root that is none; -1 if
// the node is a root. It shortens the way for those who come later.
func (f *forest) above(n int32) int32 {
	p := f.parent[n]
	top := p
	for top >= 0 && int(top) >= len(f.all) && f.parent[top] >= 0 {
		top = f.parent[top]
	}
	for p != top {
		p, f.parent[p] = f.parent[p], top
	}
	return top
}

// bySubject does step 5: it joins threads with the same subject.
func bySubject(roots []*node) []*node {
	table := map[int32]int{} // the thread of a subject, by its place among the roots
	for i, n := range roots {
		word := n.first().words[subject]
		if word == 0 {
			continue
		}
		j, ok := table[word]
		if !ok || roots[j].message != nil && (n.message == nil || roots[j].reply && !n.reply) {
			table[word] = i
		}
	}
	for i, n := range roots {
		word := n.first().words[subject]
		j, ok := table[word]
		if word == 0 || !ok || i == j {
			continue
		}
		old := roots[j]
		switch {
		case old.message == nil && n.message == nil:
			old.children = append(old.children, n.children...)
		case old.message == nil || n.message != nil && n.reply && !old.reply:
			old.children = append(old.children, n)
		default:
			roots[j] = &node{children: []*node{old, n}}
		}
		roots[i] = nil
	}
	return slices.DeleteFunc(roots, func(n *node) bool { return n == nil })
}

// sortSiblings does step 6 for what is below the roots.
func sortSiblings(roots []*node) {
	todo := slices.Clone(roots)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		slices.SortFunc(n.children, byDate)
		todo = append(todo, n.children...)
	}
}
