package delivery

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"goqmail/lib/duplicates"
	"goqmail/lib/mailstore"
)

// Envelope is what is known of a message besides what is in it.
type Envelope struct {
	Sender string // the return path
	Helo   string // what the client calls itself
	Client string // its address, with brackets around
	User   string // whom it delivers for, "" if that is not known
	With   string // the protocol: LMTPA
}

// Message is a message on its way into the store. It is written to it with any line
// ends: CR LF and LF are one, and a CR elsewhere is dropped.
type Message struct {
	agent  *Agent
	staged *mailstore.Staged
	to     io.Writer // staged, but for tests
	size   int64
	limit  int64
	failed error // kept for Finish

	now      time.Time
	inBody   bool
	line     []byte // of the header, as far as it has come
	long     bool   // what comes belongs to a line of which the start has been dealt with
	ended    bool   // the last byte was a LF
	skipping bool   // in a field that is dropped
	value    *string
	fields   int

	id, resent, date *string // values of fields; nil without the field

	ID  string // what the log calls it, once the header is over
	key duplicates.ID
}

// Begin begins a message with the fields that are put on top.
func (a *Agent) Begin(e Envelope) (*Message, error) {
	staged, err := a.Store.Stage("")
	if err != nil {
		return nil, err
	}
	m := a.message(e, staged)
	m.staged = staged
	return m, nil
}

func (a *Agent) message(e Envelope, to io.Writer) *Message {
	m := &Message{agent: a, to: to, limit: a.Conf.MaxMessage(), now: time.Now(), ended: true}
	sender := e.Sender
	if sender != "" && !strings.Contains(sender, "@") {
		sender += "@" + a.Name
	}
	user := ""
	if e.User != "" {
		user = "(authenticated user=" + e.User + " bits=0)\r\n\t"
	}
	m.put("Return-Path: <" + sender + ">\r\n" +
		"Received: from " + e.Helo + " (" + e.Client + ")\r\n\t" + user +
		"by " + a.Name + " (" + a.Software + ") with " + e.With + ";\r\n\t" + m.now.Format(time.RFC1123Z) + "\r\n")
	return m
}

// Write takes the next bytes. It never fails; see Finish.
func (m *Message) Write(p []byte) (int, error) {
	n := len(p)
	if m.failed == nil && bytes.IndexByte(p, 0) >= 0 {
		m.failed = ErrNUL
	}
	for len(p) > 0 && m.failed == nil {
		piece := p
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			piece = p[:i+1]
		}
		p = p[len(piece):]
		if m.inBody {
			m.piece(piece)
		} else {
			m.header(piece)
		}
	}
	return n, nil
}

// piece writes a line, or a part of one without its end.
func (m *Message) piece(p []byte) {
	text, ended := bytes.CutSuffix(p, []byte("\n"))
	end := "\r\n"
	if !ended {
		end = ""
	}
	if line, ok := bytes.CutSuffix(text, []byte("\r")); ended && ok && bytes.IndexByte(line, '\r') < 0 {
		text, end = p, "" // as nearly all are: as it is
	} else if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\r"), nil)
	}
	m.ended = ended || m.ended && len(text) == 0
	m.write(text)
	m.put(end)
}

func (m *Message) put(s string) { m.write([]byte(s)) }

func (m *Message) write(p []byte) {
	if m.size += int64(len(p)); m.size > m.limit {
		m.fail(ErrTooLarge)
		return
	}
	if _, err := m.to.Write(p); err != nil {
		m.fail(err)
	}
}

func (m *Message) fail(err error) {
	if m.failed == nil {
		m.failed = err
	}
}

// maxLine is how much of a line of the header is looked at as a whole.
const maxLine = 64 << 10

