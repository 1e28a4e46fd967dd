package smtp

import (
	"encoding/base64"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/commands"
	"goqmail/lib/errno"
	"goqmail/lib/extensions"
	"goqmail/lib/sig"
	"goqmail/lib/starttls"
)

// AUTH (RFC 4954) with a program that checks passwords, in the interface of
// checkpassword. No secret is kept here, and none is computed.

// authentication is how clients may log in; see "AUTHENTICATION" in
// qmail-smtpd(8).
type authentication struct {
	on        bool     // EHLO tells of SIZE, MAIL has parameters
	offered   string   // what EHLO offers; "": nothing
	checker   []string // the program with its arguments; nil: AUTH is not available
	host      string   // in challenges; "": what this host is called
	challenge bool     // the checker always gets a third field
	required  bool     // no MAIL without
	needsTLS  bool     // not in the clear
	hostname  bool     // RSET does not log out
}

// readAuthentication takes the settings from the extensions, the arguments and
// the environment. There are two conventions, each from one line of patches.
func readAuthentication(c *call.Call, on extensions.Set) authentication {
	var a authentication
	switch {
	case on.Has(extensions.SMTPAuthHostname):
		a = byHostname(c)
	case on.Has(extensions.SMTPAuth):
		a = bySMTPAUTH(c)
	}
	a.needsTLS = a.needsTLS || starttls.ReadPolicy(c.Env).ForLogIn
	return a
}

// bySMTPAUTH is the convention "qmail-smtpd checker [ arg ... ]", in which the
// variable SMTPAUTH says what is offered.
func bySMTPAUTH(c *call.Call) authentication {
	a := authentication{on: true}
	mode, ok := c.Env.Lookup("SMTPAUTH")
	if !ok || mode == "-" {
		return a
	}
	mode = ascii.Lower(mode)
	c.Env = c.Env.With("SMTPAUTH", mode)
	a.checker = c.Args[1:]
	a.offered = "LOGIN PLAIN"
	method, required := strings.CutPrefix(mode, "!")
	switch {
	case strings.HasPrefix(method, "cram"):
		a.offered, a.challenge, a.required = "CRAM-MD5", true, required
	case strings.HasPrefix(method, "+cram"):
		a.offered, a.challenge, a.required = "LOGIN PLAIN CRAM-MD5", true, required
	case method == "":
		a.required = required
	}
	return a
}

// byHostname is the convention "qmail-smtpd hostname checker arg ...".
func byHostname(c *call.Call) authentication {
	a := authentication{on: true, hostname: true, challenge: true, offered: "LOGIN PLAIN"}
	if len(c.Args) < 4 {
		return authentication{on: true}
	}
	a.host, a.checker = c.Args[1], c.Args[2:]
	yes := func(name string) bool { return c.Env.Get(name) != "" && starttls.IsSet(c.Env, name) }
	if yes("ALLOW_CRAM") {
		a.offered += " CRAM-MD5"
	}
	a.needsTLS = !yes("ALLOW_INSECURE_AUTH")
	a.required = yes("REQUIRE_AUTH")
	return a
}

// errRefused is a log-in that is over; the client has had its reply.
var errRefused = errors.New("log-in refused")

// refuse replies and ends a log-in.
func (s *session) refuse(reply string) error {
	s.reply(reply)
	return errRefused
}

// credentials are what the checker gets on descriptor 3, each with a NUL.
type credentials struct{ user, password, challenge string }

// logIn is AUTH.
func (s *session) logIn(argument string) error {
	a := &s.authentication
	method, initial, _ := strings.Cut(argument, " ")
	switch {
	case !a.on:
		return s.unimplemented(argument)
	case len(a.checker) == 0:
		return s.reply(replyNoAuth)
	case a.needsTLS && s.tls == nil:
		return s.reply(replyAuthNeedsTLS)
	case s.loggedIn:
		return s.reply(replyLoggedIn)
	case s.mail != nil:
		return s.reply(replyAuthInMail)
	}
	exchange := s.exchange(method)
	if exchange == nil {
		s.log("AUTH with unknown method <" + method + ">")
		return s.reply(replyAuthMethod)
	}
	who, err := exchange(strings.TrimLeft(initial, " "))
	s.claimed = who.user
	if err == nil {
		err = s.check(who)
	}
	if err == errRefused {
		s.log("AUTH refused <" + who.user + ">")
		return nil
	}
	if err != nil {
		return err
	}
	s.log("AUTH accepted <" + who.user + ">")
	s.welcome(who.user)
	return s.reply(replyAuthOK)
}

func (s *session) exchange(method string) func(initial string) (credentials, error) {
	switch ascii.Lower(method) {
	case "login":
		return s.loginExchange
	case "plain":
		return s.plainExchange
	case "cram-md5":
		return s.cramExchange
	}
	return nil
}

// welcome lets a user send mail to anywhere.
func (s *session) welcome(user string) {
	s.loggedIn, s.authenticated = true, true
	s.knownAs(user)
	s.mayRelay()
}

