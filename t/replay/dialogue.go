//go:build linux

package replay

import (
	"bytes"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// reader is our end of a descriptor that the program writes.
type reader struct {
	f    *os.File
	data []byte // all that came
	seen int    // of data, what expect steps have matched
	open bool

	secure *secure // nil: what comes is the data
}

func newReader(fd int) *reader { return &reader{f: pollable(fd), open: true} }

// writer is our end of a descriptor that the program reads.
type writer struct {
	f       *os.File
	socket  bool // shared with a reader: only the writing half is closed
	queue   chan []byte
	pending int  // bytes not written yet
	last    bool // close it when nothing is pending
	closed  bool

	secure *secure // nil: data is sent as it is
}

// newWriter starts with data; last tells that no more will follow.
func newWriter(fd int, data []byte, last bool) *writer {
	w := &writer{f: pollable(fd), queue: make(chan []byte, 10000), last: last}
	w.send(data)
	return w
}

func newSocketWriter(r *reader, data []byte) *writer {
	w := &writer{f: r.f, socket: true, queue: make(chan []byte, 10000)}
	w.send(data)
	return w
}

func (w *writer) send(data []byte) {
	if !w.closed && len(data) > 0 {
		w.pending += len(data)
		w.queue <- data
	}
}

func (w *writer) close() {
	if w.closed {
		return
	}
	w.closed = true
	close(w.queue)
	if !w.socket {
		w.f.Close()
		return
	}
	if raw, err := w.f.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) })
	}
}

// pollable wraps a descriptor so that closing it ends a read or write that is
// under way. The program's end is another open file and stays as it is.
func pollable(fd int) *os.File {
	unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "end")
}

// dialogue plays a script with a program. One goroutine owns all of it; those
// that read, write and wait send it events.
type dialogue struct {
	r      *run
	p      started
	ends   *ends
	events chan func()
	over   chan struct{}

	step      int
	sleeping  time.Time
	waitexit  bool // the script said so: its descriptors stay open
	ended     bool
	endedAt   time.Time
	limit     time.Time
	lingering time.Duration
}

// After its end a program's output may still be on its way.
const grace = 200 * time.Millisecond

func newDialogue(r *run, p started, e *ends) *dialogue {
	timeout := r.c.Timeout
	if timeout == 0 {
		timeout = 10
	}
	return &dialogue{
		r: r, p: p, ends: e, events: make(chan func()), over: make(chan struct{}),
		limit:     time.Now().Add(time.Duration(timeout * 1e9)),
		lingering: time.Duration(r.c.Linger.or(0.3) * 1e9),
	}
}

// play returns when the program has ended and its output too, or when the
// program's orphans have held that open for too long.
func (d *dialogue) play() {
	defer d.finish()
	d.watch()
	for {
		d.advance()
		if d.done() {
			return
		}
		timer := time.NewTimer(time.Until(d.wake()))
		select {
		case event := <-d.events:
			event()
		case <-timer.C:
		}
		timer.Stop()
		if !d.ended && time.Now().After(d.limit) {
			d.r.status = map[string]any{"timeout": true}
			d.ended, d.endedAt = true, time.Now()
			d.p.kill()
		}
	}
}

// watch starts the goroutines that send events.
func (d *dialogue) watch() {
	go func() {
		status := d.p.wait()
		d.tell(func() {
			if !d.ended {
				d.r.status, d.ended, d.endedAt = status, true, time.Now()
			}
		})
	}()
	for _, r := range d.ends.readers {
		go d.read(r)
	}
	for _, w := range d.ends.writers {
		go d.write(w)
	}
}

func (d *dialogue) tell(event func()) bool {
	select {
	case d.events <- event:
		return true
	case <-d.over:
		return false
	}
}

func (d *dialogue) read(r *reader) {
	for {
		buf := make([]byte, 16384)
		n, err := r.f.Read(buf)
		if !d.tell(func() { r.came(buf[:n], err == nil) }) || err != nil {
			return
		}
	}
}

