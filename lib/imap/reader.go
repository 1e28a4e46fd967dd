// Package imap reads what IMAP clients send and writes what they are sent: atoms,
// strings, literals, lists and sets of numbers (RFC 9051 section 9, and RFC 3501
// where clients still follow it). It knows no commands.
package imap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// Syntax is an error of the client, for a BAD response: it says what was expected.
type Syntax string

func (s Syntax) Error() string { return string(s) }

// ErrTooLong is a command that is longer than Reader.Limit. The rest of it can be
// passed over with Skip.
var ErrTooLong = Syntax("Command too long")

// ErrAbuse is a literal too large even to be passed over: the connection has to end.
var ErrAbuse = errors.New("literal too large")

// Reader reads commands, one token after the other. The first error is kept, and
// from then on nothing is read and all methods return zero values: so a command is
// read as a whole and Err is looked at once.
type Reader struct {
	Limit     int          // most bytes of a command, but for literals that are streamed
	Unasked   int64        // most bytes of a literal that comes without being asked for; 0: any number
	UTF8      bool         // the client writes names in UTF-8 (RFC 9755); it may quote UTF-8 in any case
	Continued func() error // called when the client waits to be asked for a literal

	br      *bufio.Reader
	left    int
	err     error
	ended   bool  // the end of a line was the last that was taken
	literal int64 // bytes of an announced literal that were not read yet
	waits   bool  // the client waits to be asked for them
}

// NewReader returns a Reader of what r has.
func NewReader(r io.Reader) *Reader {
	return &Reader{Limit: 8 << 10, br: bufio.NewReaderSize(r, 4<<10)}
}

// Reset makes the Reader read from r, after STARTTLS or COMPRESS. What the client
// has sent too early is dropped and its length returned.
func (r *Reader) Reset(from io.Reader) (dropped int) {
	dropped = r.br.Buffered()
	r.br.Reset(from)
	return dropped
}

// Rest takes what the client has sent and was not read yet.
func (r *Reader) Rest() io.Reader {
	b, _ := r.br.Peek(r.br.Buffered())
	b = bytes.Clone(b)
	r.br.Discard(len(b))
	return bytes.NewReader(b)
}

// Buffered tells whether more of the client's words are here already: then a
// response can wait to be sent with the next one.
func (r *Reader) Buffered() bool { return r.br.Buffered() > 0 }

// Start begins a command.
func (r *Reader) Start() { r.err, r.left, r.ended, r.literal, r.waits = nil, r.Limit, false, 0, false }

// Err returns the first error since Start: a Syntax, or one of reading.
func (r *Reader) Err() error { return r.err }

// Fail makes an error the Reader's, if it has none yet.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Peek returns the next byte without taking it, 0 if there is an error.
func (r *Reader) Peek() byte {
	if r.err != nil {
		return 0
	}
	b, err := r.br.Peek(1)
	if err != nil {
		r.Fail(ended(err))
		return 0
	}
	return b[0]
}

// ended is the error for input that ends in a command.
func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take takes the byte that Peek has returned.
func (r *Reader) take() {
	if r.left--; r.left < 0 {
		r.Fail(ErrTooLong)
		return
	}
	b, _ := r.br.ReadByte()
	r.ended = b == '\n'
}

// Accept takes the next byte if it is c, and tells whether it was. Letters are
// taken in both cases.
func (r *Reader) Accept(c byte) bool {
	b := r.Peek()
	if r.err != nil || b != c && (b|0x20 != c|0x20 || !isLetter(c)) {
		return false
	}
	r.take()
	return r.err == nil
}

// Expect takes a byte, and it is an error if it is not c.
func (r *Reader) Expect(c byte) {
	if !r.Accept(c) {
		r.Fail(Syntax("Expected " + strconv.QuoteRune(rune(c))))
	}
}

// Space takes one space.
func (r *Reader) Space() {
	if !r.Accept(' ') {
		r.Fail(Syntax("Missing required argument"))
	}
}

// End takes the end of the command, a CR LF; a bare LF will do.
func (r *Reader) End() {
	r.Accept('\r')
	if !r.Accept('\n') {
		r.Fail(Syntax("Unexpected extra arguments"))
	}
}

// AtEnd tells whether the command has nothing more.
func (r *Reader) AtEnd() bool {
	b := r.Peek()
	return b == '\r' || b == '\n' || r.err != nil
}

// word takes bytes as long as they are of a kind; it is an error if there are none.
func (r *Reader) word(is func(byte) bool, what string) string {
	var b strings.Builder
	for r.err == nil && is(r.Peek()) {
		b.WriteByte(r.Peek())
		r.take()
	}
	if b.Len() == 0 {
		r.Fail(Syntax("Expected " + what))
	}
	if r.err != nil {
		return ""
	}
	return b.String()
}

