package smtp

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"goqmail/lib/blast"
	"goqmail/lib/exit"
	"goqmail/lib/extensions"
	"goqmail/lib/qmail"
)

// data takes a message and hands it to qmail-queue on the way.
func (s *session) data(string) error {
	mail := s.mail
	switch {
	case mail == nil:
		return s.wantMail()
	case len(mail.recipients) == 0:
		s.log("Attempted DATA before RCPT")
		return s.reply(replyWantRcpt)
	case len(mail.recipients) > 1 && mail.sender == "" && s.extensions.Has(extensions.NullSenderOneRcpt):
		s.log("Bounce with several recipients")
		return s.reply(replyOneRcpt)
	}
	s.mail = nil
	queue, err := s.queue(s.call.Env, s.call.Err())
	if err != nil {
		s.log("Unable to start qmail-queue")
		return s.reply(replyNoQueue)
	}
	s.reply(replyGo)
	queue.WriteString(s.hop.Line(s.protocol(mail), time.Now()))
	m, err := s.receive(queue)
	if err != nil {
		queue.Abort()
		return err
	}
	if m.looping() {
		queue.Fail()
	}
	queue.From(mail.sender)
	for _, recipient := range mail.recipients {
		queue.To(recipient)
	}
	if err := queue.Close(); err != nil {
		refusal := m.refusal(err)
		s.log("Message rejected (" + refusal + ")")
		return s.reply(refusal)
	}
	pid := strconv.Itoa(queue.Pid())
	s.log("Message accepted, qp " + pid + " (" + strconv.Itoa(len(mail.recipients)) + " recipients, " +
		strconv.FormatUint(m.size, 10) + " bytes)")
	return s.reply("250 ok " + strconv.FormatInt(time.Now().Unix(), 10) + " qp " + pid)
}

// refusal is the reply to a message that the queue did not take.
func (m *message) refusal(err error) string {
	switch {
	case m.looping():
		return replyLooping
	case m.tooBig:
		return replyTooBig
	case exit.Code(err) == exit.Perm:
		return "554 " + err.Error()
	}
	return "451 " + err.Error()
}

// message is what there is to know of a received message.
type message struct {
	hopCounter
	size   uint64 // bytes, as they go into the queue
	tooBig bool   // size is above databytes
}

// receive reads a message from the client and passes it to the queue.
func (s *session) receive(queue *qmail.Queue) (message, error) {
	var m message
	var decoder blast.Decoder
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	for {
		n, err := s.in.Read(b.wire[:])
		if err != nil {
			return m, err
		}
		wire := b.wire[:n]
		text, n, end, err := decoder.Decode(b.text[:0], wire)
		m.count(wire[:n])
		s.store(queue, text, &m)
		if errors.Is(err, blast.ErrBareLF) {
			return m, hangUp(replyBareLF)
		}
		if end {
			s.client.unread(wire[n:])
			return m, nil
		}
	}
}

// buffer is what a message passes through. It has room for more than commands
// need, so that a client that waits does not keep it.
type buffer struct {
	wire [8192]byte
	text [8192 + 2]byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// store writes text to the queue as long as the message is within databytes.
func (s *session) store(queue *qmail.Queue, text []byte, m *message) {
	m.size += uint64(len(text))
	if over := int64(m.size) - int64(s.databytes); s.databytes > 0 && over > 0 {
		if !m.tooBig {
			queue.Write(text[:int64(len(text))-over])
		}
		m.tooBig = true
		queue.Fail()
		return
	}
	queue.Write(text)
}
