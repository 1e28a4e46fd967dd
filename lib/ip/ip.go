// Package ip reads and writes Internet addresses the way mail does: the plain
// dotted quad, and the domain literal in brackets (RFC 5321, section 4.1.3).
//
// It is smaller than net/netip, for programs that must stay small, and more
// lenient where qmail always was.
package ip

import (
	"strconv"
	"strings"

	"goqmail/lib/ascii"
)

// Addr is an address in network order. An IPv4 address a.b.c.d stands as
// ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2).
type Addr [16]byte

// V4 makes an IPv4 address.
func V4(a, b, c, d byte) Addr {
	return Addr{10: 0xff, 11: 0xff, 12: a, 13: b, 14: c, 15: d}
}

// Is4 tells whether a is an IPv4 address.
func (a Addr) Is4() bool {
	prefix := V4(0, 0, 0, 0)
	return [12]byte(a[:12]) == [12]byte(prefix[:12])
}

// As4 returns the four bytes of an IPv4 address, and of another its last four.
func (a Addr) As4() [4]byte { return [4]byte(a[12:]) }

// String gives an IPv4 address as a dotted quad and an IPv6 address in the form
// of RFC 5952.
func (a Addr) String() string {
	if !a.Is4() {
		return a.string6()
	}
	s := make([]byte, 0, len("255.255.255.255"))
	for i, b := range a.As4() {
		if i > 0 {
			s = append(s, '.')
		}
		s = strconv.AppendUint(s, uint64(b), 10)
	}
	return string(s)
}

// string6 writes eight groups in hexadecimal, of which the longest run of two
// or more zeros, the first of equals, becomes "::".
func (a Addr) string6() string {
	group := func(i int) uint64 { return uint64(a[2*i])<<8 | uint64(a[2*i+1]) }
	from, to := -1, -1
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && group(j) == 0 {
			j++
		}
		if j-i > max(1, to-from) {
			from, to = i, j
		}
		i = max(i, j)
	}
	s := make([]byte, 0, len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
	for i := 0; i < 8; i++ {
		if i == from {
			s = append(s, ':', ':')
			i = to
			if i == 8 {
				break
			}
		} else if i > 0 {
			s = append(s, ':')
		}
		s = strconv.AppendUint(s, group(i), 16)
	}
	return string(s)
}

// Scan reads a dotted quad at the start of s and returns how many bytes it
// takes, 0 if there is none. Numbers may have leading zeros, and those above 255
// wrap around.
func Scan(s string) (a Addr, n int) {
	var quad [4]byte
	for i := range quad {
		if i > 0 {
			if n == len(s) || s[n] != '.' {
				return Addr{}, 0
			}
			n++
		}
		start := n
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			quad[i] = quad[i]*10 + s[n] - '0'
			n++
		}
		if n == start {
			return Addr{}, 0
		}
	}
	return V4(quad[0], quad[1], quad[2], quad[3]), n
}

// ScanBracket is Scan for a dotted quad in brackets, "[127.0.0.1]".
func ScanBracket(s string) (a Addr, n int) {
	if s == "" || s[0] != '[' {
		return Addr{}, 0
	}
	a, n = Scan(s[1:])
	if n == 0 || 1+n == len(s) || s[1+n] != ']' {
		return Addr{}, 0
	}
	return a, n + 2
}

// Literal reads s as a whole: a dotted quad, with or without brackets.
func Literal(s string) (a Addr, ok bool) {
	if a, n := Scan(s); n > 0 && n == len(s) {
		return a, true
	}
	if a, n := ScanBracket(s); n > 0 && n == len(s) {
		return a, true
	}
	return Addr{}, false
}

// Literal6 reads s as a whole: an IPv6 address in brackets, with the tag that
// RFC 5321 wants, "[IPv6:::1]", or without.
func Literal6(s string) (a Addr, ok bool) {
	const tag = "IPv6:"
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return Addr{}, false
	}
	s = s[1 : len(s)-1]
	if ascii.HasPrefix(s, tag) {
		s = s[len(tag):]
	}
	if !strings.Contains(s, ":") {
		return Addr{}, false
	}
	return Parse(s)
}
