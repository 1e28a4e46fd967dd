package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"

	"goqmail/lib/imapclient"
	"goqmail/lib/saslclient"
)

// connect connects to a server instead of the one there was.
func (s *shell) connect(server, port string) error {
	s.disconnect()
	conn, err := net.Dial("tcp", net.JoinHostPort(server, port))
	if err != nil {
		return err
	}
	c, err := imapclient.New(conn, nil)
	if err != nil {
		conn.Close()
		return err
	}
	s.client, s.host = c, server
	// Servers greet with their full name, which is not always what they were called by.
	if name, _, _ := strings.Cut(c.Greeting.Text, " "); strings.Contains(name, ".") {
		s.host = name
	}
	return nil
}

func (s *shell) disconnect() {
	if s.client != nil {
		s.client.Do("LOGOUT")
		s.client.Close()
		s.client = nil
	}
}

// authenticate logs in, in TLS if the server has it and nobody forbids it.
func (s *shell) authenticate(o options) error {
	c := s.client
	if c.Greeting.Name == "PREAUTH" {
		return nil
	}
	if !o.notls && c.Has("STARTTLS") {
		config, err := tlsConfig(o, s.host)
		if err != nil {
			return err
		}
		if err := c.StartTLS(config); err != nil {
			return err
		}
	}
	if o.password == "" {
		var err error
		if o.password, err = s.password(); err != nil {
			return err
		}
	}
	login := saslclient.Login{
		User: o.user, As: o.authz, Password: o.password, Service: "imap", Host: s.host,
		TLS: c.TLS(), Offered: func(name string) bool { return c.Has("AUTH=" + name) },
	}
	mechanism := o.auth
	if mechanism == "" {
		mechanism = login.Best()
	}
	if mechanism == "" {
		mechanism = "login"
	}
	if strings.EqualFold(mechanism, "login") && (!c.Has("AUTH=LOGIN") || o.auth == "login") {
		return c.Login(o.user, o.password)
	}
	m, err := saslclient.New(mechanism, login)
	if err != nil {
		return err
	}
	return c.Authenticate(m, true)
}

// tlsConfig checks the server's certificate only if authorities are named, as cyradm
// always did: most servers have one that they signed themselves.
func tlsConfig(o options, host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, InsecureSkipVerify: true}
	if o.tlskey != "" {
		pair, err := tls.LoadX509KeyPair(o.tlskey, o.tlskey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	var files []string
	if o.cafile != "" {
		files = append(files, o.cafile)
	}
	if o.cadir != "" {
		found, err := filepath.Glob(filepath.Join(o.cadir, "*"))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if o.cafile == "" && o.cadir == "" {
		return config, nil
	}
	config.RootCAs, config.InsecureSkipVerify = x509.NewCertPool(), false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil && o.cafile == file {
			return nil, err
		}
		config.RootCAs.AppendCertsFromPEM(text)
	}
	return config, nil
}
