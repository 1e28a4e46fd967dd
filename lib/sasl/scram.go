package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"hash"
	"slices"
	"strconv"
	"strings"

	"github.com/xdg-go/stringprep"

	"goqmail/lib/sasldb"
)

// scram is SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, or
// what can be made of it, and with -PLUS that they are at the two ends of one TLS
// connection.
type scram struct {
	*Exchange
	hash func() hash.Hash

	header  string // of GS2, what the client says of channel binding
	binding []byte // what the connection is bound to
	as      string
	first   string // the client's first message, without the header
	nonce   string // of both
	reply   string // to the first message
	key     []byte // the salted password
	unknown error  // why there is no password
	proved  bool
}

func scramSHA1(x *Exchange) mechanism   { return &scram{Exchange: x, hash: sha1.New} }
func scramSHA256(x *Exchange) mechanism { return &scram{Exchange: x, hash: sha256.New} }

// iterations is what RFC 5802 asks for at least, and nearly all use. The password
// itself is in sasldb: more would cost only the clients.
const iterations = 4096

func (m *scram) next(response []byte) ([]byte, *claim, error) {
	switch {
	case m.proved && len(response) > 0:
		return nil, nil, malformed("more than SCRAM has")
	case m.proved:
		return nil, &claim{m.who, m.as}, nil
	case m.first == "" && response == nil:
		return []byte{}, nil, nil
	case m.first == "":
		reply, err := m.begin(string(response))
		return []byte(reply), nil, err
	}
	reply, err := m.prove(string(response))
	m.proved = err == nil
	return []byte(reply), nil, err
}

var errScram = malformed("no SCRAM message")

// begin takes the client's first message, such as n,,n=user,r=nonce.
func (m *scram) begin(message string) (reply string, err error) {
	parts := strings.SplitN(message, ",", 3)
	if len(parts) != 3 {
		return "", errScram
	}
	m.header = message[:len(message)-len(parts[2])]
	if err := m.bind(parts[0]); err != nil {
		return "", err
	}
	ok := true
	if parts[1] != "" {
		as, has := strings.CutPrefix(parts[1], "a=")
		if m.as, ok = unescape(as); !ok || !has || m.as == "" {
			return "", errScram
		}
	}
	attributes := strings.Split(parts[2], ",")
	if len(attributes) < 2 { // later ones are extensions that need not be known
		return "", errScram
	}
	name, hasName := strings.CutPrefix(attributes[0], "n=")
	nonce, hasNonce := strings.CutPrefix(attributes[1], "r=")
	if m.who, ok = unescape(name); !ok || !hasName || !hasNonce || nonce == "" || m.who == "" {
		return "", errScram
	}
	// Users who are not there seem to be, up to the proof.
	var password string
	password, _, m.unknown = m.server.secret(m.who, sasldb.Password)
	// Each user has a salt of its own, the same each time, as if it were kept.
	mac := hmac.New(sha256.New, m.server.salt[:])
	mac.Write([]byte(m.who))
	salt := mac.Sum(nil)[:16]
	if m.key, err = pbkdf2.Key(m.hash, prepared(password), salt, iterations, m.hash().Size()); err != nil {
		return "", unable(err)
	}
	var own [18]byte
	rand.Read(own[:])
	m.first, m.nonce = parts[2], nonce+base64.StdEncoding.EncodeToString(own[:])
	m.reply = "r=" + m.nonce + ",s=" + base64.StdEncoding.EncodeToString(salt) + ",i=" + strconv.Itoa(iterations)
	return m.reply, nil
}

// prepared is the password as clients hash it (RFC 4013), or as it is if it cannot be
// prepared.
func prepared(password string) string {
	if p, err := stringprep.SASLprep.Prepare(password); err == nil {
		return p
	}
	return password
}

// unescape reads a name, in which commas and equal signs are written otherwise.
func unescape(text string) (name string, ok bool) {
	name = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(text)
	return name, strings.Count(text, "=") == strings.Count(text, "=2C")+strings.Count(text, "=3D")
}

// bind takes the client's word on channel binding.
//
// Clients of Cyrus SASL, which are many, know but tls-unique, say it also with the name
// that has no -PLUS, and say it with TLS 1.3, which has no such thing. So there -PLUS is
// not offered unless sasl_mech_list has it, and a binding is taken with either name.
func (m *scram) bind(flag string) error {
	kind, wanted := strings.CutPrefix(flag, "p=")
	switch {
	case m.bound && !wanted:
		return wrong("channel binding and mechanism do not agree")
	case flag == "y" && m.server.binds(m.peer):
		// It would bind, but has not seen that we do: somebody has changed our list.
		return wrong("client has not seen all mechanisms")
	case !wanted && flag != "n" && flag != "y":
		return errScram
	case !wanted:
		return nil
	}
	if m.binding = channel(m.peer.TLS, m.peer.Certificate, kind); m.binding == nil {
		return wrong("no such channel binding: " + kind)
	}
	return nil
}

// binds tells whether the client has been offered to bind.
func (s *Server) binds(p Peer) bool {
	return slices.ContainsFunc(s.Mechanisms(p), func(name string) bool { return strings.HasSuffix(name, "-PLUS") })
}

// channel is what names a TLS connection (RFC 5929, RFC 9266), nil if it cannot be named
// that way.
func channel(state *tls.ConnectionState, cert *x509.Certificate, kind string) []byte {
	switch {
	case state == nil:
	case kind == "tls-exporter":
		name, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
		if err != nil {
			return nil
		}
		return name
	case kind == "tls-unique":
		return state.TLSUnique
	case kind == "tls-server-end-point":
		return endPoint(cert)
	}
	return nil
}

// endPoint is the digest of the server's certificate, by the hash that its signature
// uses, or SHA-256 where that is a weak one.
func endPoint(cert *x509.Certificate) []byte {
	if cert == nil {
		return nil
	}
	h := sha256.New()
	switch cert.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		h = sha512.New384()
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		h = sha512.New()
	case x509.PureEd25519: // it has none
		return nil
	}
	h.Write(cert.Raw)
	return h.Sum(nil)
}

// prove checks the client's proof, such as c=biws,r=nonce,p=proof, and returns the
// server's.
func (m *scram) prove(message string) (reply string, err error) {
	without, proof, ok := cutLast(message, ",p=")
	attributes := strings.Split(without, ",")
	if !ok || len(attributes) < 2 {
		return "", errScram
	}
	given, err := base64.StdEncoding.DecodeString(proof)
	if err != nil {
		return "", errScram
	}
	bound := base64.StdEncoding.EncodeToString(append([]byte(m.header), m.binding...))
	if !hmac.Equal([]byte(attributes[0]), []byte("c="+bound)) {
		return "", wrong("channel binding does not match")
	}
	if attributes[1] != "r="+m.nonce {
		return "", wrong("nonce changed")
	}
	signed := m.first + "," + m.reply + "," + without
	clientKey := m.mac(m.key, "Client Key")
	stored := m.hash()
	stored.Write(clientKey)
	signature := m.mac(stored.Sum(nil), signed)
	for i := range signature {
		signature[i] ^= clientKey[i]
	}
	if m.unknown != nil {
		return "", m.unknown
	}
	if !hmac.Equal(signature, given) {
		return "", wrong("incorrect proof")
	}
	verifier := m.mac(m.mac(m.key, "Server Key"), signed)
	return "v=" + base64.StdEncoding.EncodeToString(verifier), nil
}

func (m *scram) mac(key []byte, text string) []byte {
	mac := hmac.New(m.hash, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
