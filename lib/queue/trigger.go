package queue

import (
	"os"
	"syscall"
)

// Pull wakes qmail-send, which may be asleep, after a new link in todo. It is
// only a hint, and may fail: qmail-send looks at todo by itself in the end.
func Pull() {
	// Non-blocking: a qmail-send that is not there, or has a full pipe,
	// must not hold up whoever queues mail.
	fd, err := syscall.Open(TriggerFIFO.Path(), syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	syscall.Write(fd, []byte{0})
	syscall.Close(fd)
}

// Trigger is qmail-send's side of the trigger. Open it before looking at
// todo: then a message linked after the look has pulled it.
type Trigger struct {
	r, w *os.File
}

// OpenTrigger opens the FIFO with the given path.
func OpenTrigger(path string) (*Trigger, error) {
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	// With a writer of our own the FIFO is never at its end.
	w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		r.Close()
		return nil, err
	}
	return &Trigger{r, w}, nil
}

// Wait returns nil once the trigger was pulled, however often, since it was
// opened or since Wait returned before. Close makes it return os.ErrClosed.
func (t *Trigger) Wait() error {
	var pulls [4096]byte
	_, err := t.r.Read(pulls[:])
	return err
}

// Close closes the FIFO.
func (t *Trigger) Close() error {
	t.w.Close()
	return t.r.Close()
}
