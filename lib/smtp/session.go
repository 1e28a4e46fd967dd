// Package smtp is the server's side of an SMTP dialogue (RFC 5321), as
// qmail-smtpd(8) leads it: from the greeting until the client quits, with each
// accepted message handed to qmail-queue.
//
// The files are the subjects: session (how a dialogue runs and ends), config
// (what it is told beforehand), greeting, envelope, address, data (the message),
// hops, and replies. What patches to qmail brought is off until it is configured:
// auth, tls, brakes, badlists, dnsbl, mfcheck, recipientcheck, log, and events.
package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"os"

	"goqmail/lib/call"
	"goqmail/lib/commands"
	"goqmail/lib/dnsbl"
	"goqmail/lib/exit"
	"goqmail/lib/extensions"
	"goqmail/lib/qmail"
	"goqmail/lib/received"
	"goqmail/lib/starttls"
	"goqmail/lib/timeout"
)

// lost is the exit code when the dialogue ends other than by QUIT.
const lost = 1

// Opener starts qmail-queue, as qmail.Open does.
type Opener func(env call.Env, stderr *os.File) (*qmail.Queue, error)

// Serve leads a dialogue on descriptors 0 and 1 of the call and returns the
// exit code: 0 after QUIT, 1 otherwise.
func Serve(c *call.Call, queue Opener) int { return serve(c, queue, readControls) }

func serve(c *call.Call, queue Opener, read reader) int {
	s, err := newSession(c, queue, read)
	if err == nil {
		err = s.begin()
	}
	if err == nil {
		err = commands.Serve(s.in, s, table[:], (*session).unimplemented)
	}
	var unknown extensions.Unknown
	if errors.As(err, &unknown) {
		c.Err().WriteString("qmail-smtpd: fatal: " + unknown.Error() + "\n")
	}
	defer s.config.Close()
	defer s.tls.close()
	defer s.lists.Close()
	return s.end(err)
}

// maxCommand is how much of commands is read at a time.
const maxCommand = 1024

// newSession reads what a dialogue is told beforehand. It is good for telling the
// client of an error.
func newSession(c *call.Call, queue Opener, read reader) (*session, error) {
	config, err := readConfig(read, c.Env)
	s := &session{
		config: config, call: c, queue: queue,
		in: bufio.NewReaderSize(nil, maxCommand), out: bufio.NewWriterSize(nil, 512), hop: received.FromEnv(c.Env),
	}
	s.use(connection{c.In(), c.Out()})
	if err != nil {
		return s, err
	}
	s.authentication = readAuthentication(c, s.extensions)
	s.env = c.Env
	s.ucspi = starttls.ReadUCSPI(c)
	s.tlsPolicy = starttls.ReadPolicy(c.Env)
	s.lists = readBadLists(c, s.badLists)
	s.blocklists.on = dnsbl.Configured(c.Env)
	return s, nil
}

// begin is what comes before the first command.
func (s *session) begin() error {
	s.log("New session")
	s.tell(event{name: sessionStatus, text: "begins"})
	err := s.secureAtOnce()
	if err == nil {
		err = readGreetDelay(s.call.Env).hold(s.conn.in)
	}
	if err == nil {
		s.greet()
	}
	return err
}

// session is one dialogue.
type session struct {
	*config
	call   *call.Call
	queue  Opener
	conn   connection // what in and out are read from and written to
	client *client
	in     *bufio.Reader // of commands, from client
	out    *bufio.Writer // flushed whenever we wait for the client
	said   string        // the last reply
	hop    received.Hop  // where the client's mail comes from
	mail   *envelope     // from MAIL to DATA; nil before and after
	tls    *secured      // nil in the clear

	ucspi          starttls.UCSPI
	tlsPolicy      starttls.Policy
	env            call.Env // before the client has said anything
	authentication authentication
	claimed        string // by AUTH: the user
	loggedIn       bool   // by AUTH, since the last RSET
	authenticated  bool   // by AUTH, ever
	lists          badLists
	blocklists     blocklists
}

// connection is the two descriptors to the client.
type connection struct{ in, out *os.File }

// use makes conn the connection. Nothing of what was read from another before
// is left.
func (s *session) use(conn connection) {
	s.out.Flush()
	s.conn = conn
	s.out.Reset(timeout.Writer{File: conn.out, Limit: s.timeout})
	s.client = &client{in: timeout.Reader{File: conn.in, Limit: s.timeout}, out: s.out}
	s.in.Reset(s.client)
}

// table is the commands that the server knows.
var table = [...]commands.Command[*session]{
	{Verb: "rcpt", Run: (*session).rcptTold},
	{Verb: "mail", Run: (*session).mailTold},
	{Verb: "data", Run: (*session).dataTold},
	{Verb: "quit", Run: (*session).quit},
	{Verb: "helo", Run: (*session).heloFrom},
	{Verb: "ehlo", Run: (*session).ehloFrom},
	{Verb: "rset", Run: (*session).rset},
	{Verb: "help", Run: (*session).help},
	{Verb: "noop", Run: (*session).noop},
	{Verb: "vrfy", Run: (*session).vrfy},
	{Verb: "auth", Run: (*session).authTold},
	{Verb: "starttls", Run: (*session).startTLS},
}

// reply sends a line to the client. It returns nil, to go on with: when the
// line cannot be sent, the next read says so.
func (s *session) reply(line string) error {
	s.said = line
	s.out.WriteString(line)
	s.out.WriteString("\r\n")
	return nil
}

// hangUp is an error that ends the dialogue with a last reply.
type hangUp string

func (h hangUp) Error() string { return string(h) }

var (
	errQuit  = errors.New("client has quit") // how a dialogue ends well
	errWrite = errors.New("unable to write to the client")
)

// end tells the client, if it is still there, why the dialogue is over.
func (s *session) end(err error) int {
	var last hangUp
	switch {
	case errors.As(err, &last):
		s.reply(string(last))
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.reply(replyTimeout)
	case errors.Is(err, commands.ErrTooLong):
		s.reply(replyMemory)
	}
	s.log(s.ending(err) + ": quitting")
	s.tell(event{name: sessionStatus, text: "ends: " + s.ending(err)})
	if s.out.Flush() != nil || !errors.Is(err, errQuit) {
		return lost
	}
	return exit.OK
}

// client is what the client sends. Before it is waited for, all replies go out.
type client struct {
	in     timeout.Reader
	out    *bufio.Writer
	unused []byte // was read too early
}

func (c *client) Read(p []byte) (int, error) {
	if len(c.unused) > 0 {
		n := copy(p, c.unused)
		c.unused = c.unused[n:]
		return n, nil
	}
	if err := c.out.Flush(); err != nil {
		return 0, errors.Join(errWrite, err)
	}
	return c.in.Read(p)
}

// unread has p, which stays the caller's, read again.
func (c *client) unread(p []byte) {
	if len(p) > 0 {
		c.unused = append(bytes.Clone(p), c.unused...)
	}
}