// header takes a line of the header, or a part of one without its end.
func (m *Message) header(p []byte) {
	if has8Bit(p) {
		p = m.munge(p)
	}
	ended := p[len(p)-1] == '\n'
	if !m.long {
		m.line = append(m.line, p...)
		if !ended && len(m.line) < maxLine {
			return
		}
		p, m.line = m.line, m.line[:0]
		m.start(bytes.ReplaceAll(bytes.TrimSuffix(p, []byte("\n")), []byte("\r"), nil))
	}
	m.long = !ended
	if !m.inBody && !m.skipping && m.failed == nil {
		m.piece(p)
	}
}

// start looks at a line of the header, or at the first part of a very long one.
func (m *Message) start(line []byte) {
	switch {
	case len(line) == 0:
		m.endHeader()
	case (line[0] == ' ' || line[0] == '\t') && m.fields > 0:
		m.keep(line)
	default:
		name, ok := fieldName(line)
		if !ok {
			m.fail(ErrHeader)
			return
		}
		m.fields++
		m.field(name)
		m.keep(line[bytes.IndexByte(line, ':')+1:])
	}
}

// fieldName returns the name of the field that a line begins.
func fieldName(line []byte) (string, bool) {
	name, _, ok := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	for _, c := range name {
		if c <= ' ' || c == 0x7f {
			return "", false
		}
	}
	return string(name), ok && len(name) > 0
}

// field begins a field.
func (m *Message) field(name string) {
	m.skipping, m.value = false, nil
	first := func(value **string) {
		if *value == nil {
			*value = new(string)
			m.value = *value
		}
	}
	switch strings.ToLower(name) {
	case "return-path":
		m.skipping = true
	case "message-id":
		first(&m.id)
	case "resent-message-id":
		first(&m.resent)
	case "date":
		first(&m.date)
	}
}

// maxValue is how much of a field is kept.
const maxValue = 2000

func (m *Message) keep(text []byte) {
	if m.value != nil && len(*m.value) < maxValue {
		*m.value = strings.TrimSpace(*m.value + " " + strings.TrimSpace(string(text)))
	}
}

// endHeader adds the fields that are missing and ends the header.
func (m *Message) endHeader() {
	m.inBody = true
	id := m.resent
	if id == nil || *id == "" {
		id = m.id
	}
	date := ""
	if m.date != nil {
		date = *m.date
	} else {
		m.put("Date: " + m.now.Format(time.RFC1123Z) + "\r\n")
	}
	if id != nil {
		m.ID, m.key = *id, duplicates.NewID(*id, date)
	} else { // one of ours, by which nothing is known as a copy
		m.ID = fmt.Sprintf("<cmu-lmtpd-%d-%d-%d@%s>", os.Getpid(), m.now.Unix(), made.Add(1), m.agent.Name)
		m.put("Message-ID: " + m.ID + "\r\n")
	}
	m.put("\r\n")
}

// made counts the ids that were made.
var made atomic.Uint64

func has8Bit(p []byte) bool {
	for _, c := range p {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// munge is what becomes of a header with bytes that are no ASCII: it stays, unless
// reject8bit or munge8bit is set.
func (m *Message) munge(p []byte) []byte {
	if m.agent.Conf.Bool("reject8bit", false) {
		m.fail(Err8Bit)
	}
	if !m.agent.Conf.Bool("munge8bit", false) {
		return p
	}
	p = bytes.Clone(p)
	for i, c := range p {
		if c >= 0x80 {
			p[i] = 'X'
		}
	}
	return p
}

// Finish ends the message and makes it durable. It returns what is wrong with it.
func (m *Message) Finish() error {
	m.end()
	if m.failed != nil {
		return m.failed
	}
	return m.staged.Finish()
}

// end ends what the last bytes left open.
func (m *Message) end() {
	if !m.inBody && (len(m.line) > 0 || m.long) {
		m.header([]byte("\n"))
	}
	if !m.inBody {
		m.endHeader()
	}
	if !m.ended {
		m.put("\r\n")
	}
}

// Remove gives the message up; where it was delivered it stays.
func (m *Message) Remove() { m.staged.Remove() }
