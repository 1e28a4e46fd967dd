// Package rfc822 reads mail messages: the fields of the header, the addresses
// in them, and the body as a stream. It rewrites addresses field by field and
// leaves what it does not know as it was. See RFC 822 and qmail-header(5).
//
// It does not decode anything (RFC 2047) and does not know MIME.
package rfc822

import (
	"errors"
	"strings"
)

// Kind is what a token is.
type Kind byte

// The kinds of tokens (RFC 822, section 3.3). The first four have a text, the
// others are the special character they are named after.
const (
	Atom    Kind = iota // a word as it stands
	Quote               // a word in double quotes; the text is without them
	Literal             // a domain literal; the text is what stands inside [ ]
	Comment             // the text is what stands inside ( ), without inner parentheses
	Left    Kind = '<'
	Right   Kind = '>'
	At      Kind = '@'
	Comma   Kind = ','
	Semi    Kind = ';'
	Colon   Kind = ':'
	Dot     Kind = '.'
)

// Token is a lexical token. Backslashes that quoted a character are not in Text.
type Token struct {
	Kind Kind
	Text string
}

// Tokens is a sequence of tokens, such as an address or a whole field.
type Tokens []Token

// ErrSyntax is the error for text without the structure it should have.
var ErrSyntax = errors.New("syntax error")

// Parse splits s into tokens (RFC 822, section 3.3). White space goes; nested
// comments become one. An atom that holds a control character, a byte above
// 126, a backslash or a closing bracket becomes a Quote, because it needs
// quotes when it is written. The error is ErrSyntax, for a bracket or quote
// without its partner.
func Parse(s string) (Tokens, error) {
	var tokens Tokens
	for s != "" {
		var t Token
		ok := true
		switch c := s[0]; c {
		case ' ', '\t', '\r', '\n':
			s = s[1:]
			continue
		case ')', ']':
			return nil, ErrSyntax
		case '(':
			t.Kind = Comment
			t.Text, s, ok = enclosed(s, ')')
		case '"':
			t.Kind = Quote
			t.Text, s, ok = enclosed(s, '"')
		case '[':
			t.Kind = Literal
			t.Text, s, ok = enclosed(s, ']')
		case '.', ',', '@', '<', '>', ':', ';':
			t.Kind, s = Kind(c), s[1:]
		default:
			t, s = word(s)
		}
		if !ok {
			return nil, ErrSyntax
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// enclosed reads up to the character that closes what s[0] opens, and returns
// the text between them and what follows. Parentheses nest.
func enclosed(s string, close byte) (text, rest string, ok bool) {
	var b strings.Builder
	level := 1
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == close:
			if level--; level == 0 {
				return b.String(), s[i+1:], true
			}
		case c == '(' && close == ')':
			level++
		case c == '\\':
			if i++; i == len(s) {
				return "", "", false
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// word reads an atom at the start of s, at least one character.
func word(s string) (t Token, rest string) {
	var b strings.Builder
	i := 0
	for i < len(s) && (i == 0 || !endsAtom(s[i])) {
		if s[i] == '\\' {
			i++
		}
		if i < len(s) {
			c := s[i]
			if c < ' ' || c > '~' || c == ')' || c == ']' || c == '\\' {
				t.Kind = Quote
			}
			b.WriteByte(c)
			i++
		}
	}
	t.Text = b.String()
	return t, s[i:]
}

func endsAtom(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', '(', '[', '"', '<', '>', ';', ':', '@', ',', '.':
		return true
	}
	return false
}

// String joins the tokens of an address to the form that an envelope carries:
// without quotes, white space and comments.
func (t Tokens) String() string {
	var b strings.Builder
	for _, token := range t {
		switch token.Kind {
		case Comment:
		case Atom, Quote:
			b.WriteString(token.Text)
		case Literal:
			b.WriteString("[" + token.Text + "]")
		default:
			b.WriteByte(byte(token.Kind))
		}
	}
	return b.String()
}