// knownAs makes user the one who sends, for the Received line and for programs.
func (s *session) knownAs(user string) {
	s.hop.RemoteInfo = &user
	s.call.Env = s.call.Env.With("TCPREMOTEINFO", user)
}

func (s *session) loginExchange(initial string) (who credentials, err error) {
	if initial == "" {
		who.user, err = s.ask("VXNlcm5hbWU6") // Username:
	} else {
		who.user, err = s.decode(initial)
	}
	if err == nil {
		who.password, err = s.ask("UGFzc3dvcmQ6") // Password:
	}
	// A NUL would make one field into several: an old answer to CRAM-MD5, perhaps.
	if err == nil && strings.Contains(who.user+who.password, "\x00") {
		err = s.refuse(replyAuthInput)
	}
	return who, err
}

// plainExchange is RFC 4616. Whom else the user would like to be is not heard.
func (s *session) plainExchange(initial string) (who credentials, err error) {
	var text string
	if initial == "" {
		text, err = s.ask("")
	} else {
		text, err = s.decode(initial)
	}
	if err != nil {
		return who, err
	}
	_, text, _ = strings.Cut(text, "\x00")
	who.user, who.password, _ = strings.Cut(text, "\x00")
	if who.user == "" || who.password == "" || strings.Contains(who.password, "\x00") {
		return who, s.refuse(replyAuthInput)
	}
	return who, nil
}

// cramExchange is RFC 2195. The checker knows the secret, and compares.
func (s *session) cramExchange(string) (who credentials, err error) {
	host := s.authentication.host
	if host == "" {
		host = s.hop.Local
	}
	who.challenge = "<" + strconv.Itoa(s.call.Pid) + "." + strconv.FormatInt(time.Now().UnixNano(), 10) + "@" + host + ">"
	text, err := s.ask(base64.StdEncoding.EncodeToString([]byte(who.challenge)))
	if err != nil {
		return who, err
	}
	user, digest, _ := strings.Cut(text, " ")
	who.user, who.password = user, strings.TrimLeft(digest, " ")
	if who.user == "" || who.password == "" || strings.Contains(text, "\x00") {
		return who, s.refuse(replyAuthInput)
	}
	return who, nil
}

// ask says what it is given and reads the answer.
func (s *session) ask(challenge string) (string, error) {
	s.reply("334 " + challenge)
	line, err := commands.ReadLine(s.in)
	if err != nil {
		return "", err
	}
	if line == "*" {
		return "", s.refuse(replyAuthCanceled)
	}
	return s.decode(line)
}

// maxResponse is the most bytes of a client's word in a log-in (RFC 4954, section
// 4). It also fits into a pipe, whenever the checker reads.
const maxResponse = 12288

// decode takes what is base64 and not empty.
func (s *session) decode(text string) (string, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(data) == 0 || len(text) > maxResponse {
		return "", s.refuse(replyAuthInput)
	}
	return string(data), nil
}

// check runs the checker.
func (s *session) check(who credentials) error {
	s.out.Flush() // before anything that the checker may write
	in, out, err := child.Pipe()
	if err != nil {
		return s.refuse(replyAuthPipe)
	}
	defer out.Close()
	checker := child.Cmd{
		Args: s.authentication.checker, Env: s.call.Env, Dir: auto.Home,
		Files: []*os.File{s.conn.in, s.conn.out, s.call.Err(), in},
	}
	// For the checker; we write nothing meanwhile. os/signal cannot: it takes
	// ignored for the state to go back to.
	sig.Default(syscall.SIGPIPE)
	pid, err := checker.StartFound()
	sig.Ignore(syscall.SIGPIPE)
	in.Close()
	switch {
	case err == syscall.EAGAIN || err == syscall.ENOMEM:
		return s.refuse(replyAuthFork)
	case err != nil:
		s.call.Err().WriteString("qmail-smtpd: fatal: unable to run " + checker.Args[0] + ": " + errno.Text(err) + "\n")
		return s.denied()
	}
	_, writeErr := out.WriteString(who.fields(s.authentication.challenge))
	out.Close()
	status, err := child.Wait(pid)
	switch {
	case err != nil || status.Signaled():
		return s.refuse(replyAuthChild)
	case status.ExitStatus() != 0:
		return s.denied()
	case writeErr != nil: // it has not even heard who
		return s.refuse(replyAuthWrite)
	}
	return nil
}

// fields are what goes to descriptor 3.
func (c credentials) fields(withChallenge bool) string {
	fields := c.user + "\x00" + c.password + "\x00"
	if withChallenge {
		fields += c.challenge + "\x00"
	}
	return fields
}

// slowDown is how long somebody waits who guesses passwords.
const slowDown = 5 * time.Second

func (s *session) denied() error {
	time.Sleep(slowDown)
	return s.refuse(replyAuthFailed)
}
