package main

import (
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
	"goqmail/lib/route"
	"goqmail/lib/syncdir"
)

var (
	errFresh = errors.New("qmail-send has yet to sort its recipients")
	errEnded = errors.New("it ended meanwhile")
)

// change does to a message what is asked for.
func (t *tool) change(m *message) (err error) {
	n := 0
	switch {
	case m.fresh && t.verb == "delete" && t.alone && !t.which.partial():
		n = len(m.recipients)
		err = t.remove(m.num)
	case m.fresh:
		return errFresh
	case t.verb == "hold":
		n, err = t.mark(m, queue.Held, queue.ToDo)
	case t.verb == "release":
		n, err = t.mark(m, queue.ToDo, queue.Held)
	case t.verb == "delete":
		n, err = t.delete(m)
	case t.verb == "bounce":
		n, err = t.bounce(m)
	case t.verb == "retry":
		n, err = m.count(queue.ToDo), t.due(m)
	}
	if err != nil {
		return err
	}
	if n == 0 && t.verb != "delete" {
		return nil // there is nobody to do it to
	}
	done := map[string]string{"hold": "held", "release": "released", "delete": "deleted", "bounce": "bounced", "retry": "retried"}
	t.out.WriteString(m.num.String() + "\t" + done[t.verb] + "\t" + strconv.Itoa(n) + "\n")
	t.touched = append(t.touched, m.num)
	return nil
}

// mark brings the recipients that are meant from one of some states to another,
// and returns how many. A delivery that is under way is not stopped: if it ends
// well, or fails, qmail-send makes the state D, whatever it is by then.
func (t *tool) mark(m *message, to byte, from ...byte) (n int, err error) {
	for i, f := range m.lists {
		if f == nil {
			continue
		}
		shared, err := share(f)
		if err != nil {
			return n, err
		}
		for j := range m.recipients {
			r := &m.recipients[j]
			if r.list != i || !t.which.means(*r) {
				continue
			}
			for _, old := range from {
				if shared.swap(r.pos, old, to) {
					r.state = to
					n++
					break
				}
			}
		}
		shared.close()
	}
	return n, nil
}

// delete makes all recipients that are meant done. If the whole message is meant,
// its sender does not hear of recipients that failed before, either.
func (t *tool) delete(m *message) (n int, err error) {
	n, err = t.mark(m, queue.Done, queue.ToDo, queue.Held)
	if err != nil || t.which.partial() {
		return n, err
	}
	if t.alone {
		return n, t.remove(m.num)
	}
	// qmail-send has no trouble with a text that is not there any more.
	if err := syscall.Unlink(t.layout.Bounce(m.num).Path()); err != nil && err != syscall.ENOENT {
		return n, err
	}
	return n, nil
}

// remove removes a message as qmail-send and qmail-clean do, while there is no
// qmail-send. Until info (in S4: todo) is gone, it is in the queue; then it is in
// S2, and if we end here, it is removed as debris.
func (t *tool) remove(n queue.Num) error {
	l := t.layout
	for _, name := range []queue.Name{l.Bounce(n), l.Local(n), l.Remote(n), l.Info(n), l.Todo(n), l.Intd(n), l.Mess(n)} {
		if err := syscall.Unlink(name.Path()); err != nil && err != syscall.ENOENT {
			return err
		}
	}
	return nil
}

// bounce has qmail-send return a message for the recipients that are meant.
func (t *tool) bounce(m *message) (n int, err error) {
	// First they are held: so they do not get the message while we say that they
	// do not, and the message stays.
	if _, err := t.mark(m, queue.Held, queue.ToDo); err != nil {
		return 0, err
	}
	var text []byte
	for _, r := range m.recipients {
		if r.state == queue.Held && t.which.means(r) {
			text = append(text, queue.BounceText(t.routes.Original(r.address), t.text)...)
		}
	}
	if text == nil {
		return 0, nil
	}
	// Then the text is on disk, before nothing but the text knows of them. Should
	// something fail here, they are still held.
	bounce := t.layout.Bounce(m.num)
	if err := appendTo(bounce, text); err != nil {
		return 0, err
	}
	// A delivery that was under way may have been the last thing that the message
	// waited for. We have its mess file open, so the text is not another's.
	if !m.inQueue(t.layout) {
		syscall.Unlink(bounce.Path())
		return 0, errEnded
	}
	return t.mark(m, queue.Done, queue.Held)
}

func appendTo(name queue.Name, text []byte) error {
	f, err := os.OpenFile(name.Path(), os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return syncdir.Sync(name.Dir().Path())
}

// inQueue tells whether the message has not ended.
func (m *message) inQueue(layout queue.Layout) bool {
	was, err := m.info.Stat()
	if err != nil {
		return false
	}
	is, err := os.Lstat(layout.Info(m.num).Path())
	return err == nil && os.SameFile(was, is)
}

// readRoutes reads the control files that say what virtual domains prepend.
func (t *tool) readRoutes() (err error) {
	if err = os.Chdir(auto.Home); err == nil {
		t.routes, err = route.Read()
	}
	if err != nil {
		return exit.Defer("unable to read controls", err)
	}
	return nil
}

// due notes in its lists that a message is due now, for a qmail-send that starts.
func (t *tool) due(m *message) error {
	now := time.Now()
	for i, name := range [2]queue.Name{t.layout.Local(m.num), t.layout.Remote(m.num)} {
		if m.lists[i] == nil {
			continue
		}
		if err := os.Chtimes(name.Path(), now, now); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	return nil
}

// finish makes what was changed durable, and known.
func (t *tool) finish() error {
	if len(t.touched) == 0 {
		return nil
	}
	if err := syncQueue(); err != nil {
		return exit.Defer("unable to sync the queue", err)
	}
	t.out.Flush()
	if t.verb == "hold" || t.verb == "delete" || t.verb == "bounce" {
		for _, n := range delivering(t.touched) {
			t.complain(n, exit.OK, "a delivery is under way, and may yet succeed")
		}
	}
	if t.verb == "hold" || t.alone {
		return nil
	}
	return t.nudge()
}
