package main

import (
	"slices"
	"time"

	"goqmail/lib/queue"
)

// A message lingers for so long, but in a test, and so many do, before what is
// known of it is made durable.
var lingerTime = 100 * time.Millisecond

const lingerMax = 80

// arrival is a new message in work.
//
// Once it is preprocessed its deliveries begin, but it stays in S4: it lingers.
// If all of it is delivered meanwhile, as most mail is at once, todo can go, and
// info, local and remote have never needed to be durable, nor, unless they are
// long, to be files. If not, or at the first report that does not end it, they
// become both, and only todo goes. Until it is gone a crash has the message preprocessed
// and delivered again, so that nothing is lost. A qmail-clean that cannot remove todo
// would have that happen with each restart; so nothing lingers unless the last
// removal went well.
type arrival struct {
	num    queue.Num
	result *preprocessed // nil until it is known
	until  time.Time     // it lingers
	over   bool          // nothing is left to be delivered
	ended  bool          // and so there is no info
	failed bool          // to settle, at the first try
	tried  chan struct{} // closed after that
}

// fail notes that a message could not be settled.
func (a *arrival) fail() {
	if !a.failed {
		a.failed = true
		close(a.tried)
	}
}

// arrive starts work on a new message.
func (m *manager) arrive(n queue.Num) {
	if _, ok := m.todo.seen[n]; ok {
		return
	}
	m.todo.seen[n] = true
	m.todo.active++
	a := &arrival{num: n, tried: make(chan struct{})}
	m.todo.line = append(m.todo.line, a)
	p := preprocessor{layout: m.layout, routes: m.set.routes, num: n, lazy: m.todo.removes}
	go func() {
		result := p.run()
		m.do <- func() {
			a.result = result
			m.admit()
		}
	}()
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
		switch {
		case !a.result.ok:
			m.forget(a)
		case m.todo.removes:
			m.begin(a)
			m.linger(a, lingerTime)
		default:
			m.settle(a)
		}
	}
}

// begin schedules the deliveries of a message.
func (m *manager) begin(a *arrival) {
	m.todo.begun[a.num] = a
	a.over = true
	for i, ch := range m.channels {
		if a.result.listed[i] {
			ch.fresh.add(waiting{a.num, time.Now().Unix()})
			a.over = false
		}
	}
}

func (m *manager) linger(a *arrival, d time.Duration) {
	if a.over && !a.failed {
		d = 0
	}
	a.until = time.Now().Add(d)
	i, _ := slices.BinarySearchFunc(m.todo.lingering, a, func(x, y *arrival) int { return x.until.Compare(y.until) })
	m.todo.lingering = slices.Insert(m.todo.lingering, i, a)
}

// lingers is for how long no message is to end that, at most d.
func (m *manager) lingers(d time.Duration) time.Duration {
	switch l := m.todo.lingering; {
	case len(l) == 0:
		return d
	case m.exiting || len(l) > lingerMax:
		return 0
	default:
		return min(d, time.Until(l[0].until))
	}
}

// settleNext settles the next message that has lingered, if one has.
func (m *manager) settleNext() {
	if len(m.todo.lingering) > 0 && m.lingers(1) <= 0 {
		a := m.todo.lingering[0]
		m.todo.lingering = m.todo.lingering[1:]
		m.settle(a)
	}
}

// delivered is for a message with nothing left to be delivered.
func (m *manager) delivered(n queue.Num) {
	if a := m.todo.begun[n]; a != nil {
		a.over = true
		m.hasten(a)
	} else {
		m.done.add(waiting{n, time.Now().Unix()})
	}
}

// hasten settles a message now if it lingers.
func (m *manager) hasten(a *arrival) {
	if i := slices.Index(m.todo.lingering, a); i >= 0 {
		m.todo.lingering = slices.Delete(m.todo.lingering, i, i+1)
		m.settle(a)
	}
}

// settle takes a message from S4 to S5, or to S2 if it is over.
func (m *manager) settle(a *arrival) {
	if a.over && !a.failed && m.mayEnd(a) {
		if a.ended = a.result.info.f == 0 || m.unlinkInfo(a.num); a.ended {
			m.removeTodo(a)
			return
		}
		a.fail()
	}
	err := a.result.storeAll() // here, where others ask whether there are files
	go func() {
		if err == nil {
			err = a.result.sync()
		}
		m.do <- func() {
			if err != nil {
				m.log.print("warning: ", err.Error())
				m.unsettled(a)
				return
			}
			m.removeTodo(a)
		}
	}()
}

// mayEnd tells whether a message that is over can do without S5, where a bounce
// is sent, which may be there from before a crash, and what has no sender stays.
func (m *manager) mayEnd(a *arrival) bool {
	bounce, err := exists(m.layout.Bounce(a.num))
	if bounce || err != nil {
		return false
	}
	_, err = m.readInfo(a.num)
	return err == nil
}

func (m *manager) removeTodo(a *arrival) {
	todo := m.layout.Todo(a.num)
	m.cleaner.remove(todo, func(answer int) {
		m.todo.removes = m.cleaned(todo, answer)
		if m.todo.removes {
			m.settled(a)
		} else {
			m.unsettled(a)
		}
	})
}

// settled is for a message that has left S4.
func (m *manager) settled(a *arrival) {
	if m.todo.begun[a.num] == nil {
		m.begin(a)
	}
	m.forget(a)
	switch {
	case a.ended:
		m.log.print("end msg ", a.num.String())
		m.remove(a.num)
	case a.over:
		m.delivered(a.num)
	}
}

// unsettled is for a message that has to stay in S4 for now. If its deliveries
// have not begun it will be found again.
func (m *manager) unsettled(a *arrival) {
	if m.todo.begun[a.num] == nil || m.exiting {
		m.forget(a)
		return
	}
	a.fail()
	m.linger(a, retryInterval*time.Second)
}

// forget ends the work on a message.
func (m *manager) forget(a *arrival) {
	a.result.close()
	if !a.failed {
		close(a.tried)
	}
	if m.todo.scanning {
		m.todo.seen[a.num] = false
	} else {
		delete(m.todo.seen, a.num)
	}
	delete(m.todo.begun, a.num)
	m.todo.active--
}
