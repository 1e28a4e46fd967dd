package ip

import (
	"strconv"
	"strings"
)

// Parse reads s as a whole: a dotted quad, or an IPv6 address in any of the
// forms of RFC 4291, section 2.2. Numbers of a quad must fit a byte.
func Parse(s string) (a Addr, ok bool) {
	if !strings.Contains(s, ":") {
		quad, ok := parse4(s)
		return V4(quad[0], quad[1], quad[2], quad[3]), ok
	}
	before, after, short := strings.Cut(s, "::")
	head, ok1 := groups(before)
	tail, ok2 := groups(after)
	n := len(head) + len(tail)
	if !ok1 || !ok2 || short && n > 14 || !short && n != 16 {
		return Addr{}, false
	}
	copy(a[:], head)
	copy(a[16-len(tail):], tail)
	return a, true
}

// groups reads groups of four hexadecimal digits with colons between them; the
// last may be a dotted quad. Zeros at the start of a group may be missing.
func groups(s string) (b []byte, ok bool) {
	if s == "" {
		return nil, true
	}
	parts := strings.Split(s, ":")
	for i, part := range parts {
		if i == len(parts)-1 && strings.Contains(part, ".") {
			quad, ok := parse4(part)
			return append(b, quad[:]...), ok
		}
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 || part[0] == '+' {
			return nil, false
		}
		b = append(b, byte(n>>8), byte(n))
	}
	return b, true
}

func parse4(s string) (quad [4]byte, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return quad, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 3 {
			return quad, false
		}
		quad[i] = byte(n)
	}
	return quad, true
}
