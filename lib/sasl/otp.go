package sasl

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"goqmail/lib/otp"
	"goqmail/lib/sasldb"
)

// oneTime is OTP (RFC 2444): a password that counts once, of a chain of which the
// server has seen the one before. RFC 2289 section 9 wants one attempt at a time for a user, so that
// nobody who hears a password come in uses it first: the state says until when it is
// being used.
type oneTime struct {
	*Exchange
	as     string
	key    sasldb.Key
	locked string // the state as it is while we use it, "" when we do not
}

func startOTP(x *Exchange) mechanism { return &oneTime{Exchange: x} }

// otpTime is how long an attempt may take.
const otpTime = 5 * time.Minute

func (m *oneTime) next(response []byte) ([]byte, *claim, error) {
	switch {
	case m.locked != "":
		if err := m.verify(string(response)); err != nil {
			return nil, nil, err
		}
		return nil, &claim{m.who, m.as}, nil
	case response == nil:
		return []byte{}, nil, nil
	}
	var ok bool
	if m.as, m.who, ok = strings.Cut(string(response), "\x00"); !ok {
		return nil, nil, malformed("no OTP message")
	}
	challenge, err := m.challenge()
	return []byte(challenge), nil, err
}

// challenge takes the state for us.
func (m *oneTime) challenge() (text string, err error) {
	_, realm, err := m.server.secret(m.who, sasldb.OTP)
	if err != nil {
		return "", err
	}
	user, _ := m.server.split(m.who)
	m.key = sasldb.Key{User: user, Realm: realm, Property: sasldb.OTP}
	err = m.advance(func(value string) (string, error) {
		s, err := otp.Parse(value)
		switch {
		case err != nil:
			return "", err
		case s.Until > time.Now().Unix():
			return "", wrong("simultaneous OTP authentications not permitted")
		case s.Sequence <= 1:
			return "", wrong("no one-time password is left")
		}
		s.Until = time.Now().Add(otpTime).Unix()
		text = fmt.Sprintf("otp-%s %d %s ext", s.Algorithm, s.Sequence-1, s.Seed)
		return s.String(), nil
	}, &m.locked)
	return text, err
}

// verify checks a response. The state goes on before anybody is let in, so that no
// second one can use the same password.
func (m *oneTime) verify(response string) error {
	var after string
	err := m.advance(func(value string) (string, error) {
		if value != m.locked {
			return "", wrong("OTP state has changed")
		}
		s, err := otp.Parse(value)
		if err != nil {
			return "", err
		}
		next, err := s.Accept(response)
		if err != nil {
			return "", wrong("OTP: " + err.Error())
		}
		return next.String(), nil
	}, &after)
	if err == nil {
		m.locked = ""
	}
	return err
}

// release lets others try.
func (m *oneTime) release() {
	if m.locked == "" {
		return
	}
	var after string
	m.advance(func(value string) (string, error) {
		s, err := otp.Parse(value)
		if err != nil || !hmac.Equal([]byte(value), []byte(m.locked)) {
			return value, err
		}
		s.Until = 0
		return s.String(), nil
	}, &after) // otherwise it ends after otpTime
}

// advance changes the state, and notes what it is then.
func (m *oneTime) advance(next func(value string) (string, error), now *string) error {
	err := sasldb.Advance(m.server.db, m.key, func(value string) (string, error) {
		fresh, err := next(value)
		if err == nil {
			*now = fresh
		}
		return fresh, err
	})
	var e *Error
	switch {
	case err == nil || errors.As(err, &e):
	case errors.Is(err, sasldb.ErrNone), errors.Is(err, fs.ErrNotExist):
		err = wrong("user not found: no secret in database")
	default:
		err = unable(err)
	}
	if err != nil {
		*now = m.locked
	}
	return err
}
