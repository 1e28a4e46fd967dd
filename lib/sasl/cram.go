package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"goqmail/lib/sasldb"
)

// cram is CRAM-MD5 (RFC 2195): the client proves with a keyed digest of the challenge
// that it knows the password.
type cram struct {
	*Exchange
	challenge string
}

func startCRAM(x *Exchange) mechanism {
	var b [8]byte
	rand.Read(b[:])
	return &cram{x, fmt.Sprintf("<%d.%d@%s>", binary.BigEndian.Uint64(b[:]), time.Now().Unix(), x.server.realms[0])}
}

// An initial response makes no sense here: the challenge comes first.
func (m *cram) next(response []byte) ([]byte, *claim, error) {
	if response == nil {
		return []byte(m.challenge), nil, nil
	}
	name, digest, ok := cutLast(string(response), " ")
	if !ok {
		return nil, nil, malformed("no CRAM-MD5 response")
	}
	m.who = name
	secret, _, err := m.server.secret(name, sasldb.Password)
	if err != nil {
		return nil, nil, err
	}
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write([]byte(m.challenge))
	if !hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(digest)) {
		return nil, nil, wrong("incorrect digest response")
	}
	return nil, &claim{name: name}, nil
}
