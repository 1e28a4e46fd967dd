package smtp

import (
	"strings"

	"goqmail/lib/ip"
	"goqmail/lib/ipme"
)

// maxAddress is the length in bytes of the longest address that is accepted.
// qmail-queue's own limit leaves room for what is done to an address later.
const maxAddress = 899

// address reads the address in the argument of MAIL or RCPT. Where its domain is
// an address of this machine in brackets, it becomes localiphost.
func (s *session) address(argument string) (string, error) {
	address := parseAddress(argument)
	at := strings.LastIndexByte(address, '@')
	if s.localIPHost == nil || at < 0 || !strings.HasPrefix(address[at:], "@[") {
		return address, nil
	}
	own, err := ipme.Look()
	if err != nil {
		return "", hangUp(replyAddresses)
	}
	literal, ok := ip.Literal(address[at+1:])
	if !ok && own.IPv6() {
		literal, ok = ip.Literal6(address[at+1:])
	}
	if ok && own.Has(literal) {
		address = address[:at+1] + *s.localIPHost
	}
	return address, nil
}

// parseAddress takes what stands between angle brackets, without a source route
// (RFC 5321, appendix C) and without quoting. Clients that leave the brackets
// away are understood: then it is what follows the colon, up to a blank.
// Whatever else may be wrong is let pass, as is what follows the address.
func parseAddress(argument string) string {
	_, rest, ok := strings.Cut(argument, "<")
	terminator := byte('>')
	if !ok {
		_, rest, _ = strings.Cut(argument, ":")
		rest = strings.TrimLeft(rest, " ")
		terminator = ' '
	}
	if strings.HasPrefix(rest, "@") {
		_, rest, _ = strings.Cut(rest, ":")
	}
	return unquote(rest, terminator)
}

// unquote removes the quoting (RFC 5321, section 4.1.2) from s up to the
// terminator, which does not count inside quotes or behind a backslash.
func unquote(s string, terminator byte) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == terminator && !quoted:
			return b.String()
		case c == '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case c == '"':
			quoted = !quoted
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
