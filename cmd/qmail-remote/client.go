package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"goqmail/lib/blast"
	"goqmail/lib/extensions"
	"goqmail/lib/socket"
	"goqmail/lib/spawn"
	"goqmail/lib/timeout"
)

// message is what there is to send.
type message struct {
	sender     string // as SMTP commands carry it
	recipients []string
	text       io.Reader
	utf8       need
}

// client is our side of the dialogue with the other host (RFC 5321).
type client struct {
	way
	host       string // its address
	extensions extensions.Set
	wire       wire // what TLS goes over
	in         *bufio.Reader
	out        io.Writer
	said       []byte   // its last reply; empty once reported
	heard      int      // bytes of its present reply
	offers     []string // lines of its reply to EHLO, but for the first
	noMethod   bool     // there is no way to log in
	parameter  string   // of MAIL, from the login
	mute       bool     // there is no point in a good bye

	// For each message anew.
	utf8     need
	agreed   bool // the host is ready to take it
	critical bool // it may have taken the message, though it has not said so
	stays    bool // the connection is to be kept

	kept     *kept
	made     time.Time
	messages int // that it has carried
	leave    *time.Timer
}

// maxSaid is how much of a reply is kept, in bytes.
const maxSaid = 5000

// maxReply is how long a reply may be in all, in bytes: more than any host has
// to say.
const maxReply = 1 << 20

// errEndless is the error for a reply that is too long, or takes too long.
var errEndless = errors.New("endless reply")

func newClient(conn *os.File, along way, wanted extensions.Set, k *kept) *client {
	w := wire{timeout.Reader{File: conn, Limit: along.timeout}, timeout.Writer{File: conn, Limit: along.timeout}, new(time.Time)}
	return &client{
		way:        along,
		host:       along.Addr.String(),
		extensions: wanted,
		wire:       w,
		in:         bufio.NewReader(w),
		out:        w,
		mute:       wanted.Has(extensions.SMTPTLS), // as the patch does, without TLS
		kept:       k,
		made:       time.Now(),
	}
}

func (c *client) close() { c.wire.Writer.File.Close() }

// send sends the message and returns the verdict on it. For each recipient it
// names it writes a report: r accepted, s refused for now, h refused.
func (c *client) send(m message, reports io.Writer) verdict {
	c.utf8, c.agreed, c.critical, c.stays = m.utf8, false, false, false
	v, err := c.dialogue(m, reports)
	c.messages++
	if c.messages > 1 && !c.agreed {
		if err != nil {
			c.bye()
		}
		return startOver
	}
	if err != nil {
		return c.died(err)
	}
	return v
}

// died is the verdict when the connection broke, or had to be broken off.
func (c *client) died(err error) verdict {
	text := "ZConnected to " + c.host + " but connection died. "
	if errors.Is(err, errEndless) {
		text = "ZConnected to " + c.host + " but its reply does not end. "
	}
	if c.critical {
		text += "Possible duplicate! "
	}
	return verdict(text + "(#4.4.2)\n")
}

// dialogue leads the dialogue. The error is one of the connection. Replies are
// judged by their first digits alone, and anything that is no 4xx or 5xx counts
// as a yes.
func (c *client) dialogue(m message, reports io.Writer) (verdict, error) {
	if c.messages == 0 {
		if v, err := c.greet(); err != nil || v != "" {
			return v, err
		}
		if v, err := c.logIn(); err != nil || v != "" {
			return v, err
		}
	}
	if c.noMethod {
		io.WriteString(reports, spawn.NoLogin+"\x00")
	}
	more, v, err := c.announceUTF8()
	if err != nil || v != "" {
		return v, err
	}
	code, err := c.ask("MAIL FROM:<"+m.sender+">"+c.parameter+more, 2)
	if err != nil || code >= 400 {
		return c.quit(severity(code)+"Connected to ", " but sender was rejected", err)
	}
	accepted := false
	for _, recipient := range m.recipients {
		code, err := c.ask("RCPT TO:<"+recipient+">", 2)
		if err != nil {
			return "", err
		}
		accepted = c.reportRecipient(code, reports) || accepted
	}
	if !accepted {
		return c.quit("DGiving up on ", "", nil)
	}
	if code, err := c.ask("DATA", 3); err != nil || code >= 400 {
		return c.quit(severity(code), " failed on DATA command", err)
	}
	c.agreed = true
	if v, err := c.blast(m.text); err != nil || v != "" {
		return v, err
	}
	code, err = c.reply()
	if err != nil {
		return "", err
	}
	c.critical = false
	if code >= 400 {
		return c.quit(severity(code), " failed after I sent the message", nil)
	}
	c.stays = code/100 == 2 && c.in.Buffered() == 0 && c.kept.wants(c)
	return c.quit("K", " accepted message", nil)
}

