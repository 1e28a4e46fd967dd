package main

import (
	"os"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/queue"
)

// Intervals in seconds.
const (
	todoInterval   = 1500  // between looks at todo that nothing asked for
	retryInterval  = 123   // before what the system refused is tried again
	debrisInterval = 76431 // between searches for debris
)

// pause is how long to wait for an administrator.
const pause = 10 * time.Second

// manager owns what is known of the queue. Its methods are for the goroutine
// in run, but for those that say otherwise.
type manager struct {
	env     call.Env
	stderr  *os.File // descriptor 2, which qmail-queue has always had too
	log     *logger
	signals <-chan os.Signal
	do      chan func() // what other goroutines want done here
	set     *settings
	layout  queue.Layout
	unsure  bool // whether todo is split: it could not be looked at

	exiting, hurried, outdated bool // TERM, ALRM and HUP were received

	channels [2]*channel
	jobs     int    // open ones
	maxJobs  int    // and how many there may be
	started  uint64 // deliveries so far

	failed schedule // messages whose state could not be found out
	done   schedule // messages that should need no more deliveries

	todo    todo
	cleaner *cleaner
	ending  ending
	debris  debris
}

func newManager(env call.Env, log *logger, signals <-chan os.Signal, set *settings, local, remote *channel) *manager {
	now := time.Now().Unix()
	layout, err := queue.Look()
	m := &manager{
		env: env, log: log, signals: signals, set: set,
		do:       make(chan func(), 64),
		layout:   layout,
		unsure:   err != nil,
		channels: [2]*channel{local, remote},
		todo:     newTodo(now),
		ending:   newEnding(),
		debris:   debris{next: now},
	}
	for i, ch := range m.channels {
		ch.index = i
	}
	m.limit()
	return m
}

// limit sets how many deliveries and jobs there may be at a time.
func (m *manager) limit() {
	m.maxJobs = 0
	for i, ch := range m.channels {
		ch.limitTo(m.set.concurrency[i])
		m.maxJobs += ch.limit
	}
}

// run works until it is told to exit and all that is under way has ended.
func (m *manager) run() {
	m.noteSignals()
	m.logStatus()
	for _, ch := range m.channels {
		go m.listen(ch)
	}
	for !m.exiting || !m.idle() {
		m.wait()
		m.step()
	}
	m.save()
	m.log.print("status: exiting")
}

// step does one thing of each kind that is due, so that none holds up another.
func (m *manager) step() {
	if m.outdated {
		m.outdated = false
		m.reread()
	}
	m.scanTodo()
	m.settleNext()
	for _, ch := range m.channels {
		m.advance(ch)
	}
	// This comes after the end of what wait saw end: such a message is to be
	// tried again, too.
	if m.hurried {
		m.hurried = false
		m.hurry()
	}
	if now := time.Now().Unix(); m.failed.due(now) {
		m.examine(m.failed.pop().num)
	}
	m.finishNext()
	m.searchDebris()
}

// wait returns when there may be something to do, after it has done what other
// goroutines want by then. What follows from that has to wait for a step.
func (m *manager) wait() {
	n := len(m.do)
	if d := m.leisure(); d > 0 {
		m.log.flush()
		timer := time.NewTimer(d)
		select {
		case f := <-m.do:
			n = len(m.do)
			f()
		case num := <-m.arrivals():
			m.arrive(num)
		case s := <-m.signals:
			m.note(s)
			n = len(m.do)
		case <-timer.C:
		}
		timer.Stop()
	} else {
		select {
		case num := <-m.arrivals():
			m.arrive(num)
		default:
		}
	}
	for ; n > 0; n-- {
		(<-m.do)()
	}
	m.noteSignals()
}

// leisure is for how long nothing is due; nothing wakes up wait meanwhile but
// events.
func (m *manager) leisure() time.Duration {
	now := time.Now()
	wake := now.Unix() + 86400
	if !m.exiting {
		for _, ch := range m.channels {
			switch {
			case ch.pass != nil && ch.ready():
				return 0
			case ch.pass == nil && m.jobs < m.maxJobs:
				wake = ch.fresh.earlier(ch.again.earlier(wake))
			}
		}
		wake = m.failed.earlier(wake)
		if m.mayFinish() {
			wake = m.done.earlier(wake)
		}
		wake = m.todo.earlier(wake)
		wake = m.debris.earlier(wake)
	}
	return m.lingers(time.Unix(wake, 0).Sub(now))
}

// idle tells whether nothing is under way that must end before an exit. What
// was given to a program that is gone never will.
func (m *manager) idle() bool {
	for _, ch := range m.channels {
		if !ch.dead && ch.used > 0 {
			return false
		}
	}
	return m.todo.active == 0 && len(m.ending.bouncing) == 0 && m.cleaner.pending == 0
}

// sleep waits for a moment, less if a signal comes: it may be one to say that
// things are in order again.
func (m *manager) sleep() {
	m.log.flush()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case s := <-m.signals:
		m.note(s)
	case <-timer.C:
	}
}

func (m *manager) noteSignals() {
	for {
		select {
		case s := <-m.signals:
			m.note(s)
		default:
			return
		}
	}
}

func (m *manager) note(s os.Signal) {
	switch s {
	case syscall.SIGTERM:
		m.exit()
	case syscall.SIGALRM:
		m.hurried = true
	case syscall.SIGHUP:
		m.outdated = true
	}
}

// exit makes run end as soon as possible.
func (m *manager) exit() {
	if !m.exiting {
		m.exiting = true
		close(m.todo.stop)
	}
}

// hurry makes all messages due, as if all other hosts were up again.
func (m *manager) hurry() {
	now := time.Now().Unix()
	for _, ch := range m.channels {
		ch.fresh.hurry(now)
		ch.again.hurry(now)
	}
	m.todo.hurry(now)
}

func (m *manager) logStatus() {
	status := "status:"
	for _, ch := range m.channels {
		status += " " + ch.name + " " + strconv.Itoa(ch.used) + "/" + strconv.Itoa(ch.limit)
	}
	if m.exiting {
		status += " exitasap"
	}
	m.log.print(status)
}
