// Package sasl is the server's side of SASL (RFC 4422) for imapd, pop3d, lmtpd and
// timsieved: which mechanisms a client may use, the exchanges of each, and whom the
// client may act for. How challenges and responses travel is the protocol's matter.
//
// Passwords come from where imapd.conf(5) says; mechanisms that never show the
// password need it from sasldb. Failures are written to the log in the words that
// fail2ban reads, and answered late.
package sasl

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/sasldb"
)

// Server knows who may log in. It may be used by many connections at once.
type Server struct {
	Log func(format string, args ...any)
	// Wait is time.Sleep, but in tests.
	Wait func(time.Duration)

	conf    imapconf.Conf
	service string   // imap, pop, lmtp or sieve
	realms  []string // of this host: users of these are those without a realm
	db      string   // the path of sasldb
	salt    [16]byte // of SCRAM's salts
}

// New returns a Server for the service that SASL calls imap, pop, lmtp or sieve.
func New(conf imapconf.Conf, service string, log func(format string, args ...any)) *Server {
	s := &Server{Log: log, Wait: time.Sleep, conf: conf, service: service, realms: conf.Realms()}
	s.db, _ = File(conf)
	rand.Read(s.salt[:])
	return s
}

// File is the path of sasldb, and whether logins change it: one-time passwords do.
func File(conf imapconf.Conf) (path string, changes bool) {
	list := conf.Words("sasl_mech_list")
	return conf.String("sasl_sasldb_path", sasldb.Default), len(list) == 0 || among(list, "OTP")
}

// Peer is what is known of a connection.
type Peer struct {
	Host        string               // of the client, for the log: "name [address]"
	TLS         *tls.ConnectionState // nil if there is none
	Certificate *x509.Certificate    // of this server, for channel binding; nil if unknown
	Identity    string               // who the client is by other means, such as its certificate; "" if nobody
	Private     bool                 // nobody can overhear it: it is a socket of this host
}

// mechanisms are all that there are, the best first.
var mechanisms = [...]struct {
	name  string
	needs need
	start func(*Exchange) mechanism
}{
	{"SCRAM-SHA-256-PLUS", secrets | binding, scramSHA256},
	{"SCRAM-SHA-1-PLUS", secrets | binding, scramSHA1},
	{"SCRAM-SHA-256", secrets, scramSHA256},
	{"SCRAM-SHA-1", secrets, scramSHA1},
	{"DIGEST-MD5", secrets, startDigest},
	{"CRAM-MD5", secrets, startCRAM},
	{"OTP", secrets, startOTP},
	{"PLAIN", privacy, startPlain},
	{"LOGIN", privacy, startLogin},
	{"EXTERNAL", identity, startExternal},
	{"ANONYMOUS", permission, startAnonymous},
}

// need is what must be there for a mechanism to be of use.
type need int

const (
	secrets    need = 1 << iota // the passwords themselves, in sasldb
	binding                     // a TLS connection to be bound to; see scram.bind
	privacy                     // nobody overhears, or may
	identity                    // known by other means
	permission                  // allowanonymouslogin
)

// Mechanisms are those that the client may use now, the best first.
func (s *Server) Mechanisms(p Peer) (names []string) {
	for _, m := range mechanisms {
		if s.offers(p, m.name, m.needs) {
			names = append(names, m.name)
		}
	}
	return names
}

func (s *Server) offers(p Peer, name string, needs need) bool {
	list := s.conf.Words("sasl_mech_list")
	named := among(list, name)
	if len(list) > 0 && !named && !among(list, strings.TrimSuffix(name, "-PLUS")) {
		return false
	}
	if needs&secrets != 0 {
		if _, err := os.Stat(s.db); err != nil {
			return false
		}
	}
	return s.secure(p) &&
		(needs&binding == 0 || p.TLS != nil && (named || p.TLS.TLSUnique != nil)) &&
		(needs&privacy == 0 || s.Plaintext(p)) &&
		(needs&identity == 0 || p.Identity != "") &&
		(needs&permission == 0 || s.conf.Bool("allowanonymouslogin", false))
}

func among(list []string, name string) bool {
	return slices.ContainsFunc(list, func(word string) bool { return strings.EqualFold(word, name) })
}

// secure tells whether the connection has the strength that sasl_minimum_layer asks for.
func (s *Server) secure(p Peer) bool {
	return p.Private || bits(p) >= s.conf.Int("sasl_minimum_layer", 0)
}

func bits(p Peer) int {
	if p.TLS == nil {
		return 0
	}
	return imaptls.Bits(*p.TLS)
}

// Plaintext tells whether the client may send a password as it is.
func (s *Server) Plaintext(p Peer) bool {
	return s.secure(p) && (p.TLS != nil || p.Private || s.conf.Bool("allowplaintext", false))
}

// Error is why nobody has logged in.
type Error struct {
	Code   int    // Cyrus SASL's number for it
	Text   string // for the client
	Detail string // for the log only
}

func (e *Error) Error() string { return e.Text }

// Temporary tells whether it may be another time with the same password.
func (e *Error) Temporary() bool { return e.Code == generic }

// Denied tells whether the client is whom it says, but may not act for another.
func (e *Error) Denied() bool { return e.Code == noAuthz }

