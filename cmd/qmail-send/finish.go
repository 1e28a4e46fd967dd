package main

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/queue"
	"goqmail/lib/syncdir"
)

const (
	// maxBounces is how many bounces may be on their way into the queue at a
	// time.
	maxBounces = 8

	// patience is how long to stand still for a bounce.
	patience = 100 * time.Millisecond
)

// ending is what is known of messages on their way out of the queue.
type ending struct {
	bouncing map[queue.Num]bool // a bounce is being sent, or dropped
	senders  map[int]bool       // process ids of the qmail-queues that take them
	removing map[queue.Num]bool // qmail-clean is to remove them
	restless time.Time          // until when not to stand still
}

func newEnding() ending {
	return ending{bouncing: map[queue.Num]bool{}, senders: map[int]bool{}, removing: map[queue.Num]bool{}}
}

// mayFinish tells whether there is room to end another message.
func (m *manager) mayFinish() bool {
	return len(m.ending.removing) < maxRemovals && len(m.ending.bouncing) < maxBounces
}

// finishNext takes the next message that is done out of S5, if one is due.
func (m *manager) finishNext() {
	if m.done.due(time.Now().Unix()) && m.mayFinish() {
		m.finish(m.done.pop().num)
	}
}

// finish ends a message that needs no more deliveries, unless it turns out
// that it does. Before info is removed, its bounce must be in the queue.
func (m *manager) finish(n queue.Num) {
	if m.ending.bouncing[n] {
		return
	}
	for _, name := range []queue.Name{m.layout.Local(n), m.layout.Remote(n), m.layout.Todo(n)} {
		switch there, err := exists(name); {
		case there:
			return // and it is scheduled for that
		case err != nil:
			m.finishLater(n, "unable to stat ", name, "; will try again later")
			return
		}
	}
	switch there, err := exists(m.layout.Info(n)); {
	case err != nil:
		m.finishLater(n, "unable to stat ", m.layout.Info(n), "; will try again later")
		return
	case !there:
		return // it was ended before
	}
	info, err := m.readInfo(n)
	if err != nil {
		m.done.add(waiting{n, time.Now().Unix() + retryInterval})
		return
	}
	m.finishBounce(n, bounceTo(info.sender))
}

// finishLater logs a warning and has finish tried again.
func (m *manager) finishLater(n queue.Num, what string, name queue.Name, then string) {
	m.log.print("warning: ", what, string(name), then)
	m.done.add(waiting{n, time.Now().Unix() + retryInterval})
}

// finishBounce sends a bounce if there were failures, and ends the message.
func (m *manager) finishBounce(n queue.Num, sender string) {
	text := m.layout.Bounce(n)
	there, err := exists(text)
	switch {
	case err != nil:
		m.finishLater(n, "unable to stat ", text, "")
		return
	case !there:
		m.end(n)
		return
	case sender == "" && m.set.noDoubleBounce:
		m.log.print("double bounce: discarding ", string(text))
	case sender == doubleBounceSender:
		m.log.print("triple bounce: discarding ", string(text))
	default:
		m.sendBounce(n, bounce{m.set, sender, text, m.layout.Mess(n)})
		return
	}
	m.aside(n, func() func() {
		err := drop(text)
		return func() { m.dropped(n, err) }
	})
}

// sendBounce sends a bounce, and then ends the message.
func (m *manager) sendBounce(n queue.Num, b bounce) {
	m.aside(n, func() func() {
		pid, over := 0, false
		err := b.send(m.env, m.stderr, func(started int) {
			pid = started
			m.do <- func() {
				if !over {
					m.ending.senders[pid] = true
				}
			}
		})
		var dropErr error
		if err == nil {
			dropErr = drop(b.text)
		}
		return func() {
			over = true
			delete(m.ending.senders, pid)
			if err == nil {
				m.log.print("bounce msg ", n.String(), " qp ", strconv.Itoa(pid))
				m.dropped(n, dropErr)
			} else {
				m.dropped(n, err)
			}
			m.admit()
		}
	})
}

// aside works on the bounce of a message beside all else, and then calls what
// work returned.
//
// It stands still for a moment, though, as qmail-send always did all the while,
// so that the log has the order it always had; but in a flood of bounces half
// of the time at most.
func (m *manager) aside(n queue.Num, work func() (then func())) {
	m.ending.bouncing[n] = true
	ready := make(chan func(), 1)
	go func() { ready <- work() }()
	start := time.Now()
	if start.After(m.ending.restless) {
		m.log.flush()
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case then := <-ready:
			m.ending.restless = time.Now().Add(time.Since(start))
			then()
			return
		case <-timer.C:
			m.ending.restless = time.Now().Add(patience)
		}
	}
	go func() { m.do <- <-ready }()
}

// drop removes the text of a bounce for good, before its message goes: after a
// crash it must not be found beside a later message that has the number, and
// be sent to that one's sender. It may run in any goroutine.
func drop(text queue.Name) error {
	if unix.Unlink(string(text)) != nil {
		return &refusal{"unable to unlink", text}
	}
	if syncdir.Sync(string(text.Dir())) != nil {
		return &refusal{"trouble fsyncing", text.Dir()}
	}
	return nil
}

// dropped ends a message whose failures were told, or are not to be. An error
// is what prevented that.
func (m *manager) dropped(n queue.Num, err error) {
	delete(m.ending.bouncing, n)
	if err != nil {
		m.log.print("warning: ", err.Error())
		m.done.add(waiting{n, time.Now().Unix() + retryInterval})
		return
	}
	m.end(n)
}

// end takes a message from S5 to S2, from where it cannot come back.
func (m *manager) end(n queue.Num) {
	m.log.print("end msg ", n.String())
	if m.unlinkInfo(n) {
		m.remove(n)
	} else {
		m.done.add(waiting{n, time.Now().Unix() + retryInterval})
	}
}

func (m *manager) unlinkInfo(n queue.Num) (ok bool) {
	info := m.layout.Info(n)
	err := unix.Unlink(string(info))
	if err != nil {
		m.log.print("warning: unable to unlink ", string(info), "; will try again later")
	}
	return err == nil
}

// remove has qmail-clean take a message from S2 to S1. Two such requests must
// not be under way for one number: a new message may have it after the first.
func (m *manager) remove(n queue.Num) {
	m.ending.removing[n] = true
	foop := m.layout.Foop(n)
	m.cleaner.remove(foop, func(answer int) {
		delete(m.ending.removing, n)
		m.cleaned(foop, answer)
	})
}