// came takes what was read; more is false at the end, or what is as good as it.
func (r *reader) came(data []byte, more bool) {
	if r.secure == nil {
		r.data = append(r.data, data...)
		r.open = more
		return
	}
	r.secure.wire.records <- data
	if !more {
		close(r.secure.wire.records) // who reads them tells of the end
	}
}

func (d *dialogue) write(w *writer) {
	for data := range w.queue {
		to := io.Writer(w.f)
		if w.secure != nil {
			to = w.secure
		}
		_, err := to.Write(data)
		if !d.tell(func() {
			w.pending -= len(data)
			if err != nil {
				w.pending = 0
				w.close()
			}
		}) || err != nil {
			return
		}
	}
}

// advance plays as many steps as can be played now, and closes what may be.
func (d *dialogue) advance() {
	for d.step < len(d.r.c.Script) && time.Now().After(d.sleeping) {
		if !d.playStep(d.r.c.Script[d.step]) {
			break
		}
		d.step++
	}
	for _, w := range d.ends.writers {
		if len(d.r.c.Script) > 0 && d.step >= len(d.r.c.Script) && !d.waitexit {
			w.last = true
		}
		if w.last && w.pending == 0 {
			w.close()
		}
	}
}

// playStep tells whether the step is done with.
func (d *dialogue) playStep(s step) bool {
	fd := int(s.Number)
	switch s.Word {
	case "send":
		if w := d.ends.writers[fd]; w != nil {
			w.send([]byte(d.r.sub(s.Text)))
		}
	case "expect":
		return d.expect(fd, []byte(d.r.sub(s.Text)))
	case "sleep":
		if d.pending() && !d.ended {
			return false
		}
		d.sleeping = time.Now().Add(time.Duration(s.Number * 1e9))
	case "flush":
		return !d.pending() || d.ended
	case "close":
		if w := d.ends.writers[fd]; w != nil {
			w.last = true
		}
	case "starttls":
		if d.pending() {
			return d.ended
		}
		d.starttls(fd, s.TLS)
	case "signal":
		d.r.calm()
		if !d.ended {
			syscall.Kill(d.p.pid, unix.SignalNum("SIG"+string(s.Text)))
		}
	case "run":
		d.r.calm()
		d.r.shell(s.Text)
	case "waitexit":
		d.waitexit = true
		return d.ended
	default:
		d.r.fail("unknown step %s", s.Word)
	}
	return true
}

// expect looks for what is wanted behind the previous match. When it can come
// no more the script is stuck and over.
func (d *dialogue) expect(fd int, want []byte) bool {
	r := d.ends.readers[fd]
	if r == nil {
		d.r.fail("nothing can be expected from descriptor %d", fd)
		return true
	}
	if i := bytes.Index(r.data[r.seen:], want); i >= 0 {
		r.seen += i + len(want)
		return true
	}
	if !r.open || d.ended && time.Since(d.endedAt) > grace {
		d.r.stuck = d.step
		d.step = len(d.r.c.Script)
	}
	return false
}

func (d *dialogue) pending() bool {
	for _, w := range d.ends.writers {
		if w.pending > 0 {
			return true
		}
	}
	return false
}

func (d *dialogue) done() bool {
	if !d.ended {
		return false
	}
	for _, r := range d.ends.readers {
		if r.open {
			return time.Since(d.endedAt) > d.lingering
		}
	}
	return true
}

// wake is when to look again if no event comes.
func (d *dialogue) wake() time.Time {
	var at []time.Time
	if d.ended {
		at = append(at, d.endedAt.Add(grace+time.Millisecond), d.endedAt.Add(d.lingering+time.Millisecond))
	} else {
		at = append(at, d.limit)
	}
	if d.step < len(d.r.c.Script) {
		at = append(at, d.sleeping)
	}
	now := time.Now()
	at = slices.DeleteFunc(at, func(t time.Time) bool { return t.Before(now) })
	if len(at) == 0 {
		return now.Add(time.Millisecond)
	}
	return slices.MinFunc(at, time.Time.Compare)
}

// finish closes our ends; the goroutines end by that.
func (d *dialogue) finish() {
	close(d.over)
	for _, w := range d.ends.writers {
		w.close()
	}
	for _, r := range d.ends.readers {
		r.f.Close()
	}
}