// errKept is the error for a host that is not content with a connection that was
// kept.
var errKept = errors.New("not on this connection")

// ask is command where the first digit of the reply should be a certain one. On a
// connection that was kept no other will do: what a host means by it a new
// connection will show, and if it said more than one thing after the last
// message, replies must not pass for those to other commands.
func (c *client) ask(line string, digit uint64) (code uint64, err error) {
	code, err = c.command(line)
	if err == nil && c.messages > 0 && code/100 != digit {
		err = errKept
	}
	return code, err
}

// severity is how a verdict after a reply of 400 or more starts.
func severity(code uint64) string {
	if code >= 500 {
		return "D"
	}
	return "Z"
}

// reportRecipient tells what the other host thinks of a recipient.
func (c *client) reportRecipient(code uint64, reports io.Writer) (accepted bool) {
	report := "r"
	switch {
	case code >= 500:
		report = "h" + c.host + " does not like recipient.\n" + c.quotation()
	case code >= 400:
		report = "s" + c.host + " does not like recipient.\n" + c.quotation()
	}
	io.WriteString(reports, report+"\x00")
	return code < 400
}

// quotation is what the other host said, unless that was told before.
func (c *client) quotation() string {
	if len(c.said) == 0 {
		return ""
	}
	text := "Remote host said: " + string(bytes.ReplaceAll(c.said, []byte{0}, []byte{'?'}))
	c.said = nil
	return text
}

// quit says good bye unless the connection stays, and makes a verdict of the text
// before and after the host's address. With an error, it returns that alone.
func (c *client) quit(before, after string, err error) (verdict, error) {
	if err == nil && !c.stays {
		err = c.bye()
	}
	if err != nil {
		return "", err
	}
	return verdict(before + c.host + after + ".\n" + c.quotation()), nil
}

// bye says good bye unless it is mute, without waiting for the answer.
func (c *client) bye() error {
	if c.mute {
		return nil
	}
	return c.write("QUIT")
}

// command sends a command and reads the reply.
func (c *client) command(line string) (code uint64, err error) {
	if err := c.write(line); err != nil {
		return 0, err
	}
	return c.reply()
}

func (c *client) write(line string) error {
	c.wire.expect(c.timeout)
	_, err := io.WriteString(c.out, line+"\r\n")
	return err
}

// reply reads a reply, of one line or several, and returns its code. The code
// is whatever its first three bytes come to as digits: what is no number gives
// one that is too large for any reply.
func (c *client) reply() (code uint64, err error) {
	c.said, c.heard = nil, 0
	c.wire.expect(c.timeout)
	for range 3 {
		b, err := c.get()
		if err != nil {
			return 0, err
		}
		code = code*10 + uint64(b) - '0'
	}
	for {
		b, err := c.get()
		if err != nil {
			return 0, err
		}
		last := b != '-'
		for b != '\n' {
			if b, err = c.get(); err != nil {
				return 0, err
			}
		}
		if last {
			return code, nil
		}
		for range 3 { // the code again
			if _, err := c.get(); err != nil {
				return 0, err
			}
		}
	}
}

func (c *client) get() (byte, error) {
	if c.heard++; c.heard > maxReply {
		return 0, errEndless
	}
	b, err := c.in.ReadByte()
	if err == nil && b != '\r' && len(c.said) < maxSaid {
		c.said = append(c.said, b)
	}
	return b, err
}

// blast sends the text of the message. The error is one of the connection; a
// message that cannot be sent gives a verdict.
func (c *client) blast(text io.Reader) (verdict, error) {
	const size = 4096
	c.wire.expect(c.timeout)
	encoder := blast.NewEncoder(c.out, size)
	block := make([]byte, size)
	for {
		n, err := text.Read(block)
		if _, err := encoder.Write(block[:n]); err != nil {
			return "", err
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return noMessage, nil
		}
	}
	c.critical = true
	if c.messages == 0 {
		// The end must not wait until the host gets round to say that it has the
		// rest: it has nothing to say before it has all.
		socket.NoDelay(c.wire.Writer.File)
	}
	err := encoder.End()
	if errors.Is(err, blast.ErrPartialLine) {
		return partialLine, nil
	}
	return "", err
}
