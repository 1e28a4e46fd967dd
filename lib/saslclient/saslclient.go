// Package saslclient is the client's side of the SASL mechanisms that Cyrus's tools
// speak. PLAIN, LOGIN and EXTERNAL come from go-sasl, whose interface all have.
package saslclient

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
)

// Login is who logs in where.
type Login struct {
	User     string // whose password it is
	As       string // whose rights it is to be; "" for the same
	Password string
	Service  string // imap, pop or sieve, for DIGEST-MD5
	Host     string // likewise
	Realm    string // "" for the one that the server offers

	TLS     *tls.ConnectionState        // of the connection, nil if it has none
	Offered func(mechanism string) bool // what the server has; nil if that is not known
}

// Mechanisms lists what New knows, the best first.
func Mechanisms() []string {
	return []string{
		"EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1",
		"DIGEST-MD5", "CRAM-MD5", "OTP", "PLAIN", "LOGIN",
	}
}

// Best is the best mechanism that the server offers and the connection allows, but for
// EXTERNAL and OTP, which somebody has to want; "" if there is none.
func (l Login) Best() string {
	for _, name := range Mechanisms() {
		if name == "EXTERNAL" || name == "OTP" || !l.Offered(name) {
			continue
		}
		if kind, _ := l.binding(); kind != "" || !strings.HasSuffix(name, "-PLUS") {
			return name
		}
	}
	return ""
}

// ErrUnknown is for a mechanism that is not among Mechanisms.
var ErrUnknown = errors.New("no such mechanism")

// ErrUnbound is for a mechanism that binds a login to its TLS connection where there is
// none, or none with a name.
var ErrUnbound = errors.New("there is no TLS connection to bind to")

// errServer is for a challenge that makes no sense, or a server that does not know the
// password either.
var errServer = errors.New("the server's part of the exchange is wrong")

// New returns a client for a mechanism.
func New(mechanism string, l Login) (sasl.Client, error) {
	mechanism = strings.ToUpper(mechanism)
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainClient(l.As, l.User, l.Password), nil
	case "LOGIN":
		return sasl.NewLoginClient(l.User, l.Password), nil
	case "EXTERNAL":
		return sasl.NewExternalClient(l.As), nil
	case "CRAM-MD5":
		return &steps{name: "CRAM-MD5", next: []step{l.cram}}, nil
	case "DIGEST-MD5":
		d := &digestMD5{Login: l}
		return &steps{name: "DIGEST-MD5", next: []step{d.respond, d.verify}}, nil
	case "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS":
		return newSCRAM(mechanism, l, sha1.New)
	case "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS":
		return newSCRAM(mechanism, l, sha256.New)
	case "OTP":
		return &steps{name: "OTP", first: []byte(l.As + "\x00" + l.User), next: []step{l.otp}}, nil
	}
	return nil, fmt.Errorf("%s: %w", mechanism, ErrUnknown)
}

// step answers a challenge.
type step func(challenge []byte) ([]byte, error)

// steps is a mechanism that is a function for each challenge.
type steps struct {
	name  string
	first []byte
	next  []step
}

// Start returns the mechanism's name and its first words, nil if the server begins.
func (s *steps) Start() (string, []byte, error) { return s.name, s.first, nil }

// Next answers a challenge.
func (s *steps) Next(challenge []byte) ([]byte, error) {
	if len(s.next) == 0 {
		return nil, errServer
	}
	step := s.next[0]
	s.next = s.next[1:]
	return step(challenge)
}

// cram is RFC 2195.
func (l Login) cram(challenge []byte) ([]byte, error) {
	mac := hmac.New(md5.New, []byte(l.Password))
	mac.Write(challenge)
	return []byte(l.User + " " + hex.EncodeToString(mac.Sum(nil))), nil
}

// digestMD5 is RFC 2831, with qop auth.
type digestMD5 struct {
	Login
	expected string // the server's proof that it knows the password
}

func (d *digestMD5) respond(challenge []byte) ([]byte, error) {
	offered := directives(string(challenge))
	nonce := offered["nonce"]
	if nonce == "" || offered["algorithm"] != "md5-sess" {
		return nil, errServer
	}
	if d.Realm == "" {
		d.Realm = offered["realm"]
	}
	cnonce, uri := random(), d.Service+"/"+d.Host
	secret := md5.Sum([]byte(d.User + ":" + d.Realm + ":" + d.Password))
	a1 := string(secret[:]) + ":" + nonce + ":" + cnonce
	if d.As != "" {
		a1 += ":" + d.As
	}
	proof := func(method string) string {
		return hexMD5(hexMD5(a1) + ":" + nonce + ":00000001:" + cnonce + ":auth:" + hexMD5(method+":"+uri))
	}
	d.expected = proof("")
	response := fmt.Sprintf(`username="%s",realm="%s",nonce="%s",cnonce="%s",nc=00000001,qop=auth,digest-uri="%s",response=%s`,
		quote(d.User), quote(d.Realm), quote(nonce), cnonce, quote(uri), proof("AUTHENTICATE"))
	if offered["charset"] != "" {
		response = "charset=utf-8," + response
	}
	if d.As != "" {
		response += `,authzid="` + quote(d.As) + `"`
	}
	return []byte(response), nil
}

