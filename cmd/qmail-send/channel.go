package main

import (
	"os"

	"goqmail/lib/queue"
	"goqmail/lib/spawn"
)

// channel is one of the two ways of delivery, local and remote: the program
// that delivers, and the messages to be delivered so.
type channel struct {
	name  string // "local" or "remote", in logs
	index int    // in manager.channels
	skip  int64  // added to the square root of a message's age for a retry
	list  func(queue.Layout, queue.Num) queue.Name

	to, from *os.File // pipes to and from the program
	writing  bool     // it still reads the last request
	dead     bool     // it is gone

	deliveries []delivery // under way, by the number that requests carry
	used       int        // how many of them
	limit      int        // how many there may be

	fresh schedule // messages that were not tried yet
	again schedule // messages that were
	turn  bool     // the last one tried was of again
	pass  *pass    // the message whose recipients are being started
}

// delivery is a delivery to one recipient.
type delivery struct {
	job       *job // nil if the number is free
	id        uint64
	recipient string
	pos       int64 // of its record in the list
}

// job is one try at a message on one channel.
type job struct {
	refs     int // deliveries under way, and the pass
	num      queue.Num
	ch       *channel
	sender   string
	retry    int64 // when to try next, if need be
	left     int   // recipients found that are not done for
	complete bool  // all recipients were found
	dying    bool  // this is the last try
	last     int64 // the record to mark if the list cannot be removed; -1: none
}

// over tells whether all that is left of a job is the end of its only delivery.
func (j *job) over() bool { return j.refs == 1 && j.complete && j.left == 0 }

func newChannel(name string, skip int64, list func(queue.Layout, queue.Num) queue.Name, to, from *os.File) *channel {
	return &channel{name: name, skip: skip, list: list, to: to, from: from}
}

// greet learns from the program how many deliveries it can do at a time. The
// error is spawn.ErrMixed, or says that there is no program.
func (ch *channel) greet() error {
	most, err := spawn.ReadGreeting(ch.from)
	ch.deliveries = make([]delivery, most)
	return err
}

// limitTo sets how many deliveries there may be at a time: as many as wanted,
// if the program can do them.
func (ch *channel) limitTo(wanted uint32) { ch.limit = int(min(wanted, uint32(len(ch.deliveries)))) }

// ready tells whether another delivery can be started.
func (ch *channel) ready() bool { return !ch.dead && !ch.writing && ch.used < ch.limit }

// next is the schedule with the message to try next, or nil if none is due. Of
// new messages and of those that were deferred each have their turn, so that
// neither waits until a backlog of the other is done with.
func (ch *channel) next(now int64) *schedule {
	fresh, again := ch.fresh.due(now), ch.again.due(now)
	switch {
	case fresh && (!again || ch.turn || ch.fresh[0].due < ch.again[0].due):
		return &ch.fresh
	case again:
		return &ch.again
	}
	return nil
}
