// Package otp is the chain of one-time passwords of RFC 2289, with the extended
// responses of RFC 2243, as sasldb keeps its state.
//
// The first password is a digest of a seed and a secret, each other is the digest of
// the one before. They are used from the last to the first: the server knows the one
// that was used last, and the next is what has that digest.
package otp

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Password is a one-time password.
type Password [8]byte

// State is what the server knows of a user: that the password after Sequence steps from
// the secret is Last.
type State struct {
	Algorithm string // md5 or sha1
	Sequence  int
	Seed      string
	Last      Password
	Until     int64 // when an attempt to log in that has begun ends, in Unix time; 0 if there is none
}

var errState = errors.New("no state of one-time passwords")

// New returns the state of a chain of n passwords that is still unused.
func New(algorithm string, n int, seed, secret string) State {
	seed = strings.ToLower(seed)
	p := fold(algorithm, []byte(seed+secret))
	for range n {
		p = fold(algorithm, p[:])
	}
	return State{Algorithm: algorithm, Sequence: n, Seed: seed, Last: p}
}

// fold is the digest of an algorithm, folded to 64 bits (RFC 2289 appendix A).
func fold(algorithm string, data []byte) (p Password) {
	if algorithm == "sha1" {
		sum := sha1.Sum(data)
		word := func(i int) uint32 { return binary.BigEndian.Uint32(sum[4*i:]) }
		binary.LittleEndian.PutUint32(p[:], word(0)^word(2)^word(4))
		binary.LittleEndian.PutUint32(p[4:], word(1)^word(3))
		return p
	}
	sum := md5.Sum(data)
	for i := range p {
		p[i] = sum[i] ^ sum[i+8]
	}
	return p
}

// Parse reads a state as sasldb has it: algorithm, sequence, seed, password and time,
// with tabs between.
func Parse(text string) (s State, err error) {
	parts := strings.Split(strings.TrimRight(text, "\x00"), "\t")
	if len(parts) != 5 {
		return State{}, errState
	}
	s = State{Algorithm: parts[0], Seed: parts[2]}
	last, ok := parseHex(parts[3])
	if !ok || !known(s.Algorithm) || !isSeed(s.Seed) {
		return State{}, errState
	}
	s.Last = last
	if s.Sequence, ok = sequence(parts[1]); !ok {
		return State{}, errState
	}
	if s.Until, err = strconv.ParseInt(parts[4], 10, 64); err != nil {
		return State{}, errState
	}
	return s, nil
}

// String returns the state as sasldb has it. Its length depends only on algorithm and
// seed, so that a state can be written over another.
func (s State) String() string {
	return fmt.Sprintf("%s\t%04d\t%s\t%x\t%020d", s.Algorithm, s.Sequence, s.Seed, s.Last, s.Until)
}

func known(algorithm string) bool { return algorithm == "md5" || algorithm == "sha1" }

// isSeed tells whether a seed has 1 to 16 characters. They should be letters and digits,
// but Cyrus SASL takes the first two from a host's name.
func isSeed(seed string) bool {
	return seed != "" && len(seed) <= 16 && !strings.ContainsFunc(seed, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func sequence(text string) (n int, ok bool) {
	if len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// parseHex reads a password of 16 digits, with any blanks.
func parseHex(text string) (p Password, ok bool) {
	text = strings.NewReplacer(" ", "", "\t", "").Replace(text)
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(p) {
		return p, false
	}
	return Password(b), true
}

// What is wrong with a response.
var (
	errResponse = errors.New("not an extended response")
	errPassword = errors.New("incorrect one-time password")
	errInit     = errors.New("no new chain of the same kind")
)

// Accept checks a response and returns the state after it. "hex:PASSWORD" or
// "word:PASSWORD" takes the chain one step on, "init-hex:PASSWORD:ALGORITHM SEQUENCE
// SEED:PASSWORD" or init-word starts another (RFC 2243 section 3).
func (s State) Accept(response string) (State, error) {
	kind, rest, _ := strings.Cut(response, ":")
	kind, init := strings.CutPrefix(strings.ToLower(strings.TrimSpace(kind)), "init-")
	parts := strings.Split(rest, ":")
	if kind != "hex" && kind != "word" || !init && len(parts) != 1 || init && len(parts) != 3 {
		return State{}, errResponse
	}
	p, ok := password(kind, s.Algorithm, parts[0])
	if !ok {
		return State{}, errResponse
	}
	if s.Sequence < 1 || fold(s.Algorithm, p[:]) != s.Last {
		return State{}, errPassword
	}
	if !init {
		return State{s.Algorithm, s.Sequence - 1, s.Seed, p, 0}, nil
	}
	return s.reinit(kind, parts[1], parts[2])
}

// password reads a password of either kind.
func password(kind, algorithm, text string) (Password, bool) {
	if kind == "word" {
		return parseWords(algorithm, text)
	}
	return parseHex(text)
}

// reinit is the state of the chain that a client wants instead. It must take as much
// room as the old one.
func (s State) reinit(kind, params, text string) (fresh State, err error) {
	words := strings.Fields(params)
	if len(words) != 3 {
		return State{}, errInit
	}
	last, ok := password(kind, words[0], text)
	if !ok {
		return State{}, errInit
	}
	n, ok := sequence(words[1])
	fresh = State{Algorithm: words[0], Sequence: n, Seed: strings.ToLower(words[2]), Last: last}
	// A chain that has no password for the next time, or the same ones again, is none.
	if !ok || n < 2 || !known(fresh.Algorithm) || !isSeed(fresh.Seed) || fresh.Seed == s.Seed ||
		len(fresh.String()) != len(State{s.Algorithm, 0, s.Seed, s.Last, 0}.String()) {
		return State{}, errInit
	}
	return fresh, nil
}

// Respond is what a client answers to a challenge such as "otp-md5 498 ke1234 ext".
func Respond(challenge, secret string) (response string, err error) {
	words := strings.Fields(challenge)
	if len(words) < 3 || !strings.HasPrefix(words[0], "otp-") {
		return "", errors.New("no challenge of one-time passwords")
	}
	n, ok := sequence(words[1])
	algorithm := strings.TrimPrefix(words[0], "otp-")
	if !ok || !known(algorithm) || !isSeed(words[2]) {
		return "", errors.New("no challenge of one-time passwords")
	}
	return fmt.Sprintf("hex:%x", New(algorithm, n, words[2], secret).Last), nil
}
