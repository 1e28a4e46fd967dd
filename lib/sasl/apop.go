package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"strings"

	"goqmail/lib/sasldb"
)

// APOP checks the digest of POP3's command of that name (RFC 1939 section 7): of the
// challenge in the greeting and the password. It returns whom it lets in.
func (s *Server) APOP(p Peer, challenge, name, digest string) (user string, err error) {
	const how = "APOP"
	secret, _, err := s.secret(name, sasldb.Password)
	if err == nil {
		sum := md5.Sum([]byte(challenge + secret))
		if !hmac.Equal([]byte(hex.EncodeToString(sum[:])), []byte(strings.ToLower(digest))) {
			err = wrong("incorrect digest response")
		}
	}
	if err == nil && !s.secure(p) {
		err = failure(noMechanism, "APOP only available under a layer")
	}
	if err == nil {
		user, err = s.authorize(claim{name: name})
	}
	if err != nil {
		return "", s.refused(p, how, name, err)
	}
	s.entered(p, how, user)
	return user, nil
}