// Unusable tells whether the mechanism is not to be had.
func (e *Error) Unusable() bool { return e.Code == noMechanism }

// Cyrus SASL's numbers.
const (
	generic     = -1
	noMechanism = -4
	badProtocol = -5
	badAuth     = -13
	noAuthz     = -14
)

func failure(code int, detail string) *Error {
	text := map[int]string{
		generic:     "generic failure",
		noMechanism: "no mechanism available",
		badProtocol: "bad protocol / cancel",
		badAuth:     "authentication failure",
		noAuthz:     "authorization failure",
	}[code]
	return &Error{code, text, detail}
}

// wrong is a failure of the client's to know a secret.
func wrong(detail string) error { return failure(badAuth, detail) }

// malformed is what the client should never have sent.
func malformed(detail string) error { return failure(badProtocol, detail) }

// unable is a failure of ours.
func unable(err error) error { return failure(generic, err.Error()) }

// Login checks the password of a command that has it as it is, and returns whom it
// lets in.
func (s *Server) Login(p Peer, name, password string) (user string, err error) {
	const how = "plaintext"
	if !s.Plaintext(p) {
		return "", s.refused(p, how, name, failure(noMechanism, "Login only available under a layer"))
	}
	if err = s.check(name, password); err == nil {
		user, err = s.authorize(claim{name: name})
	}
	if err != nil {
		return "", s.refused(p, how, name, err)
	}
	s.paused(p)
	s.entered(p, how, user)
	return user, nil
}

// paused waits after a password in clear, as plaintextloginpause has it: a reminder.
func (s *Server) paused(p Peer) {
	if pause := s.conf.Int("plaintextloginpause", 0); pause > 0 && p.TLS == nil && !p.Private {
		s.Wait(time.Duration(pause) * time.Second)
	}
}

// entered logs a success.
func (s *Server) entered(p Peer, how, user string) {
	if p.TLS != nil {
		how += "+TLS"
	}
	s.Log("login: %s %s %s User logged in", p.Host, printable(user), how)
}

// refused logs a failure and waits, so that passwords cannot be tried one after the other.
func (s *Server) refused(p Peer, how, name string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = failure(generic, err.Error())
	}
	s.Log("badlogin: %s %s %s SASL(%d): %s: %s", p.Host, how, printable(name), e.Code, e.Text, printable(e.Detail))
	s.Wait(time.Duration(max(s.conf.Int("failedloginpause", 3), 0)) * time.Second)
	return e
}

// printable makes what a client has sent fit for a line of the log.
func printable(text string) string {
	const most = 100
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '[' || r == ']' { // brackets are around addresses
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}

// Exchange is one attempt to log in by a mechanism.
type Exchange struct {
	server *Server
	peer   Peer
	name   string // of the mechanism
	on     mechanism
	bound  bool   // the mechanism's name ends in -PLUS
	who    string // whom the client claims to be, as far as is known
	user   string
	over   bool
}

// mechanism is what a mechanism does: with each response of the client, nil if it has
// sent none yet, it returns a challenge or, at the end, who the client is.
type mechanism interface {
	next(response []byte) (challenge []byte, who *claim, err error)
}

// releaser is a mechanism that holds something until the exchange is over.
type releaser interface{ release() }

// claim is whose password the client knows, and for whom it wants to act.
type claim struct {
	name string
	as   string // "" for itself
}

// Start begins an exchange. The client is told of an error as of one of Next.
func (s *Server) Start(p Peer, name string) (*Exchange, error) {
	name = strings.ToUpper(name)
	for _, m := range mechanisms {
		if m.name == name && s.offers(p, name, m.needs) {
			x := &Exchange{server: s, peer: p, name: name, bound: m.needs&binding != 0}
			x.on = m.start(x)
			return x, nil
		}
	}
	return nil, s.refused(p, printable(strings.ReplaceAll(name, " ", "?")), "", failure(noMechanism, "not offered"))
}

// maxResponse is the longest response that any mechanism understands.
const maxResponse = 8 << 10

// Next takes a response of the client, nil if the client has sent none with the
// mechanism's name, and returns the next challenge, which may be empty, or done, or
// an error, which ends the exchange.
func (x *Exchange) Next(response []byte) (challenge []byte, done bool, err error) {
	if x.over {
		return nil, false, errors.New("sasl: the exchange is over")
	}
	var who *claim
	if len(response) > maxResponse {
		err = malformed("response too long")
	} else {
		challenge, who, err = x.on.next(response)
	}
	if err == nil && who == nil {
		return challenge, false, nil
	}
	x.Close()
	if err == nil {
		x.who = who.name
		x.user, err = x.server.authorize(*who)
	}
	if err != nil {
		return nil, false, x.server.refused(x.peer, x.name, x.who, err)
	}
	if x.name == "PLAIN" || x.name == "LOGIN" {
		x.server.paused(x.peer)
	}
	x.server.entered(x.peer, x.name, x.user)
	return nil, true, nil
}

// Close ends an exchange that may not be over: the client has cancelled it or gone.
func (x *Exchange) Close() {
	if r, ok := x.on.(releaser); ok && !x.over {
		r.release()
	}
	x.over = true
}

// User is whom the client has logged in as, once Next has said done.
func (x *Exchange) User() string { return x.user }
