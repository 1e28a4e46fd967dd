package smtp

import (
	"math"
	"strings"

	"goqmail/lib/ascii"
)

// parameters are those of MAIL that count here.
type parameters struct {
	size uint64  // SIZE (RFC 1870); 0: not given
	auth *string // AUTH (RFC 4954): who had it at first; nil: not given
	utf8 bool    // SMTPUTF8 (RFC 6531)
}

// parseParameters takes what stands behind an address in brackets.
func parseParameters(argument string) (p parameters) {
	if strings.IndexByte(argument, '>') < 0 {
		return p
	}
	for word := range strings.SplitSeq(argument, " ") {
		switch name, value, _ := strings.Cut(word, "="); ascii.Lower(name) {
		case "size":
			p.size = leadingSize(value)
		case "auth":
			who := xtext(value)
			p.auth = &who
		case "smtputf8":
			p.utf8 = true
		}
	}
	return p
}

// leadingSize is the number at the start of s.
func leadingSize(s string) (n uint64) {
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		if n = n*10 + uint64(s[i]-'0'); n > math.MaxInt64/16 {
			return n // larger than anything already
		}
	}
	return n
}

// xtext decodes the value of AUTH (RFC 3461, section 4): only = and + need a
// code there. <> stands for one who is not known.
func xtext(s string) string {
	if s == "<>" {
		return "unknown"
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '+' {
			b.WriteByte(s[i])
			continue
		}
		switch rest := s[i+1:]; {
		case ascii.HasPrefix(rest, "3D"):
			b.WriteByte('=')
			i += 2
		case ascii.HasPrefix(rest, "2B"):
			b.WriteByte('+')
			i += 2
		}
	}
	return b.String()
}
