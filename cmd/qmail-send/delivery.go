package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/descriptor"
	"goqmail/lib/queue"
	"goqmail/lib/spawn"
)

// pass is the reading of one message's list of recipients, by which its
// deliveries are started.
type pass struct {
	job     *job
	list    queue.Name
	f       descriptor.File // 0: the list has none
	records *queue.Reader
}

// advance starts one more delivery on a channel, or takes another step that
// leads to one.
func (m *manager) advance(ch *channel) {
	if m.exiting || ch.pass == nil && !m.openNext(ch) || !ch.ready() {
		return
	}
	p := ch.pass
	record, err := p.records.Next()
	switch {
	case err == io.EOF:
		p.job.complete = true
		m.closePass(ch)
	case err != nil:
		m.log.print("warning: trouble reading ", string(p.list), "; will try again later")
		m.closePass(ch)
	case record.Type == queue.ToDo:
		m.deliver(p.job, record.Text, record.Pos)
	case record.Type == queue.Done:
	case record.Type == queue.Held:
		p.job.left++ // so the message stays
	default:
		m.log.print("warning: unknown record type in ", string(p.list), "!")
		m.closePass(ch)
	}
}

// openNext opens a pass over the message that is to be tried next. It returns
// false if there is none or it cannot be opened.
func (m *manager) openNext(ch *channel) bool {
	if m.jobs >= m.maxJobs {
		return false
	}
	now := time.Now().Unix()
	s := ch.next(now)
	if s == nil {
		return false
	}
	e := s.pop()
	ch.turn = s == &ch.again
	trouble := func(file queue.Name) bool {
		m.log.print("warning: trouble opening ", string(file), "; will try again later")
		ch.again.add(waiting{e.num, now + retryInterval})
		return false
	}
	list := ch.list(m.layout, e.num)
	p := &pass{list: list}
	if l := m.kept(ch, e.num); l != nil {
		p.records = queue.NewReader(bytes.NewReader(l.text))
	} else {
		f, err := openRead(list)
		if err != nil {
			return trouble(list)
		}
		p.f, p.records = f, queue.NewReader(f)
	}
	info, err := m.readInfo(e.num)
	if err != nil {
		p.close()
		return trouble(m.layout.Info(e.num))
	}
	m.jobs++
	p.job = &job{
		refs: 1, num: e.num, ch: ch, sender: info.sender, last: -1,
		retry: nextRetry(info.birth, now, ch.skip),
		dying: now > info.birth+m.set.lifetime,
	}
	ch.pass = p
	return true
}

func (p *pass) close() {
	if p.f != 0 {
		p.f.Close()
	}
}

func (m *manager) closePass(ch *channel) {
	ch.pass.close()
	m.release(ch.pass.job)
	ch.pass = nil
}

// kept is a message's list on a channel while that needs no file; else it is nil.
func (m *manager) kept(ch *channel, n queue.Num) *list {
	if a := m.todo.begun[n]; a != nil {
		if l := a.result.lists[ch.index]; l != nil && l.f == 0 {
			return l
		}
	}
	return nil
}

// removeList removes a message's list on a channel.
func (m *manager) removeList(ch *channel, n queue.Num) error {
	if m.kept(ch, n) != nil {
		m.todo.begun[n].result.lists[ch.index] = nil
		return nil
	}
	return unix.Unlink(string(ch.list(m.layout, n)))
}

// hasList tells whether a message has a list on a channel. After an error it may.
func (m *manager) hasList(ch *channel, n queue.Num) (bool, error) {
	if a := m.todo.begun[n]; a != nil {
		if l := a.result.lists[ch.index]; l == nil || l.f == 0 {
			return l != nil, nil
		}
	}
	return exists(ch.list(m.layout, n))
}

// info is what the file of that name tells of a message.
type info struct {
	sender string
	birth  int64 // time of arrival
}

var errNoSender = errors.New("no sender")

func (m *manager) readInfo(n queue.Num) (info, error) {
	if a := m.todo.begun[n]; a != nil && a.result.info.f == 0 {
		return parseInfo(bytes.NewReader(a.result.info.text), a.result.birth)
	}
	f, err := openRead(m.layout.Info(n))
	if err != nil {
		return info{}, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f), &st); err != nil {
		return info{}, err
	}
	return parseInfo(f, int64(st.Mtim.Sec))
}

func parseInfo(r io.Reader, birth int64) (info, error) {
	record, err := queue.NewReader(r).Next()
	if err == nil && record.Type != queue.Sender {
		err = errNoSender
	}
	return info{record.Text, birth}, err
}

// deliver asks the program of the job's channel, which must be ready, for a
// delivery.
func (m *manager) deliver(j *job, recipient string, pos int64) {
	ch := j.ch
	number := 0
	for ch.deliveries[number].job != nil {
		number++
	}
	m.started++
	ch.deliveries[number] = delivery{job: j, id: m.started, recipient: recipient, pos: pos}
	ch.used++
	j.refs++
	j.left++

	m.log.print("starting delivery ", strconv.FormatUint(m.started, 10), ": msg ", j.num.String(),
		" to ", ch.name, " ", safe(recipient))
	m.logStatus()
	m.request(ch, spawn.AppendRequest(nil, spawn.Request{
		Num: number, Mess: m.layout.SplitName(j.num), Sender: perRecipient(j.sender, recipient), Recipient: recipient,
	}))
}

// request writes to the program of a channel, without waiting for it if it
// does not read.
func (m *manager) request(ch *channel, b []byte) {
	ch.writing = true
	write := func() func() {
		_, err := ch.to.Write(b)
		return func() {
			ch.writing = false
			if err != nil {
				m.spawnDied(ch)
			}
		}
	}
	if takes(ch.to, len(b)) {
		write()()
	} else {
		go func() { m.do <- write() }()
	}
}

// takes tells whether n bytes can be written to a pipe at once. A pipe that can
// be written to at all takes 512 in any system, PIPE_BUF in POSIX.
func takes(pipe *os.File, n int) bool {
	raw, err := pipe.SyscallConn()
	if err != nil || n > 512 {
		return false
	}
	ready := false
	raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(poll, 0)
		ready = n == 1 && err == nil
	})
	return ready
}

// spawnDied copes with the death of the program of a channel: its deliveries
// will be tried again by the next qmail-send.
func (m *manager) spawnDied(ch *channel) {
	if !ch.dead {
		ch.dead = true
		m.log.print("alert: oh no! lost spawn connection! dying...")
		m.exit()
	}
}

// release ends the part in a job that a delivery or the pass has. With the last
// of them the job is over, and the message waits for its next try, or is done
// on this channel.
func (m *manager) release(j *job) {
	j.refs--
	if j.refs > 0 {
		return
	}
	m.jobs--
	if !j.complete || j.left > 0 {
		j.ch.again.add(waiting{j.num, j.retry})
		return
	}
	now := time.Now().Unix()
	list := j.ch.list(m.layout, j.num)
	if m.removeList(j.ch, j.num) != nil {
		if j.last >= 0 {
			m.mark(j, j.last)
		}
		m.log.print("warning: unable to unlink ", string(list), "; will try again later")
		j.ch.again.add(waiting{j.num, now + retryInterval})
		return
	}
	other := m.channels[1-j.ch.index]
	more, err := m.hasList(other, j.num)
	if err != nil {
		m.log.print("warning: unable to stat ", string(other.list(m.layout, j.num)))
	}
	if !more {
		m.delivered(j.num)
	}
}
