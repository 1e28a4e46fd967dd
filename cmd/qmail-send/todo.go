package main

import (
	"time"

	"goqmail/lib/queue"
)

// window is how many new messages are preprocessed at a time. Most of that is
// waiting for the disk, which can write for many as fast as for one.
const window = 48

// todo is the preprocessing of new messages. A scanner lists the directory and
// waits for a slot for each message; then a preprocessor of its own takes the
// message from S4 to S5, and only then is the result, in the order of the
// directory, told to qmail-clean, to the log and to the schedule.
type todo struct {
	trigger  *queue.Trigger // nil if there is none
	pulled   bool           // since the last scan started
	scanning bool
	missing  bool  // the directory was, at the last scan
	next     int64 // when to scan in any case

	slots chan struct{} // one for each message in work
	stop  chan struct{} // closed to end the scan

	// seen is true for the messages in work. During a scan it also has those
	// that were settled since it began, as false: the scanner may come across
	// their names yet.
	seen   map[queue.Num]bool
	active int        // messages in work
	line   []*arrival // those not yet logged, in order
}

func newTodo(now int64) todo {
	return todo{
		next:  now,
		slots: make(chan struct{}, window),
		stop:  make(chan struct{}),
		seen:  map[queue.Num]bool{},
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
	go m.scan(m.layout.Dirs("todo"))
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

// scan lists new messages. It runs in a goroutine of its own.
func (m *manager) scan(dirs []queue.Name) {
	for _, dir := range dirs {
		err := queue.Walk(string(dir), func(n queue.Num) bool {
			select {
			case m.todo.slots <- struct{}{}:
			case <-m.todo.stop:
				return false
			}
			m.do <- func() { m.arrive(n) }
			return true
		})
		if openFailed(err) {
			m.do <- func() { m.cannotScan(dir) }
		}
	}
	m.do <- m.scanned
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

// arrive starts work on a new message, which holds a slot.
func (m *manager) arrive(n queue.Num) {
	if _, ok := m.todo.seen[n]; ok || m.exiting {
		<-m.todo.slots
		return
	}
	m.todo.seen[n] = true
	m.todo.active++
	a := &arrival{num: n}
	m.todo.line = append(m.todo.line, a)
	p := preprocessor{layout: m.layout, routes: m.set.routes, num: n}
	go func() {
		result := p.run()
		m.do <- func() {
			a.result = result
			m.admit()
		}
	}()
}

// arrival is a message in work.
type arrival struct {
	num    queue.Num
	result *preprocessed // nil until it is known
}

// admit goes on with the messages that are preprocessed, up to the first that
// is not. The log speaks of a bounce before it speaks of the new message that
// the bounce is, even if that is found before its qmail-queue has ended.
func (m *manager) admit() {
	for len(m.todo.line) > 0 && m.todo.line[0].result != nil {
		a := m.todo.line[0]
		if m.ending.senders[int(a.result.pid)] {
			return
		}
		m.todo.line = m.todo.line[1:]
		m.log.lines(a.result.log)
		if !a.result.ok {
			m.settle(a.num)
			continue
		}
		m.cleaner.remove(m.layout.Todo(a.num), func(answer int) {
			m.taken(a, answer)
			m.settle(a.num)
		})
	}
}

// taken schedules a message that has left todo, so that it is in S5.
func (m *manager) taken(a *arrival, answer int) {
	if !m.cleaned(m.layout.Todo(a.num), answer) {
		return // it will be found again
	}
	e := waiting{a.num, time.Now().Unix()}
	any := false
	for i, ch := range m.channels {
		if a.result.listed[i] {
			ch.fresh.add(e)
			any = true
		}
	}
	if !any {
		m.done.add(e)
	}
}

// settle ends the work on a message and gives back its slot.
func (m *manager) settle(n queue.Num) {
	if m.todo.scanning {
		m.todo.seen[n] = false
	} else {
		delete(m.todo.seen, n)
	}
	m.todo.active--
	<-m.todo.slots
}
