package main

import (
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/queue"
)

// debris is the search for messages that a qmail-queue which died left in S2
// or S3.
type debris struct {
	searching bool
	next      int64 // when to search again
}

// earlier is the time of the next search if that is before t, else t.
func (d *debris) earlier(t int64) int64 {
	if d.searching {
		return t
	}
	return min(t, d.next)
}

// searchDebris starts a search if one is due.
func (m *manager) searchDebris() {
	if m.exiting || m.debris.searching || time.Now().Unix() < m.debris.next {
		return
	}
	m.debris.searching = true
	layout := m.layout
	go func() {
		for _, dir := range layout.Dirs("mess") {
			m.searchDir(layout, dir)
		}
		m.do <- func() {
			m.debris.searching = false
			m.debris.next = time.Now().Unix() + debrisInterval
		}
	}()
}

// searchDir looks through one directory of messages. It runs in a goroutine of
// its own and has what it finds removed one by one.
func (m *manager) searchDir(layout queue.Layout, dir queue.Name) {
	for openFailed(queue.Walk(string(dir), func(n queue.Num) bool {
		if isDebris(layout, n) {
			looked := make(chan struct{})
			m.do <- func() {
				m.removeDebris(n)
				close(looked)
			}
			<-looked
		}
		return true
	})) {
		m.do <- func() { m.log.print("alert: unable to opendir ", string(dir), ", sleeping...") }
		time.Sleep(pause)
	}
}

// isDebris tells whether a message is in S2 or S3 and has been for long enough.
// Todo comes before info: a message that goes from S4 to S5 meanwhile has at
// least one of them when it is looked for.
func isDebris(layout queue.Layout, n queue.Num) bool {
	var st unix.Stat_t
	if stat(layout.Mess(n), &st) != nil {
		return false
	}
	if read := time.Unix(st.Atim.Unix()); time.Since(read) <= queue.Ossified {
		return false
	}
	for _, name := range []queue.Name{layout.Todo(n), layout.Info(n)} {
		if there, err := exists(name); there || err != nil {
			return false
		}
	}
	return true
}

// removeDebris removes a message that was found to be debris. It looks again,
// because the message may have been removed meanwhile, and the number given to
// another.
func (m *manager) removeDebris(n queue.Num) {
	if !m.ending.removing[n] && isDebris(m.layout, n) {
		m.remove(n)
	}
}
