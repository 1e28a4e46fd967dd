package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// envelope is what goes with the message.
type envelope struct {
	sender      string
	user        string // for whom; "" for nobody in particular
	ignoreQuota bool
}

// recipient is somebody who is to get the message.
type recipient struct {
	address string
	reply   reply // "" until it is known what becomes of it
}

// reply is the last line of a reply.
type reply string

func (r reply) good() bool      { return strings.HasPrefix(string(r), "2") }
func (r reply) temporary() bool { return !r.good() && !strings.HasPrefix(string(r), "5") }

// text is Cyrus's word for it.
func (r reply) text() string {
	code, rest, _ := strings.Cut(string(r), " ")
	status, what, _ := strings.Cut(rest, " ")
	switch {
	case code == "550" && strings.HasPrefix(status, "5.1."):
		return "Mailbox does not exist"
	case code == "550":
		return "Permission denied"
	case code == "552" && status == "5.2.3":
		return "Message size exceeds fixed limit"
	case code == "452" || code == "552":
		return "Over quota"
	case code == "554":
		return what // Message contains ...
	case code == "451" && status == "4.3.1":
		return "No space left on device"
	case code == "451":
		return "System I/O error"
	case r.temporary():
		return "Try again"
	}
	return "Protocol error"
}

// limits is how long things may take.
type limits struct {
	connect time.Duration
	reply   time.Duration // to a command
	done    time.Duration // to the message
}

// session is a conversation with an lmtpd.
type session struct {
	conn   *os.File
	r      *bufio.Reader
	w      *bufio.Writer
	limits limits
}

func newSession(conn *os.File, l limits) *session {
	return &session{conn: conn, r: bufio.NewReader(conn), w: bufio.NewWriterSize(conn, 32<<10), limits: l}
}

// errBusy is for a server that speaks, but not with us.
var errBusy = errors.New("lmtpd does not take messages now")

// send sends a message to those who have no reply yet. After an error some may still
// have none: nothing is known of them.
func (s *session) send(e envelope, m *message, to []*recipient) error {
	if _, err := s.expect('2'); err != nil {
		return err
	}
	// One that knows AUTH believes whom we deliver for.
	s.w.WriteString("LHLO deliver\r\n")
	can, err := s.expect('2')
	if err != nil {
		return err
	}
	mail := "MAIL FROM:" + path(e.sender)
	if strings.Contains(can, "\nAUTH ") {
		mail += " AUTH=" + xtext(e.user)
	}
	last, err := s.ask(mail)
	if err != nil {
		return err
	}
	if !last.good() {
		for _, r := range to {
			r.reply = last
		}
		return nil
	}
	accepted, err := s.recipients(e, to)
	if err != nil || len(accepted) == 0 {
		return err
	}
	if last, err = s.ask("DATA"); err != nil {
		return err
	}
	if !strings.HasPrefix(string(last), "354") {
		for _, r := range accepted {
			r.reply = last
		}
		return nil
	}
	s.conn.SetDeadline(time.Now().Add(s.limits.done))
	if err := m.send(s.w); err != nil {
		return err
	}
	for _, r := range accepted {
		s.conn.SetDeadline(time.Now().Add(s.limits.done))
		answer, _, err := s.reply()
		if err == nil {
			err = unlessBusy(answer)
		}
		if err != nil {
			return err
		}
		r.reply = answer
	}
	s.w.WriteString("QUIT\r\n")
	s.w.Flush() // everything is said
	return nil
}

// recipients names them, and returns those who are to get the message.
func (s *session) recipients(e envelope, to []*recipient) (accepted []*recipient, err error) {
	for _, r := range to {
		line := "RCPT TO:" + path(r.address)
		if e.ignoreQuota {
			line += " IGNOREQUOTA"
		}
		answer, err := s.ask(line)
		if err != nil {
			return nil, err
		}
		if answer.good() {
			accepted = append(accepted, r)
		} else {
			r.reply = answer
		}
	}
	return accepted, nil
}

// ask sends a command and returns the reply.
func (s *session) ask(line string) (reply, error) {
	s.w.WriteString(line + "\r\n")
	answer, err := s.timed()
	if err == nil {
		err = unlessBusy(answer.last)
	}
	return answer.last, err
}

// unlessBusy returns errBusy for a reply with which a server says goodbye.
func unlessBusy(r reply) error {
	if strings.HasPrefix(string(r), "421") {
		return errBusy
	}
	return nil
}

// expect returns the texts of a reply, each after a line end, if it begins with a digit.
func (s *session) expect(digit byte) (texts string, err error) {
	answer, err := s.timed()
	if err == nil && answer.last[0] != digit {
		err = errBusy
	}
	return answer.texts, err
}

type answer struct {
	last  reply
	texts string
}

func (s *session) timed() (a answer, err error) {
	s.conn.SetDeadline(time.Now().Add(s.limits.reply))
	if err := s.w.Flush(); err != nil {
		return a, err
	}
	a.last, a.texts, err = s.reply()
	return a, err
}

// maxReply is how long a reply may be.
const maxReply = 64 << 10

var errReply = errors.New("lmtpd sends no replies")

// reply reads a reply.
func (s *session) reply() (last reply, texts string, err error) {
	for len(texts) < maxReply {
		line, err := s.r.ReadSlice('\n')
		if err == io.EOF {
			err = errReply
		}
		if err != nil {
			return "", "", err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if len(text) < 3 || strings.Trim(text[:3], "0123456789") != "" || len(text) > 3 && text[3] != ' ' && text[3] != '-' {
			return "", "", errReply
		}
		texts += "\n" + text[min(4, len(text)):]
		if len(text) == 3 || text[3] == ' ' {
			return reply(text), texts, nil
		}
	}
	return "", "", errReply
}

// xtext writes the value of AUTH= (RFC 3461 section 4).
func xtext(user string) string {
	if user == "" {
		return "<>"
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(user) {
		if c := user[i]; c <= ' ' || c >= 0x7f || c == '+' || c == '=' {
			b.WriteString("+" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
