package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/databytes"
	"goqmail/lib/exit"
	"goqmail/lib/netstring"
	"goqmail/lib/qmail"
	"goqmail/lib/rcpthosts"
	"goqmail/lib/received"
)

// maxAddress is more than the bytes that an address may have.
const maxAddress = 1000

// maxRecipients is how many recipients a message may have: each leaves a byte to
// remember.
const maxRecipients = 16 << 20

// errTrouble is what we have of our own: the client may try again later.
var errTrouble = errors.New("trouble")

// session is one connection. It brings any number of messages.
type session struct {
	call        *call.Call
	in          *bufio.Reader
	out         *bufio.Writer // written out whenever we wait for the client
	hop         received.Hop
	rcptHosts   *rcpthosts.Hosts
	relayClient *string // RELAYCLIENT: accept all recipients, and append this
	databytes   int64   // most bytes of a message; 0: any number
}

func newSession(c *call.Call) (*session, error) {
	if err := qmail.CheckHome(); err != nil {
		return nil, err
	}
	if _, _, err := control.Line("me"); err != nil { // as all who read control files
		return nil, err
	}
	limit, err := databytes.Limit(c.Env)
	if err != nil {
		return nil, err
	}
	hosts, err := rcpthosts.Open()
	if err != nil {
		return nil, err
	}
	s := &session{
		call: c, out: bufio.NewWriterSize(c.Out(), 256),
		hop: received.FromEnv(c.Env), rcptHosts: hosts, databytes: int64(limit),
	}
	s.in = bufio.NewReaderSize(flushing{c.In(), s.out}, 512)
	if value, ok := c.Env.Lookup("RELAYCLIENT"); ok {
		s.relayClient = &value
	}
	return s, nil
}

// flushing writes out what is to be written before it reads.
type flushing struct {
	r io.Reader
	w *bufio.Writer
}

func (f flushing) Read(p []byte) (int, error) {
	if err := f.w.Flush(); err != nil {
		return 0, err
	}
	return f.r.Read(p)
}

// message takes one message and answers. An answer that cannot be sent shows at
// the next read.
func (s *session) message() error {
	n, err := netstring.Length(s.in)
	if err != nil {
		return err
	}
	if n == 0 {
		return netstring.ErrFormat
	}
	queue, err := qmail.Open(s.call.Env, s.call.Err())
	if err != nil {
		return errTrouble
	}
	m := mail{Queue: queue, limit: s.databytes}
	if err := s.receive(&m, n); err != nil {
		queue.Abort()
		return err
	}
	if !m.wanted {
		m.Fail()
	}
	s.answer(&m, queue.Close())
	return nil
}

// mail is a message under way.
type mail struct {
	*qmail.Queue
	limit, size int64 // of the text
	tooBig      bool
	badSender   bool
	wanted      bool   // there is a recipient to be had
	verdicts    []byte // on each recipient: accepted, foreign or odd
}

const (
	accepted = iota
	foreign  // not in rcpthosts
	odd      // too long, or with a NUL in it
)

// receive takes a message with a text of n bytes.
func (s *session) receive(m *mail, n int) error {
	if err := s.text(m, n); err != nil {
		return err
	}
	if err := s.sender(m); err != nil {
		return err
	}
	return s.recipients(m)
}

func (s *session) sender(m *mail) error {
	n, err := netstring.Length(s.in)
	if err != nil {
		return err
	}
	sender, ok, err := s.address(n, maxAddress)
	if err != nil {
		return err
	}
	sender, _, _ = strings.Cut(sender, "\x00")
	m.From(sender)
	if !ok {
		m.badSender = true
		m.Fail()
	}
	return nil
}

// recipients reads a netstring of netstrings.
func (s *session) recipients(m *mail) error {
	left, err := netstring.Length(s.in)
	if err != nil {
		return err
	}
	for left > 0 {
		n, err := s.innerLength(&left)
		if err != nil {
			return err
		}
		if err := s.recipient(m, n); err != nil {
			return err
		}
		left -= n + 1
	}
	return netstring.Comma(s.in)
}

// innerLength reads a length from a netstring of which left bytes are left. What
// is no digit counts as one all the same: the sum is almost always absurd.
func (s *session) innerLength(left *int) (int, error) {
	var n uint64
	for {
		if *left == 0 {
			return 0, netstring.ErrFormat
		}
		c, err := s.in.ReadByte()
		if err != nil {
			return 0, err
		}
		*left--
		if c == ':' {
			break
		}
		if n > 200000000 {
			return 0, netstring.ErrTooLong
		}
		n = 10*n + uint64(int8(c)) - '0'
	}
	if n >= uint64(*left) {
		return 0, netstring.ErrFormat
	}
	return int(n), nil
}

func (s *session) recipient(m *mail, n int) error {
	if len(m.verdicts) >= maxRecipients {
		return netstring.ErrTooLong
	}
	limit := maxAddress
	if s.relayClient != nil {
		limit -= len(*s.relayClient)
	}
	recipient, ok, err := s.address(n, limit)
	if err != nil {
		return err
	}
	verdict := byte(accepted)
	if !ok {
		verdict = odd
	}
	if s.relayClient != nil {
		recipient += *s.relayClient
	} else if n < limit {
		allowed, err := s.rcptHosts.Allow(recipient)
		if err != nil {
			return errTrouble
		}
		if !allowed {
			verdict = foreign
		}
	}
	if verdict == accepted {
		m.To(recipient)
		m.wanted = true
	}
	m.verdicts = append(m.verdicts, verdict)
	return nil
}

// address reads n bytes and a comma. ok is false if there are limit bytes or
// more, which address skips, or if a NUL is among them.
func (s *session) address(n, limit int) (address string, ok bool, err error) {
	ok = n < limit
	var b []byte
	for n > 0 {
		piece, err := s.next(n)
		if err != nil {
			return "", false, err
		}
		n -= len(piece)
		if ok {
			b = append(b, piece...)
		}
	}
	return string(b), ok && bytes.IndexByte(b, 0) < 0, netstring.Comma(s.in)
}

// next returns the next bytes, at least one and at most n. They are good until
// the next read.
func (s *session) next(n int) ([]byte, error) {
	if _, err := s.in.Peek(1); err != nil {
		return nil, err
	}
	piece, _ := s.in.Peek(min(n, s.in.Buffered()))
	s.in.Discard(len(piece))
	return piece, nil
}

// answer tells for each recipient what became of the message. err is what the
// queue says.
func (s *session) answer(m *mail, err error) {
	text := ""
	switch {
	case m.tooBig:
		text = "Dsorry, that message size exceeds my databytes limit (#5.3.4)"
	case m.badSender:
		text = "Dunacceptable sender (#5.1.7)"
	case err == nil:
		text = "Kok " + strconv.FormatInt(time.Now().Unix(), 10) + " qp " + strconv.Itoa(m.Pid())
	case exit.Code(err) == exit.Perm:
		text = "D" + err.Error()
	default:
		text = "Z" + err.Error()
	}
	for _, verdict := range m.verdicts {
		switch verdict {
		case accepted:
			s.put(text)
		case foreign:
			s.put("Dsorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)")
		case odd:
			s.put("Dsorry, I can't handle that recipient (#5.1.3)")
		}
	}
}

// put sends an answer in one piece.
func (s *session) put(text string) {
	b := netstring.Append(nil, text)
	if len(b) > s.out.Available() {
		s.out.Flush()
	}
	s.out.Write(b)
}
