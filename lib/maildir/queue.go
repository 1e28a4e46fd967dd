package maildir

// queue is a heap of messages by time. A stable sort would be shorter, but
// programs that number messages of one second in the order of the heap have
// told mail readers these numbers, and still do where qmail's own run beside
// ours.
type queue []Message

func (q *queue) insert(m Message) {
	*q = append(*q, m)
	h := *q
	at := len(h) - 1
	for at > 0 {
		parent := (at - 1) / 2
		if h[parent].Arrived <= m.Arrived {
			break
		}
		h[at] = h[parent]
		at = parent
	}
	h[at] = m
}

// drain empties the queue, oldest message first.
func (q *queue) drain() []Message {
	h := *q
	sorted := make([]Message, 0, len(h))
	for len(h) > 0 {
		sorted = append(sorted, h[0])
		h = h.behead()
	}
	*q = nil
	return sorted
}

// behead removes the first message: the last one sinks from its place.
func (q queue) behead() queue {
	n := len(q) - 1
	last, at := q[n], 0
	for {
		next := 2*at + 2
		if next > n {
			break
		}
		if q[next-1].Arrived <= q[next].Arrived {
			next--
		}
		if last.Arrived <= q[next].Arrived {
			break
		}
		q[at] = q[next]
		at = next
	}
	q[at] = last
	return q[:n]
}
