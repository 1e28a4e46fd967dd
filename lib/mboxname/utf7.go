package mboxname

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// base64 as modified UTF-7 has it (RFC 3501 section 5.1.3).
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

func encoding() *base64.Encoding { return base64.NewEncoding(alphabet).WithPadding(base64.NoPadding) }

// printable tells whether a byte stands for itself in modified UTF-7.
func printable(c byte) bool { return ' ' <= c && c < 0x7f }

// Encode returns a name in UTF-8 in modified UTF-7. The error is ErrInvalid if it is
// no UTF-8, or has a sign that is for control only (RFC 9755 section 3).
func Encode(name string) (string, error) {
	control := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	if !utf8.ValidString(name) || strings.ContainsFunc(name, control) {
		return "", ErrInvalid
	}
	var b strings.Builder
	for name != "" {
		n := 0
		for n < len(name) && !printable(name[n]) {
			n++
		}
		switch {
		case n > 0:
			var bytes []byte
			for _, unit := range utf16.Encode([]rune(name[:n])) {
				bytes = append(bytes, byte(unit>>8), byte(unit))
			}
			b.WriteString("&" + encoding().EncodeToString(bytes) + "-")
		case name[0] == '&':
			b.WriteString("&-")
			n = 1
		default:
			b.WriteByte(name[0])
			n = 1
		}
		name = name[n:]
	}
	return b.String(), nil
}

// Decode returns a name in modified UTF-7 in UTF-8. The error is ErrInvalid unless it
// is what Encode makes of that: a name can be written in one way only.
func Decode(name string) (string, error) {
	var b strings.Builder
	for rest := name; rest != ""; {
		plain, coded, found := strings.Cut(rest, "&")
		b.WriteString(plain)
		if !found {
			break
		}
		coded, after, found := strings.Cut(coded, "-")
		if !found {
			return "", ErrInvalid
		}
		rest = after
		if coded == "" {
			b.WriteByte('&')
			continue
		}
		bytes, err := encoding().DecodeString(coded)
		if err != nil || len(bytes)%2 != 0 {
			return "", ErrInvalid
		}
		var units []uint16
		for i := 0; i < len(bytes); i += 2 {
			units = append(units, uint16(bytes[i])<<8|uint16(bytes[i+1]))
		}
		b.WriteString(string(utf16.Decode(units)))
	}
	if again, err := Encode(b.String()); err != nil || again != name {
		return "", ErrInvalid
	}
	return b.String(), nil
}
