package smtp

import (
	"strconv"

	"goqmail/lib/ascii"
	"goqmail/lib/extensions"
)

// The commands about the dialogue itself.

func (s *session) greet() { s.reply("220 " + s.greeting + " ESMTP") }

func (s *session) heloFrom(name string) error {
	s.log("Received HELO " + name)
	s.hello(name)
	return s.reply("250 " + s.greeting)
}

func (s *session) ehloFrom(name string) error {
	s.log("Received EHLO " + name)
	s.hello(name)
	lines := append([]string{s.greeting}, s.features()...)
	last := len(lines) - 1
	for _, line := range lines[:last] {
		s.reply("250-" + line)
	}
	return s.reply("250 " + lines[last])
}

// features are what EHLO tells of.
func (s *session) features() []string {
	var features []string
	if s.offersTLS() {
		features = append(features, "STARTTLS")
	}
	features = append(features, "PIPELINING")
	if s.utf8 {
		features = append(features, "SMTPUTF8")
	}
	features = append(features, "8BITMIME")
	if a := &s.authentication; a.on && a.offered != "" && (!a.needsTLS || s.tls != nil) {
		features = append(features, "AUTH "+a.offered)
	}
	if s.knowsSize() {
		features = append(features, "SIZE "+strconv.FormatUint(uint64(s.databytes), 10))
	}
	return features
}

// knowsSize tells whether a client may say how long its message is (RFC 1870).
func (s *session) knowsSize() bool {
	return s.authentication.on || s.extensions.Has(extensions.ESMTPSize)
}

// protocol is what a message came by (RFC 3848; RFC 6531, section 4.3).
func (s *session) protocol(mail *envelope) string {
	var how, comment string
	if s.tls != nil {
		how, comment = "S", " "+s.tls.comment()
	}
	if s.authenticated {
		how += "A"
	}
	switch {
	case mail.utf8:
		return "UTF8SMTP" + how + comment
	case how != "":
		return "ESMTP" + how + comment
	}
	return "SMTP"
}

// hello starts afresh. A name other than the one that DNS has for the client
// goes into the Received line.
func (s *session) hello(name string) {
	s.forgetHello()
	s.lists.heloName = &name
	if !ascii.Equal(name, s.hop.RemoteHost) {
		s.hop.Helo = &name
	}
}

func (s *session) forgetHello() {
	s.mail = nil
	s.hop.Helo = nil
	s.lists.heloName, s.lists.helo = nil, nil
}

func (s *session) quit(string) error {
	s.reply("221 " + s.greeting)
	return errQuit
}

func (s *session) help(string) error { return s.reply(replyHelp) }

func (s *session) noop(string) error {
	s.log("NOOP")
	return s.reply(replyOK)
}

func (s *session) vrfy(string) error {
	s.log("VRFY requested")
	return s.reply(replyVrfy)
}

func (s *session) unimplemented(argument string) error {
	s.log("Unimplemented command <" + argument + ">")
	return s.reply(replyUnknown)
}
