package main

import (
	"sync"
	"time"

	"goqmail/lib/queue"
)

const (
	// window is how many new messages are in work at a time, not counting those
	// that linger. Most of that is waiting for the disk, which can write for many
	// as fast as for one.
	window = 16

	// While enough messages wait for their first delivery, trickle is how many
	// new ones are in work: a flood of mail is to be delivered as it comes in, not
	// to be sorted first.
	enough  = 16
	trickle = 4
)

// todo is the preprocessing of new messages. A scanner offers what it finds in
// the directory, and waits while enough messages are in work; a preprocessor
// takes each from there. In the order of the directory they are then told to the
// log and to the schedule; see arrival.
type todo struct {
	trigger  *queue.Trigger // nil if there is none
	pulled   bool           // since the last scan started
	scanning bool
	missing  bool  // the directory was, at the last scan
	next     int64 // when to scan in any case

	found chan queue.Num // from the scan
	stop  chan struct{}  // closed to end the scan

	// seen is true for the messages in work. During a scan it also has those
	// that were settled since it began, as false: the scanner may come across
	// their names yet.
	seen      map[queue.Num]bool
	active    int        // messages in work
	line      []*arrival // those not yet logged, in order
	lingering []*arrival // by when they are to end that
	begun     map[queue.Num]*arrival
	removes   bool // qmail-clean removed the last one
}

func newTodo(now int64) todo {
	return todo{
		next:  now,
		found: make(chan queue.Num),
		stop:  make(chan struct{}),
		seen:  map[queue.Num]bool{},
		begun: map[queue.Num]*arrival{},
	}
}

// earlier is the time to wake up for the next scan if that is before t, else t.
func (t *todo) earlier(wake int64) int64 {
	switch {
	case t.scanning:
		return wake
	case t.pulled:
		return 0
	}
	return min(wake, t.next)
}

// hurry has a directory looked at again that could not be.
func (t *todo) hurry(now int64) {
	if t.missing {
		t.next = now
	}
}

// scanTodo starts a scan if one is due.
func (m *manager) scanTodo() {
	t, now := &m.todo, time.Now().Unix()
	if m.exiting || t.scanning || !t.pulled && now < t.next {
		return
	}
	if now >= t.next {
		m.watchTrigger() // somebody may have made a new one
	}
	t.pulled, t.missing, t.scanning = false, false, true
	t.next = now + todoInterval
	if m.unsure {
		layout, err := queue.Look()
		m.layout, m.unsure = layout, err != nil
	}
	begun := make(chan struct{})
	go m.scan(m.layout.Dirs("todo"), sync.OnceFunc(func() { close(begun) }))
	<-begun
}

// watchTrigger opens the trigger and has a goroutine wait for it. This comes
// before the scan, so that what the scan misses pulls the trigger.
func (m *manager) watchTrigger() {
	if m.todo.trigger != nil {
		m.todo.trigger.Close()
	}
	trigger, err := queue.OpenTrigger(string(queue.TriggerFIFO))
	m.todo.trigger = trigger
	if err != nil {
		m.todo.trigger = nil
		return
	}
	go func() {
		for m.takeRetries(); trigger.Wait() == nil; m.takeRetries() {
			m.do <- func() { m.todo.pulled = true }
		}
	}()
}

// scan lists new messages. It runs in a goroutine of its own, and calls begun once
// it has read the first of todo: what comes later pulls the trigger, and is left to
// the scan after that.
func (m *manager) scan(dirs []queue.Name, begun func()) {
	for _, dir := range dirs {
		err := queue.Walk(string(dir), func(n queue.Num) bool {
			begun()
			select {
			case m.todo.found <- n:
				return true
			case <-m.todo.stop:
				return false
			}
		})
		begun()
		if openFailed(err) {
			m.do <- func() { m.cannotScan(dir) }
		}
	}
	m.do <- m.scanned
}

// arrivals is where new messages come from, nil while enough are in work.
func (m *manager) arrivals() <-chan queue.Num {
	limit := window
	if len(m.channels[0].fresh)+len(m.channels[1].fresh) >= enough {
		limit = trickle
	}
	if m.exiting || m.todo.active-len(m.todo.lingering) >= limit || len(m.ending.removing) >= maxRemovals {
		return nil
	}
	return m.todo.found
}

func (m *manager) cannotScan(dir queue.Name) {
	m.log.print("alert: unable to opendir ", string(dir), ", sleeping...")
	m.todo.missing = true
	m.todo.next = time.Now().Add(pause).Unix()
}

func (m *manager) scanned() {
	m.todo.scanning = false
	for n, inWork := range m.todo.seen {
		if !inWork {
			delete(m.todo.seen, n)
		}
	}
}
