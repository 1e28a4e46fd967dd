package main

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/descriptor"
	"goqmail/lib/queue"
)

// status is what the queue directory tells of a message in S5.
type status struct {
	num     queue.Num
	listed  [2]bool    // whether there are local and remote recipients
	due     [2]int64   // when to try them
	refused queue.Name // file that could not be looked at
}

// load fills the schedule with the messages that were preprocessed before.
func (m *manager) load() {
	// Where the inodes must come from the disk, it helps to ask for several at a
	// time.
	dirs := m.layout.Dirs("info")
	found := make([]chan listing, len(dirs))
	tickets := make(chan struct{}, 8)
	for i, dir := range dirs {
		found[i] = make(chan listing, 1)
		go func() {
			tickets <- struct{}{}
			found[i] <- lookAll(m.layout, dir)
			<-tickets
		}()
	}
	for i, dir := range dirs {
		l := <-found[i]
		for l.refused && !m.exiting {
			m.log.print("alert: unable to opendir ", string(dir), ", sleeping...")
			m.sleep()
			m.noteSignals()
			l = lookAll(m.layout, dir)
		}
		for _, s := range l.messages {
			m.put(s)
		}
	}
}

// listing is the messages of one directory below info.
type listing struct {
	messages []status
	refused  bool // the directory cannot be opened
}

// lookAll may run in any goroutine.
func lookAll(layout queue.Layout, dir queue.Name) (l listing) {
	err := queue.Walk(string(dir), func(n queue.Num) bool {
		if s, ok := look(layout, n); ok {
			l.messages = append(l.messages, s)
		}
		return true
	})
	l.refused = openFailed(err)
	return l
}

// openFailed tells whether err, of queue.Walk, means that nothing was read. A
// directory that was read in part is good for that part.
func openFailed(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Op == "open"
}

// look finds the state of a message. ok is false if it is not in S5: then it
// is gone, or in S4 because preprocessing was interrupted. It may run in any
// goroutine.
func look(layout queue.Layout, n queue.Num) (s status, ok bool) {
	s.num = n
	var st unix.Stat_t
	switch err := stat(layout.Info(n), &st); err {
	case nil:
	case unix.ENOENT:
		return s, false
	default:
		s.refused = layout.Info(n)
		return s, true
	}
	switch err := stat(layout.Todo(n), &st); err {
	case nil:
		return s, false
	case unix.ENOENT:
	default:
		s.refused = layout.Todo(n)
		return s, true
	}
	for i, name := range [2]queue.Name{layout.Local(n), layout.Remote(n)} {
		switch err := stat(name, &st); err {
		case nil:
			s.listed[i], s.due[i] = true, int64(st.Mtim.Sec)
		case unix.ENOENT:
		default:
			s.refused = name
			return s, true
		}
	}
	return s, true
}

// put schedules a message as its status tells.
func (m *manager) put(s status) {
	now := time.Now().Unix()
	if s.refused != "" {
		m.log.print("warning: unable to stat ", string(s.refused), "; will try again later")
		m.failed.add(waiting{s.num, now + retryInterval})
		return
	}
	for i, ch := range m.channels {
		if s.listed[i] {
			ch.again.add(waiting{s.num, s.due[i]})
		}
	}
	if !s.listed[0] && !s.listed[1] {
		m.done.add(waiting{s.num, now})
	}
}

// examine looks at a message again whose state could not be found out.
func (m *manager) examine(n queue.Num) {
	if s, ok := look(m.layout, n); ok {
		m.put(s)
	}
}

// save notes on disk when to try each message next, for whoever runs next.
func (m *manager) save() {
	for _, ch := range m.channels {
		for _, e := range ch.fresh {
			ch.again.add(e)
		}
		for len(ch.again) > 0 {
			e := ch.again.pop()
			list, due := string(ch.list(m.layout, e.num)), time.Unix(e.due, 0)
			if os.Chtimes(list, due, due) != nil {
				m.log.print("warning: unable to utime ", list, "; message will be retried too soon")
			}
		}
	}
}

// stat follows symbolic links and repeats what a signal interrupts.
func stat(name queue.Name, st *unix.Stat_t) error {
	for {
		if err := unix.Stat(string(name), st); err != unix.EINTR {
			return err
		}
	}
}

// openRead opens a file of the queue for reading.
func openRead(name queue.Name) (descriptor.File, error) {
	return descriptor.Open(string(name), unix.O_RDONLY|unix.O_NONBLOCK, 0)
}

// exists tells whether there is a file. After an error it may be.
func exists(name queue.Name) (bool, error) {
	var st unix.Stat_t
	err := stat(name, &st)
	if err == unix.ENOENT {
		return false, nil
	}
	return err == nil, err
}
