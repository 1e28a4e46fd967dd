package main

import (
	"slices"
	"sync"

	"goqmail/lib/mailstore"
)

// warm keeps some mailboxes open after their last session has left them, so that the
// next one need not read which messages there are.
type warm struct {
	mu    sync.Mutex
	boxes []kept // those that were left last are last
	size  int    // messages in all of them
}

type kept struct {
	box      *mailstore.Mailbox
	messages int
}

// What is kept is bounded: a message takes 40 bytes.
const (
	warmBoxes    = 200
	warmMessages = 1 << 20
)

// keep takes over a mailbox that a session has left.
func (w *warm) keep(box *mailstore.Mailbox, messages int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(w.boxes, func(k kept) bool { return k.box == box }); i >= 0 {
		w.drop(i)
	}
	w.boxes = append(w.boxes, kept{box, messages})
	w.size += messages
	for len(w.boxes) > warmBoxes || w.size > warmMessages && len(w.boxes) > 1 {
		w.drop(0)
	}
}

func (w *warm) drop(i int) {
	w.size -= w.boxes[i].messages
	w.boxes[i].box.Close()
	w.boxes = slices.Delete(w.boxes, i, i+1)
}