// Word takes bytes as long as they are of a kind; it is an error if there are none.
func (r *Reader) Word(is func(byte) bool) string { return r.word(is, "a word") }

// Tag takes a command's tag.
func (r *Reader) Tag() string {
	return r.word(func(c byte) bool { return isAstring(c) && c != '+' }, "a tag")
}

// Atom takes an atom.
func (r *Reader) Atom() string { return r.word(IsAtom, "an atom") }

// Keyword takes an atom that is a word of the protocol, and returns it in capitals.
func (r *Reader) Keyword() string { return strings.ToUpper(r.Atom()) }

// Item takes the word of a data item of FETCH, up to a bracket, and returns it in capitals.
func (r *Reader) Item() string {
	return strings.ToUpper(r.word(func(c byte) bool { return IsAtom(c) && c != '[' }, "a data item"))
}

// Astring takes an atom or string.
func (r *Reader) Astring() string {
	if r.atString() {
		return r.String()
	}
	return r.word(isAstring, "a string")
}

// Pattern takes what LIST has for a name: an atom that may have % and * in it, or a
// string.
func (r *Reader) Pattern() string {
	if r.atString() {
		return r.String()
	}
	return r.word(func(c byte) bool { return isAstring(c) || c == '%' || c == '*' }, "a pattern")
}

// String takes a quoted string or a literal, which it asks for.
func (r *Reader) String() string {
	if r.Accept('"') {
		return r.quoted()
	}
	size := r.Announced()
	if r.err == nil && size > int64(r.left) {
		r.Fail(ErrTooLong)
	}
	if r.Ask(); r.err != nil {
		return ""
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r.Body(), b); err != nil {
		r.Fail(ended(err))
		return ""
	}
	r.left -= len(b)
	return string(b)
}

// atString tells whether a string comes. A tilde may begin an atom as well.
func (r *Reader) atString() bool {
	b := r.Peek()
	if b == '~' {
		next, _ := r.br.Peek(2)
		return len(next) == 2 && next[1] == '{'
	}
	return b == '"' || b == '{'
}

// Nstring takes a string or NIL.
func (r *Reader) Nstring() (s string, ok bool) {
	if r.atString() {
		return r.String(), r.err == nil
	}
	if r.Keyword() != "NIL" {
		r.Fail(Syntax("Expected a string or NIL"))
	}
	return "", false
}

func (r *Reader) quoted() string {
	var b strings.Builder
	for r.err == nil {
		c := r.Peek()
		switch {
		case c == '"':
			if !utf8.ValidString(b.String()) {
				r.Fail(Syntax("Invalid quoted string"))
				return ""
			}
			r.take()
			return b.String()
		case c == '\\':
			r.take()
			if c = r.Peek(); c != '"' && c != '\\' {
				r.Fail(Syntax("Invalid quoted string"))
			}
		case c == '\r' || c == '\n' || c == 0:
			r.Fail(Syntax("Invalid quoted string"))
		}
		b.WriteByte(c)
		r.take()
	}
	return ""
}

// Number takes a number of up to 32 bits.
func (r *Reader) Number() uint32 {
	n := r.Number64()
	if n > math.MaxUint32 {
		r.Fail(Syntax("Number too large"))
		return 0
	}
	return uint32(n)
}

// Number64 takes a number of up to 63 bits.
func (r *Reader) Number64() uint64 {
	digits := r.word(isDigit, "a number")
	n, err := strconv.ParseInt(digits, 10, 64)
	if r.err == nil && err != nil {
		r.Fail(Syntax("Number too large"))
	}
	if r.err != nil {
		return 0
	}
	return uint64(n)
}

// List takes a list in parentheses, whose elements have one space between them;
// element takes one.
func (r *Reader) List(element func()) {
	r.Expect('(')
	if r.Accept(')') {
		return
	}
	for r.err == nil {
		element()
		if r.Accept(')') {
			return
		}
		r.Space()
	}
}

// Flag takes a flag or keyword.
func (r *Reader) Flag() string {
	if r.Accept('\\') {
		return `\` + r.Atom()
	}
	return r.Atom()
}

// SeqSet takes a set of numbers; * is 0 in it. A range may be backwards.
func (r *Reader) SeqSet() (set imap.SeqSet) {
	number := func() uint32 {
		if r.Accept('*') {
			return 0
		}
		n := r.Number()
		if n == 0 {
			r.Fail(Syntax("Invalid sequence set"))
		}
		return n
	}
	for r.err == nil {
		first := number()
		last := first
		if r.Accept(':') {
			last = number()
		}
		set = append(set, imap.SeqRange{Start: first, Stop: last})
		if !r.Accept(',') {
			return set
		}
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// IsAtom tells whether a byte may be part of an atom.
func IsAtom(c byte) bool { return isAstring(c) && c != ']' }

func isAstring(c byte) bool { return c > ' ' && c < 0x7f && !strings.ContainsRune(`(){%*"\`, rune(c)) }
