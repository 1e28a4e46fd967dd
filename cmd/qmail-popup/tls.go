package main

import (
	"errors"

	"goqmail/lib/errno"
	"goqmail/lib/extensions"
	"goqmail/lib/starttls"
)

// TLS (RFC 2595) is spoken by another process: qmail-tls, which has the key, or
// a server that started us with UCSPITLS. The program that checks the password,
// and what that runs, go on over the same descriptors.

// encryption is what there may be of TLS, and what there is.
type encryption struct {
	starttls.Policy
	ucspi  starttls.UCSPI
	known  bool // STLS and CAPA are commands
	on     bool
	helper *starttls.Helper // nil: none of ours
}

// readEncryption takes the settings from the extensions and the environment.
// Plain qmail-popup knows no TLS, and reads no control file.
func (s *session) readEncryption() error {
	wanted, err := extensions.Read()
	t := &s.tls
	t.Policy = starttls.ReadPolicy(s.call.Env)
	t.ucspi = starttls.ReadUCSPI(s.call)
	t.ForLogIn = t.ForLogIn || t.ucspi.Required
	t.known = t.ForLogIn || !t.Denied && (t.ucspi.On || wanted.Has(extensions.SMTPTLS))
	return err
}

// close waits until the client has got all that was said.
func (t *encryption) close() {
	if t.helper != nil {
		t.helper.Close()
	}
}

// offered tells whether the client may start TLS. To have a certificate is
// enough for that, be it good or not.
func (t *encryption) offered() bool {
	return t.known && !t.on && !t.Denied && (t.ucspi.On || starttls.HaveCertificate())
}

// missing tells whether the client has to start TLS before it logs in.
func (t *encryption) missing() bool { return t.ForLogIn && !t.on }

// secureAtOnce starts TLS before the greeting where the port wants that.
func (s *session) secureAtOnce() error {
	_, pop3s := s.call.Env.Lookup("POP3S")
	_, smtps := s.call.Env.Lookup("SMTPS")
	if !pop3s && !smtps {
		return nil
	}
	if err := s.secure(""); err != nil || !s.tls.on {
		return errEnd
	}
	return nil
}

func (s *session) startTLS(string) error {
	switch {
	case !s.tls.known:
		return s.tooEarly("")
	case s.tls.on:
		return s.refuse("TLS is active already")
	case !s.tls.offered():
		return s.refuse("TLS is not available")
	}
	return s.secure("+OK starting TLS negotiation")
}

// secure starts TLS, after the reply ready. What the client has sent before
// counts for nothing: it may come from another. Without a certificate the
// dialogue goes on as it was.
func (s *session) secure(ready string) error {
	s.hasUser = false
	if s.tls.ucspi.On {
		return s.secureOutside(ready)
	}
	helper, err := starttls.Start(s.conn.in, s.conn.out, s.call.Err(), s.call.Env, patience)
	if err != nil {
		s.use(s.conn)
		s.warn("TLS refused: " + err.Error())
		return s.refuse("TLS " + err.Error())
	}
	if ready != "" {
		s.reply(ready)
	}
	info, err := helper.Handshake()
	if info.Warning != "" {
		s.warn("TLS warning: " + info.Warning)
	}
	if err != nil {
		helper.Close()
		s.refuse("TLS connection failed: " + err.Error())
		return errEnd
	}
	s.tls.on, s.tls.helper = true, helper
	s.use(connection{helper.Clear(), helper.Clear()})
	return nil
}

// secureOutside has the server that started us speak TLS.
func (s *session) secureOutside(ready string) error {
	if ready != "" {
		s.reply(ready)
	}
	env, err := s.tls.ucspi.Start(s.call.Env)
	if err != nil {
		s.refuse("TLS connection failed: " + errno.Text(err))
		return errEnd
	}
	s.tls.on, s.call.Env = true, env
	s.use(connection{s.tls.ucspi.In, s.tls.ucspi.Out})
	return nil
}

// capabilities is CAPA (RFC 2449). It also tells of what the program that serves
// the mailbox can do.
func (s *session) capabilities(string) error {
	if !s.tls.known {
		return s.tooEarly("")
	}
	s.out.WriteString("+OK capability list follows\r\nTOP\r\nUIDL\r\n")
	if !s.tls.missing() {
		s.out.WriteString("USER\r\n")
	}
	if s.tls.offered() {
		s.out.WriteString("STLS\r\n")
	}
	return s.reply(".")
}

// warn tells the log what an administrator has to see to.
func (s *session) warn(text string) { s.call.Err().WriteString("qmail-popup: " + text + "\n") }

// complain tells why the settings cannot be read.
func (s *session) complain(err error) {
	var unknown extensions.Unknown
	if errors.As(err, &unknown) {
		s.warn("fatal: " + unknown.Error())
	}
	s.refuse("unable to read controls")
}
