package main

import (
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"goqmail/lib/descriptor"
	"goqmail/lib/queue"
	"goqmail/lib/spawn"
)

// report is what a spawn program tells of a delivery.
type report struct {
	number int
	status byte   // K success, Z deferral, D failure
	text   string // at most spawn.TextMax bytes
}

// parse returns the reports that data completes.
func parse(parser *spawn.Reports, data []byte) (reports []report) {
	parser.Parse(data, func(number int, b []byte) {
		r := report{number: number}
		if len(b) > 0 {
			r.status, r.text = b[0], string(b[1:])
		}
		reports = append(reports, r)
	})
	return reports
}

// listen reads reports from the program of a channel. It runs in a goroutine
// of its own, and waits until what it read is dealt with before it reads on.
func (m *manager) listen(ch *channel) {
	var parser spawn.Reports
	var buf [2048]byte
	handled := make(chan struct{})
	for {
		n, err := ch.from.Read(buf[:])
		if reports := parse(&parser, buf[:n]); len(reports) > 0 {
			m.do <- func() { m.report(ch, reports, handled) }
			<-handled
		}
		if err != nil {
			m.do <- func() { m.spawnDied(ch) }
			return
		}
	}
}

// result is a report with what it is about.
type result struct {
	delivery *delivery // nil if the report is about none
	status   byte
	text     string
	note     *note // of a failure
}

// report deals with reports, and then tells handled so. The text of a bounce
// must be on disk before the recipient it is about is marked as done, so
// reports of failures wait for the disk, together, while other work goes on. So
// do reports on messages that are in S4 and will not be over with them: what they
// tell would be lost in a crash.
func (m *manager) report(ch *channel, reports []report, handled chan<- struct{}) {
	results := m.judge(ch, reports)
	conclude := func() {
		for _, r := range results {
			m.conclude(ch, r)
		}
		handled <- struct{}{}
	}
	var notes []*note
	var early []*arrival
	for _, r := range results {
		if r.note != nil {
			notes = append(notes, r.note)
		}
		if a := m.early(r); a != nil {
			early = append(early, a)
			m.hasten(a)
		}
	}
	if len(notes) == 0 && len(early) == 0 {
		conclude()
		return
	}
	go func() {
		for _, a := range early {
			<-a.tried
		}
		var written sync.WaitGroup
		for _, n := range notes {
			if n.write() == nil {
				written.Go(n.sync)
			}
		}
		written.Wait()
		m.do <- conclude
	}()
}

// early is the message that a result comes too early for: it is in S4, and will
// be neither delivered nor over with it. It is nil if there is none.
func (m *manager) early(r result) *arrival {
	if r.delivery == nil {
		return nil
	}
	j := r.delivery.job
	a := m.todo.begun[j.num]
	if a == nil || r.status == 'K' && j.refs == 1 && j.complete && j.left == 1 && a.result.listed[0] != a.result.listed[1] {
		return nil
	}
	return a
}

// judge finds the deliveries that reports are about, and for a message that is
// in its last try makes deferrals failures.
func (m *manager) judge(ch *channel, reports []report) []result {
	results := make([]result, len(reports))
	for i, r := range reports {
		if r.number >= len(ch.deliveries) {
			continue
		}
		d := &ch.deliveries[r.number]
		if d.job == nil || slices.ContainsFunc(results[:i], func(r result) bool { return r.delivery == d }) {
			continue
		}
		if r.status == 'Z' && d.job.dying {
			r.status = 'D'
			if len(r.text) == spawn.TextMax() {
				r.text = r.text[:len(r.text)-1]
			}
			r.text += "I'm not going to try again; this message has been in the queue too long.\n"
		}
		results[i] = result{delivery: d, status: r.status, text: r.text}
		if r.status == 'D' {
			results[i].note = newNote(m.layout.Bounce(d.job.num), queue.BounceText(m.set.routes.Original(d.recipient), r.text))
		}
	}
	return results
}

// conclude ends a delivery.
func (m *manager) conclude(ch *channel, r result) {
	d := r.delivery
	if d == nil {
		m.log.print("warning: internal error: delivery report out of range")
		return
	}
	j, what := d.job, "delivery "+strconv.FormatUint(d.id, 10)+": "
	switch r.status {
	case 'K':
		m.log.print(what, "success: ", safe(r.text))
		m.markDone(d)
	case 'Z':
		m.log.print(what, "deferral: ", safe(r.text))
	case 'D':
		m.log.print(what, "failure: ", safe(r.text))
		for r.note.err != nil {
			m.log.print("alert: unable to append to bounce message; HELP! sleeping...")
			m.sleep()
			if r.note.write() == nil {
				r.note.sync()
			}
		}
		r.note.close()
		m.markDone(d)
	default:
		m.log.print(what, "report mangled, will defer")
	}
	m.release(j)
	*d = delivery{}
	ch.used--
	m.logStatus()
}

// markDone notes in the list that nothing more is to be done for a recipient.
// It is not synced: should the mark be lost in a power cut, the recipient gets
// the message, or the sender the bounce, a second time. For the last recipient
// it is not even written, because release removes the list next.
func (m *manager) markDone(d *delivery) {
	d.job.left--
	if d.job.over() {
		d.job.last = d.pos
		return
	}
	m.mark(d.job, d.pos)
}

// mark writes the mark for the record at pos.
func (m *manager) mark(j *job, pos int64) {
	if l := m.kept(j.ch, j.num); l != nil {
		l.text[pos] = queue.Done
		return
	}
	list := j.ch.list(m.layout, j.num)
	f, err := descriptor.Open(string(list), unix.O_WRONLY, 0)
	if err == nil {
		_, err = unix.Pwrite(int(f), []byte{queue.Done}, pos)
		f.Close()
	}
	if err != nil {
		m.log.print("warning: trouble marking ", string(list), "; message will be delivered twice!")
	}
}
