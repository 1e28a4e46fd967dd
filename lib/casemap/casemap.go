// Package casemap makes texts alike that differ only in case or in how their accents are
// written, as i;unicode-casemap does (RFC 5051): each letter in its title case, and what
// is made of several taken apart.
package casemap

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// String returns a text in the form in which it can be compared.
func String(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'a' <= c && c <= 'z' {
			return string(Append(make([]byte, 0, len(s)), []byte(s)))
		}
	}
	return s
}

// Append appends that form of a text. Bytes that are no UTF-8 stay as they are. A text
// may be given in pieces if no letter is torn apart.
func Append(b, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, c)
			i++
			continue
		}
		i += n
		b = appendRune(b, unicode.ToTitle(r))
	}
	return b
}

func appendRune(b []byte, r rune) []byte {
	var encoded [utf8.UTFMax]byte
	n := utf8.EncodeRune(encoded[:], r)
	parts := norm.NFKD.Properties(encoded[:n]).Decomposition()
	if parts == nil {
		return append(b, encoded[:n]...)
	}
	for _, part := range string(parts) { // a ligature's letters are small ones
		b = utf8.AppendRune(b, unicode.ToTitle(part))
	}
	return b
}
