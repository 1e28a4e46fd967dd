package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"goqmail/lib/errno"
	"goqmail/lib/queue"
)

// keeper has the counters, which are read and written side by side.
type keeper struct {
	options
	complain func(string)

	sync.Mutex // for the rest
	counters   *counters
	catchUp    catchUp
	complained string
}

// line counts a line of the log.
func (k *keeper) line(text string) {
	now := time.Now()
	l, ok := parse(strings.TrimSuffix(text, "\n"), now)
	k.Lock()
	defer k.Unlock()
	if ok && k.catchUp.counted(l) {
		return
	}
	k.counters.Lines++
	if !ok {
		k.counters.Strange++
		return
	}
	k.counters.passed(l)
	k.counters.count(l, now)
}

// tryWrite writes the files, and complains once of what keeps it from that.
func (k *keeper) tryWrite() {
	text := ""
	if err := k.write(); err != nil {
		text = "unable to write " + err.Error()
	}
	if text != "" && text != k.complained {
		k.complain(text)
	}
	k.complained = text
}

// write writes the files that are wanted.
func (k *keeper) write() error {
	now := time.Now()
	q := lookAtQueue()
	k.Lock()
	q.orFrom(k.counters)
	state, metrics, page := k.counters.save(), k.counters.metrics(q), k.counters.page(q, now)
	k.Unlock()
	var problems []error
	for _, file := range []struct {
		path string
		data []byte
	}{{k.state, state}, {k.metrics, metrics}, {k.page, page}} {
		if file.path == "" {
			continue
		}
		if err := replace(file.path, file.data); err != nil {
			problems = append(problems, errors.New(file.path+": "+errno.Text(err)))
		}
	}
	return errors.Join(problems...)
}

// queueSize is how many messages there are.
type queueSize struct {
	messages, unprocessed int
	looked                bool // in the queue, not in the log
}

// lookAtQueue counts what qmail-qstat does, if the queue lets in who runs this: root, or
// who is in group qmail.
func lookAtQueue() (q queueSize) {
	layout, err := queue.Look()
	if err != nil {
		return queueSize{}
	}
	for _, kind := range []struct {
		name string
		n    *int
	}{{"mess", &q.messages}, {"todo", &q.unprocessed}} {
		for _, dir := range layout.Dirs(kind.name) {
			if queue.Walk(dir.Path(), func(queue.Num) bool { *kind.n++; return true }) != nil {
				return queueSize{}
			}
		}
	}
	q.looked = true
	return q
}

// orFrom takes what the log tells where the queue could not be looked at.
func (q *queueSize) orFrom(c *counters) {
	if !q.looked {
		q.messages = len(c.Messages)
	}
}

// serve answers HTTP requests for the metrics on the socket, until stop is called.
func (k *keeper) serve() (stop func(), err error) {
	// What an earlier run left would be in the way; anything else is not ours.
	if st, err := os.Lstat(k.socket); err == nil && st.Mode()&os.ModeSocket != 0 {
		os.Remove(k.socket)
	}
	listener, err := net.Listen("unix", k.socket)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			q := lookAtQueue()
			k.Lock()
			q.orFrom(k.counters)
			text := k.counters.metrics(q)
			k.Unlock()
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			w.Write(text)
		}),
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, MaxHeaderBytes: 16384,
	}
	go server.Serve(listener)
	return func() { server.Close() }, nil
}
