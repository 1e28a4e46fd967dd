package main

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/commands"
	"goqmail/lib/sig"
	"goqmail/lib/timeout"
)

// session is one dialogue. Each reply is sent at once.
type session struct {
	call    *call.Call
	conn    connection // what in and out are read from and written to
	in      *bufio.Reader
	out     *bufio.Writer
	tls     encryption
	stamp   string // what an APOP digest has in it beside the password
	user    string
	hasUser bool
}

// connection is the two descriptors to the client.
type connection struct{ in, out *os.File }

// use makes conn the connection. Nothing of what was read from another before
// is left.
func (s *session) use(conn connection) {
	s.conn = conn
	s.in.Reset(timeout.Reader{File: conn.in, Limit: patience})
	s.out.Reset(timeout.Writer{File: conn.out, Limit: patience})
}

var table = [...]commands.Command[*session]{
	{Verb: "user", Run: (*session).userIs},
	{Verb: "pass", Run: (*session).passwordIs},
	{Verb: "apop", Run: (*session).apop},
	{Verb: "quit", Run: (*session).quit},
	{Verb: "noop", Run: (*session).okay},
	{Verb: "capa", Run: (*session).capabilities},
	{Verb: "stls", Run: (*session).startTLS},
}

func (s *session) reply(line string) error {
	s.out.WriteString(line)
	s.out.WriteString("\r\n")
	return s.out.Flush()
}

func (s *session) refuse(why string) error { return s.reply("-ERR " + why) }

func (s *session) okay(string) error { return s.reply("+OK ") }

func (s *session) tooEarly(string) error { return s.refuse("authorization first") }

// errEnd ends the dialogue.
var errEnd = errors.New("end of dialogue")

func (s *session) quit(string) error {
	s.okay("")
	return errEnd
}

func (s *session) userIs(name string) error {
	switch {
	case s.tls.missing():
		return s.wantTLS()
	case name == "":
		return s.refuse("syntax error")
	}
	s.user, s.hasUser = name, true
	return s.okay("")
}

func (s *session) passwordIs(password string) error {
	if !s.hasUser {
		return s.refuse("USER first")
	}
	if password == "" {
		return s.refuse("syntax error")
	}
	return s.goOn(s.user, password)
}

func (s *session) wantTLS() error { return s.refuse("TLS required: STLS first") }

func (s *session) apop(argument string) error {
	if s.tls.missing() {
		return s.wantTLS()
	}
	user, digest, ok := strings.Cut(argument, " ")
	if !ok {
		return s.refuse("syntax error")
	}
	return s.goOn(user, digest)
}

// room is how many bytes a pipe is sure to have room for.
const room = 4096

// goOn runs the program, which reads user, password and stamp from descriptor 3,
// each with a NUL at its end. If it accepts them it, or what it runs, leads the
// rest of the dialogue. A reply after that is for a program that did not.
func (s *session) goOn(user, password string) error {
	in, out, err := child.Pipe()
	if err != nil || s.call.Err() == nil {
		s.refuse("unable to open pipe")
		return errEnd
	}
	defer out.Close()
	// What the pipe has room for is in it when the program starts: one that reads none
	// of it may be gone early.
	credentials := user + "\x00" + password + "\x00" + s.stamp + "\x00"
	early, late := credentials[:min(len(credentials), room)], credentials[min(len(credentials), room):]
	if _, err := out.WriteString(early); err != nil {
		s.refuse("unable to write pipe")
		return errEnd
	}
	cmd := child.Cmd{
		Args: s.call.Args[2:], Env: s.call.Env,
		Files: []*os.File{s.conn.in, s.conn.out, s.call.Err(), in},
	}
	// For the program. os/signal would not: to it, ignored is where Reset goes back to.
	sig.Default(syscall.SIGPIPE)
	pid, err := cmd.StartFound()
	sig.Ignore(syscall.SIGPIPE)
	in.Close()
	switch {
	case err == syscall.EAGAIN || err == syscall.ENOMEM:
		s.refuse("unable to fork")
		return errEnd
	case err != nil:
		s.refuse("authorization failed")
		return errEnd
	}
	if _, err := out.WriteString(late); err != nil && late != "" {
		s.refuse("unable to write pipe")
		return errEnd
	}
	out.Close()
	status, err := child.Wait(pid)
	switch {
	case err != nil:
	case status.Signaled():
		s.refuse("aack, child crashed")
	case status.ExitStatus() != 0:
		s.refuse("authorization failed")
	}
	return errEnd
}
