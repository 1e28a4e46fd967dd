package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"goqmail/lib/sasldb"
)

// digest is DIGEST-MD5 (RFC 2831) without its layers: TLS does what they did.
type digest struct {
	*Exchange
	nonce string
	sent  bool
	who   *claim // the client, once it has proved that
}

func startDigest(x *Exchange) mechanism {
	var b [24]byte
	rand.Read(b[:])
	return &digest{Exchange: x, nonce: base64.StdEncoding.EncodeToString(b[:])}
}

// A client that remembers an earlier exchange begins with a response to that one. It
// gets a new challenge, as if it had not: each nonce is for one use.
func (m *digest) next(response []byte) ([]byte, *claim, error) {
	switch {
	case !m.sent:
		m.sent = true
		return fmt.Appendf(nil, `nonce="%s",realm="%s",qop="auth",charset=utf-8,algorithm=md5-sess`, m.nonce, m.server.realms[0]), nil, nil
	case m.who == nil:
		proof, err := m.verify(response)
		return []byte("rspauth=" + proof), nil, err
	case len(response) > 0:
		return nil, nil, malformed("more than DIGEST-MD5 has")
	}
	return nil, m.who, nil
}

// verify checks the client's response and returns the server's own proof.
func (m *digest) verify(response []byte) (proof string, err error) {
	said, ok := directives(string(response))
	if !ok {
		return "", malformed("no DIGEST-MD5 response")
	}
	name, realm := said["username"], said["realm"]
	utf8Said := said["charset"] == "utf-8"
	account := name
	if !utf8Said {
		account = fromLatin1(name)
	}
	if realm != "" && !m.server.own(realm) {
		account += "@" + realm
	}
	m.Exchange.who = account
	qop := said["qop"]
	switch {
	case said["nonce"] != m.nonce:
		return "", wrong("nonce changed: authentication aborted")
	case said["nc"] != "00000001":
		return "", wrong("incorrect nonce-count")
	case qop != "auth" && qop != "":
		return "", malformed("no such quality of protection")
	case said["cnonce"] == "" || said["username"] == "" || said["charset"] != "" && !utf8Said:
		return "", malformed("parameters missing in DIGEST-MD5 response")
	case !strings.HasPrefix(strings.ToLower(said["digest-uri"]), m.server.service+"/"):
		return "", wrong("bad digest-uri: " + said["digest-uri"])
	}
	password, _, err := m.server.secret(account, sasldb.Password)
	if err != nil {
		return "", err
	}
	if utf8Said {
		name, realm = toLatin1(name), toLatin1(realm)
	}
	secret := md5.Sum([]byte(name + ":" + realm + ":" + toLatin1(password)))
	a1 := string(secret[:]) + ":" + m.nonce + ":" + said["cnonce"]
	if said["authzid"] != "" {
		a1 += ":" + said["authzid"]
	}
	answer := func(a2 string) string {
		return hexMD5(hexMD5(a1) + ":" + m.nonce + ":" + said["nc"] + ":" + said["cnonce"] + ":auth:" + hexMD5(a2))
	}
	if !hmac.Equal([]byte(answer("AUTHENTICATE:"+said["digest-uri"])), []byte(said["response"])) {
		return "", wrong("client response doesn't match what we generated")
	}
	m.who = &claim{account, said["authzid"]}
	return answer(":" + said["digest-uri"]), nil
}

func hexMD5(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// directives reads a list like a="x",b=y (RFC 2831 section 7.1). None may be there twice.
func directives(text string) (said map[string]string, ok bool) {
	const space = " \t\r\n"
	said = map[string]string{}
	for {
		text = strings.TrimLeft(text, space+",")
		if text == "" {
			return said, true
		}
		name, rest, found := strings.Cut(text, "=")
		name = strings.ToLower(strings.TrimRight(name, space))
		if _, twice := said[name]; !found || name == "" || twice || strings.ContainsAny(name, space+",\"") {
			return nil, false
		}
		rest = strings.TrimLeft(rest, space)
		var value string
		if strings.HasPrefix(rest, `"`) {
			if value, rest, ok = quoted(rest[1:]); !ok {
				return nil, false
			}
		} else {
			end := strings.IndexAny(rest, space+",")
			if end < 0 {
				end = len(rest)
			}
			value, rest = rest[:end], rest[end:]
		}
		if rest = strings.TrimLeft(rest, space); rest != "" && rest[0] != ',' {
			return nil, false
		}
		said[name], text = value, rest
	}
}

// quoted reads to the end of a quoted string.
func quoted(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

// toLatin1 turns UTF-8 into ISO 8859-1 if that has all of its characters, as the digest
// wants it.
func toLatin1(text string) string {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff || r == utf8.RuneError {
			return text
		}
		b = append(b, byte(r))
	}
	return string(b)
}

func fromLatin1(text string) string {
	r := make([]rune, len(text))
	for i := range len(text) {
		r[i] = rune(text[i])
	}
	return string(r)
}
