// Package quote writes addresses so that both RFC 821 and RFC 822 read them.
package quote

import "strings"

// Box quotes a local part, if it needs quoting. Bytes above 127 stand as they
// are, inside quotes.
func Box(box string) string {
	if !Need(box) {
		return box
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(box) {
		if c := box[i]; c == '\r' || c == '\n' || c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(box[i])
	}
	b.WriteByte('"')
	return b.String()
}

// Address quotes the local part of an address: all before its last @. The
// empty address stays empty.
func Address(address string) string {
	if address == "" {
		return ""
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return Box(address)
	}
	return Box(address[:at]) + address[at:]
}

// Need tells whether a local part is other than atoms joined by single dots.
func Need(box string) bool {
	for i := range len(box) {
		if !atom(box[i]) {
			return true
		}
	}
	return box == "" || box[0] == '.' || box[len(box)-1] == '.' || strings.Contains(box, "..")
}

// atom tells whether c may stand unquoted in a local part.
func atom(c byte) bool {
	switch c {
	case '"', '(', ')', ',', ':', ';', '<', '>', '@', '[', '\\', ']':
		return false
	}
	return ' ' < c && c < 127
}
