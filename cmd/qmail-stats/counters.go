package main

import (
	"slices"
	"time"
)

// What is kept of what has no natural end. What comes beyond is counted, but not told
// apart: a log cannot make this program grow.
const (
	maxReasons    = 100
	maxEvents     = 50
	maxDeliveries = 20000
	maxMessages   = 100000
)

// The results of deliveries.
const (
	succeeded = iota
	deferred
	failed
	results
)

var resultNames = [results]string{"success", "deferral", "failure"}

// channels are where deliveries go. One whose start is not in the log went somewhere.
var channels = [...]string{"local", "remote", "unknown"}

const unknown = 2

// counters are what the log told. They are the state file, too: all that a later
// run has to know.
type counters struct {
	Lines, Strange             uint64 // of the log, and those that are none of qmail's
	New, Bytes, Ended, Bounces uint64
	Discarded                  map[string]uint64 // double and triple bounces
	Started                    [len(channels)]uint64
	Results                    [len(channels)][results]uint64
	Reasons                    map[string]uint64 // by "result channel reason"
	Alerts, Warnings           uint64
	LastAlert                  string
	LastAlertAt                time.Time
	Exited                     bool              // qmail-send did, last of all
	Events                     map[string]uint64 // by "source what"
	Running, Limit             [2]uint64         // the last status
	Last                       map[source]position
	Messages                   map[uint64]int64 // in the queue: since when, in Unix milliseconds, 0 unknown
	Deliveries                 map[uint64]delivery
	DeliverySeconds            [len(channels)]histogram
	QueueSeconds               histogram
	Minutes, Hours             slots
}

// position is the time of the last line that counted, and which lines with that time did,
// by their sums. So what is read again after a restart does not count again, and what
// only has the same time does.
type position struct {
	At    time.Time
	Lines []uint64
}

// maxSame is how many lines with one time are told apart.
const maxSame = 4096

// delivery is one under way.
type delivery struct {
	Remote bool
	Since  time.Time
}

func newCounters() *counters {
	return &counters{
		Discarded: map[string]uint64{}, Reasons: map[string]uint64{}, Events: map[string]uint64{}, Last: map[source]position{},
		Messages: map[uint64]int64{}, Deliveries: map[uint64]delivery{},
		Minutes: slots{Length: time.Minute, Most: 60}, Hours: slots{Length: time.Hour, Most: 24},
	}
}

// count counts a line. now is the time by the clock.
func (c *counters) count(l line, now time.Time) {
	if l.source == send {
		c.Exited = l.kind == exiting
	}
	switch l.kind {
	case newMessage:
		c.New++
		c.keepMessage(l.message, l.at.UnixMilli())
		c.recent(l.at, now, func(s *slot) { s.New++ })
	case info:
		c.Bytes += l.bytes
	case bounce:
		c.Bounces++
	case discarded:
		c.Discarded[l.text]++
	case end:
		c.Ended++
		if since := c.Messages[l.message]; since != 0 {
			c.QueueSeconds.add(l.at.Sub(time.UnixMilli(since)))
		}
		delete(c.Messages, l.message)
	case start:
		c.starts(l)
	case success:
		c.ends(l, succeeded, now)
	case deferral:
		c.ends(l, deferred, now)
	case failure:
		c.ends(l, failed, now)
	case status:
		c.Running, c.Limit = l.running, l.limit
	case exiting:
		c.Running = [2]uint64{}
		clear(c.Deliveries) // the next qmail-send numbers its own
	case alert:
		c.Alerts++
		c.LastAlert, c.LastAlertAt = l.text, l.at
	case warning:
		c.Warnings++
	case event:
		add(c.Events, string(l.source)+" "+l.text, string(l.source)+" other", maxEvents)
	}
}

// keepMessage notes that a message is in the queue.
func (c *counters) keepMessage(n uint64, since int64) {
	if len(c.Messages) < maxMessages {
		c.Messages[n] = since
	}
}

func (c *counters) starts(l line) {
	c.Started[channel(l.remote)]++
	if len(c.Deliveries) < maxDeliveries {
		c.Deliveries[l.delivery] = delivery{l.remote, l.at}
	}
	if _, ok := c.Messages[l.message]; !ok { // from before the log
		c.keepMessage(l.message, 0)
	}
}

func (c *counters) ends(l line, result int, now time.Time) {
	to := unknown
	if d, ok := c.Deliveries[l.delivery]; ok {
		to = channel(d.Remote)
		c.DeliverySeconds[to].add(l.at.Sub(d.Since))
		delete(c.Deliveries, l.delivery)
	}
	c.Results[to][result]++
	why := ""
	if result != succeeded {
		prefix := resultNames[result] + " " + channels[to] + " "
		why = add(c.Reasons, prefix+reason(l.text), prefix+"other", maxReasons)
	}
	c.recent(l.at, now, func(s *slot) { s.end(result, why) })
}

func channel(remote bool) int {
	if remote {
		return 1
	}
	return 0
}

// add counts under a name or, if there are too many, under another. It returns
// which.
func add(counts map[string]uint64, name, otherwise string, most int) string {
	if _, ok := counts[name]; !ok && len(counts) >= most {
		name = otherwise
	}
	counts[name]++
	return name
}

// recent notes something in what is known of the last hour and the last day.
func (c *counters) recent(at, now time.Time, note func(*slot)) {
	for _, s := range []*slots{&c.Minutes, &c.Hours} {
		if slot := s.at(at, now); slot != nil {
			note(slot)
		}
	}
}

// catchUp tells whether a line has been counted before the program was started again:
// none of a source has from the first on that is newer than its last.
type catchUp map[source]position

func newCatchUp(c *counters) catchUp {
	up := catchUp{}
	for s, p := range c.Last {
		up[s] = p
	}
	return up
}

func (up catchUp) counted(l line) bool {
	last, ok := up[l.source]
	switch {
	case !ok:
		return false
	case l.at.After(last.At):
		delete(up, l.source)
		return false
	case l.at.Equal(last.At):
		i := slices.Index(last.Lines, l.sum)
		if i < 0 {
			return false
		}
		// Once for each time it counted.
		up[l.source] = position{last.At, slices.Delete(slices.Clone(last.Lines), i, i+1)}
	}
	return true
}

// passed moves a source's position to a line that counts.
func (c *counters) passed(l line) {
	p := c.Last[l.source]
	if !p.At.Equal(l.at) {
		p = position{At: l.at}
	}
	if len(p.Lines) < maxSame {
		p.Lines = append(p.Lines, l.sum)
	}
	c.Last[l.source] = p
}
