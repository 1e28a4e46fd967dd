package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"goqmail/lib/imapclient"
	"goqmail/lib/saslclient"
)

// session is a connection with a server.
type session struct {
	options  options
	in       io.Reader
	out      io.Writer
	password func() (string, error)

	client *imapclient.Client
}

// errLogin is a login that the server has refused.
type errLogin struct{ error }

func (e errLogin) Unwrap() error { return e.error }

// begin connects and logs in.
func (s *session) begin() error {
	o := s.options
	conn, err := net.Dial("tcp", net.JoinHostPort(o.host, port(o.port)))
	if err != nil {
		return err
	}
	config := &tls.Config{ServerName: o.host, InsecureSkipVerify: true} // it is the server that is tested
	if o.tlskey != "" {
		pair, err := tls.LoadX509KeyPair(o.tlskey, o.tlskey)
		if err != nil {
			return err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if o.tls {
		secure := tls.Client(conn, config)
		if err := secure.Handshake(); err != nil {
			return err
		}
		s.tellTLS(secure)
		conn = secure
	}
	if s.client, err = imapclient.New(conn, s.out); err != nil {
		return err
	}
	if _, err := s.client.Capabilities(); err != nil {
		return err
	}
	if o.starttls && !o.tls {
		if !s.client.Has("STARTTLS") {
			return errors.New("the server has no STARTTLS")
		}
		if err := s.client.StartTLS(config); err != nil {
			return err
		}
		s.tellTLS(s.client.Conn().(*tls.Conn))
		if _, err := s.client.Capabilities(); err != nil {
			return err
		}
	}
	if !o.login || s.client.Greeting.Name == "PREAUTH" {
		return nil
	}
	return s.login()
}

func (s *session) tellTLS(conn *tls.Conn) {
	state := conn.ConnectionState()
	fmt.Fprintf(s.out, "TLS connection established: %s with cipher %s\n", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
}

// login logs in by the mechanism that was asked for, else by the best that both know.
func (s *session) login() error {
	o := s.options
	if o.password == "" {
		var err error
		if o.password, err = s.password(); err != nil {
			return err
		}
	}
	login := saslclient.Login{
		User: o.user, As: o.as, Password: o.password, Realm: o.realm, Service: "imap", Host: s.host(),
		TLS: s.client.TLS(), Offered: func(name string) bool { return s.client.Has("AUTH=" + name) },
	}
	name := o.mechanism
	if name == "" {
		name = login.Best()
	}
	var err error
	if name == "" || name == "login" {
		err = s.client.Login(o.user, o.password)
	} else {
		mechanism, unknown := saslclient.New(name, login)
		if unknown != nil {
			return unknown
		}
		err = s.client.Authenticate(mechanism, o.initial)
	}
	if err != nil {
		return errLogin{err}
	}
	fmt.Fprintln(s.out, "Authenticated.")
	bits := 0
	if login.TLS != nil {
		bits = 256
		if strings.Contains(tls.CipherSuiteName(login.TLS.CipherSuite), "AES_128") {
			bits = 128
		}
	}
	fmt.Fprintf(s.out, "Security strength factor: %d\n", bits)
	return nil
}

// host is the server's full name: servers greet with it.
func (s *session) host() string {
	if name, _, _ := strings.Cut(s.client.Greeting.Text, " "); strings.Contains(name, ".") {
		return name
	}
	return s.options.host
}

// goOn connects the user with the server until one of them ends. After that the other
// is heard to the end.
func (s *session) goOn() {
	if s.client == nil {
		return
	}
	defer s.client.Close()
	in := s.in
	if s.options.file != "" {
		f, err := os.Open(s.options.file)
		if err != nil {
			fmt.Fprintf(os.Stderr, "imtest: %v\n", err)
			return
		}
		defer f.Close()
		in = f
	}
	conn := s.client.Conn()
	go func() {
		io.Copy(lines{conn}, in)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	}()
	s.client.Relay(s.out)
	fmt.Fprintln(s.out, "Connection closed.")
}

// lines sends lines as a protocol wants them, with CR LF.
type lines struct{ w io.Writer }

func (l lines) Write(p []byte) (int, error) {
	text := bytes.ReplaceAll(bytes.ReplaceAll(p, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	if _, err := l.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// port returns the number of a service that every IMAP host has, also where
// /etc/services is missing.
func port(name string) string {
	switch name {
	case "imap":
		return "143"
	case "imaps":
		return "993"
	}
	return name
}