func (d *digestMD5) verify(challenge []byte) ([]byte, error) {
	if directives(string(challenge))["rspauth"] != d.expected {
		return nil, errServer
	}
	return []byte{}, nil
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func quote(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }

// directives reads name=value pairs with commas between them.
func directives(s string) map[string]string {
	all := map[string]string{}
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			break
		}
		name = strings.ToLower(strings.Trim(name, " ,\t"))
		var value strings.Builder
		if strings.HasPrefix(rest, `"`) {
			i := 1
			for ; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' && i+1 < len(rest) {
					i++
				}
				value.WriteByte(rest[i])
			}
			rest = rest[min(i+1, len(rest)):]
			_, rest, _ = strings.Cut(rest, ",")
		} else {
			var word string
			word, rest, _ = strings.Cut(rest, ",")
			value.WriteString(strings.TrimSpace(word))
		}
		if _, twice := all[name]; !twice {
			all[name] = value.String()
		}
		s = rest
	}
	return all
}

func random() string {
	var b [18]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// scram is RFC 5802.
type scram struct {
	Login
	hash      func() hash.Hash
	header    string // of GS2
	channel   []byte // what the login is bound to
	nonce     string
	first     string // client-first-message-bare
	signature []byte // what the server is to send
}

func newSCRAM(name string, l Login, h func() hash.Hash) (sasl.Client, error) {
	s := &scram{Login: l, hash: h, nonce: random()}
	flag := "n"
	kind, channel := l.binding()
	switch bound := strings.HasSuffix(name, "-PLUS"); {
	case bound && kind == "":
		return nil, fmt.Errorf("%s: %w", name, ErrUnbound)
	case bound:
		flag, s.channel = "p="+kind, channel
	case kind != "" && l.Offered != nil && !l.Offered("SCRAM-SHA-256-PLUS") && !l.Offered("SCRAM-SHA-1-PLUS"):
		flag = "y" // it would: the server knows whether somebody has changed its list
	}
	escape := strings.NewReplacer("=", "=3D", ",", "=2C")
	as := ""
	if l.As != "" {
		as = "a=" + escape.Replace(l.As)
	}
	s.header = flag + "," + as + ","
	s.first = "n=" + escape.Replace(l.User) + ",r=" + s.nonce
	return &steps{name: name, first: []byte(s.header + s.first), next: []step{s.respond, s.verify}}, nil
}

// binding is what names the TLS connection: tls-exporter (RFC 9266) with TLS 1.3,
// tls-unique (RFC 5929) before that. There is no kind if it cannot be named.
func (l Login) binding() (kind string, channel []byte) {
	switch {
	case l.TLS == nil:
	case l.TLS.Version >= tls.VersionTLS13:
		if name, err := l.TLS.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32); err == nil {
			return "tls-exporter", name
		}
	case l.TLS.TLSUnique != nil:
		return "tls-unique", l.TLS.TLSUnique
	}
	return "", nil
}

func (s *scram) mac(key []byte, text string) []byte {
	m := hmac.New(s.hash, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// maxIterations bounds what a server can have us compute.
const maxIterations = 1 << 20

func (s *scram) respond(challenge []byte) ([]byte, error) {
	var nonce string
	var salt []byte
	iterations := 0
	for part := range strings.SplitSeq(string(challenge), ",") {
		var err error
		switch name, value, _ := strings.Cut(part, "="); name {
		case "r":
			nonce = value
		case "s":
			salt, err = base64.StdEncoding.DecodeString(value)
		case "i":
			iterations, err = strconv.Atoi(value)
		}
		if err != nil {
			return nil, errServer
		}
	}
	if !strings.HasPrefix(nonce, s.nonce) || len(nonce) == len(s.nonce) || len(salt) == 0 || iterations < 1 || iterations > maxIterations {
		return nil, errServer
	}
	final := "c=" + base64.StdEncoding.EncodeToString(append([]byte(s.header), s.channel...)) + ",r=" + nonce
	signed := s.first + "," + string(challenge) + "," + final
	salted, err := pbkdf2.Key(s.hash, s.Password, salt, iterations, s.hash().Size())
	if err != nil {
		return nil, err
	}
	key := s.mac(salted, "Client Key")
	stored := s.hash()
	stored.Write(key)
	proof := s.mac(stored.Sum(nil), signed)
	for i := range proof {
		proof[i] ^= key[i]
	}
	s.signature = s.mac(s.mac(salted, "Server Key"), signed)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

func (s *scram) verify(challenge []byte) ([]byte, error) {
	if !bytes.Equal(challenge, []byte("v="+base64.StdEncoding.EncodeToString(s.signature))) {
		return nil, errServer
	}
	return []byte{}, nil
}

// otp is RFC 2444 with the algorithms of RFC 2289: the challenge is "otp-md5 498 seed ext".
func (l Login) otp(challenge []byte) ([]byte, error) {
	words := strings.Fields(string(challenge))
	if len(words) < 3 {
		return nil, errServer
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 0 || n > 1<<16 {
		return nil, errServer
	}
	fold := map[string]func([]byte) []byte{"otp-md5": foldMD5, "otp-sha1": foldSHA1}[words[0]]
	if fold == nil {
		return nil, fmt.Errorf("%s: %w", words[0], ErrUnknown)
	}
	key := fold([]byte(strings.ToLower(words[2]) + l.Password))
	for range n {
		key = fold(key)
	}
	return []byte("hex:" + hex.EncodeToString(key)), nil
}

func foldMD5(b []byte) []byte {
	sum := md5.Sum(b)
	for i := range 8 {
		sum[i] ^= sum[i+8]
	}
	return sum[:8]
}

func foldSHA1(b []byte) []byte {
	sum := sha1.Sum(b)
	w := func(i int) uint32 { return binary.BigEndian.Uint32(sum[4*i:]) }
	key := binary.LittleEndian.AppendUint32(nil, w(0)^w(2)^w(4))
	return binary.LittleEndian.AppendUint32(key, w(1)^w(3))
}
