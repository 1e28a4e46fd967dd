package smtp

import (
	"strings"

	"goqmail/lib/control"
	"goqmail/lib/errno"
	"goqmail/lib/extensions"
	"goqmail/lib/received"
	"goqmail/lib/starttls"
)

// TLS (RFC 3207) is spoken by another process: qmail-tls, which has the key, or
// a server that started us with UCSPITLS.

// secured is what there is to know of a connection after the handshake.
type secured struct {
	starttls.Info
	looked bool             // at the client's certificate, which is done once
	let    bool             // that has let the client relay
	helper *starttls.Helper // nil: none of ours
}

// close ends the connection.
func (t *secured) close() {
	if t != nil && t.helper != nil {
		t.helper.Close()
	}
}

// comment is what stands behind the protocol in Received lines.
func (t *secured) comment() string {
	comment := "(" + t.Cipher + " encrypted)"
	if t.let {
		comment += "\n  (cert " + t.Email + ")"
	}
	return comment
}

// offersTLS tells whether EHLO tells of STARTTLS. To have a certificate is
// enough for that, be it good or not.
func (s *session) offersTLS() bool {
	return s.tls == nil && s.knowsTLS() && (s.ucspi.On || starttls.HaveCertificate())
}

func (s *session) knowsTLS() bool {
	return !s.tlsPolicy.Denied && (s.ucspi.On || s.extensions.Has(extensions.SMTPTLS))
}

// lacksTLS tells whether the client has to start TLS before it sends mail.
func (s *session) lacksTLS() bool {
	return s.tls == nil && (s.ucspi.Required || s.tlsPolicy.Required)
}

// secureAtOnce starts TLS before the greeting where the port wants that.
func (s *session) secureAtOnce() error {
	if _, at := s.call.Env.Lookup("SMTPS"); !at {
		return nil
	}
	return s.secure("", func(refusal string) error { return hangUp(refusal) })
}

func (s *session) startTLS(argument string) error {
	switch {
	case !s.knowsTLS() || s.tls != nil:
		return s.unimplemented(argument)
	case argument != "":
		return s.reply(replyTLSArgument)
	case s.authenticated: // by whoever was there in the clear
		return s.reply(replyLoggedIn)
	}
	return s.secure(replyTLSReady, s.reply)
}

// secure starts TLS, after the reply ready. What the client has sent before
// counts for nothing: it may come from another. refuse tells that there will be
// no TLS.
func (s *session) secure(ready string, refuse func(reply string) error) error {
	if s.ucspi.On {
		return s.secureOutside(ready)
	}
	helper, err := starttls.Start(s.conn.in, s.conn.out, s.call.Err(), s.call.Env, s.timeout)
	if err != nil {
		s.use(s.conn)
		s.logTLS("TLS refused: " + err.Error())
		return refuse(tlsRefusal(err.Error()))
	}
	if ready != "" {
		s.reply(ready)
	}
	s.out.Flush()
	info, err := helper.Handshake()
	if info.Warning != "" { // which is for the administrator, who may have asked for no log
		s.call.Err().WriteString("qmail-smtpd: TLS warning: " + info.Warning + "\n")
	}
	if err != nil {
		helper.Close()
		s.use(s.conn)
		s.logTLS("TLS failed: " + err.Error())
		return hangUp(tlsRefusal("connection failed: " + err.Error()))
	}
	s.forgetAll()
	s.goOn(&secured{Info: info, helper: helper}, connection{helper.Clear(), helper.Clear()})
	return nil
}

// secureOutside has the server that started us speak TLS.
func (s *session) secureOutside(ready string) error {
	if ready != "" {
		s.reply(ready)
	}
	s.out.Flush()
	env, err := s.ucspi.Start(s.env)
	if err != nil {
		s.use(s.conn)
		s.logTLS("TLS failed: " + errno.Text(err))
		return hangUp(tlsRefusal("connection failed: " + errno.Text(err)))
	}
	s.forgetAll()
	s.call.Env = env
	tls := &secured{Info: starttls.Info{Cipher: env.Get("SSL_CIPHER")}}
	if s.ucspi.Trusted && env.Get("SSL_CLIENT_S_DN") != "" {
		s.trust(tls)
	}
	s.goOn(tls, connection{s.ucspi.In, s.ucspi.Out})
	return nil
}

// trust lets a client relay whose certificate the server that started us has
// seen to.
func (s *session) trust(tls *secured) {
	env := s.call.Env
	tls.looked, tls.let = true, true
	tls.Email = env.Get("SSL_CLIENT_S_DN")
	if email := env.Get("SSL_CLIENT_S_DN_Email"); s.ucspi.Named && email != "" {
		tls.Email = email
		s.knownAs(email)
	}
	tls.Email = received.Safe(tls.Email) // whoever certified it
	s.mayRelay()
}

// mayRelay lets the client send mail to anywhere.
func (s *session) mayRelay() {
	s.relayClient = new(string)
	s.call.Env = s.call.Env.With("RELAYCLIENT", "")
}

// goOn leads the dialogue on over a secured connection, from its start.
func (s *session) goOn(tls *secured, conn connection) {
	s.tls = tls
	s.logTLS("TLS " + tls.Cipher)
	s.use(conn)
}

// forgetAll forgets what was said in the clear, by whomever.
func (s *session) forgetAll() {
	s.forgetHello()
	s.call.Env = s.env
	s.hop = received.FromEnv(s.env)
}

// logTLS tells both logs.
func (s *session) logTLS(text string) {
	s.log(text)
	s.tell(event{name: sessionStatus, text: text})
}

func tlsRefusal(why string) string { return "454 TLS " + why + " (#4.3.0)" }

// certified tells whether the client's certificate lets it relay. It is looked
// at when that may help for the first time.
func (s *session) certified() (bool, error) {
	if s.tls == nil || s.tls.looked {
		return false, nil
	}
	s.tls.looked = true
	lines, there, err := control.Lines("tlsclients")
	switch {
	case err != nil:
		return false, err
	case !there || s.tls.Email == "":
		return false, nil
	case !control.NewSet(lines).Has(s.tls.Email):
		s.tls.Problem = "email address not in my list of tlsclients"
		return false, nil
	}
	s.tls.let = true
	s.mayRelay()
	return true, nil
}

// noGateway is the refusal of a recipient elsewhere.
func (s *session) noGateway() string {
	if s.tls == nil {
		return replyNoGateway
	}
	why := "; no valid cert for gatewaying"
	if s.tls.Problem != "" {
		why += ": " + s.tls.Problem
	}
	text, code, _ := strings.Cut(replyNoGateway, " (#")
	return text + why + " (#" + code
}
