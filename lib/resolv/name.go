package resolv

import (
	"strconv"
	"strings"

	"goqmail/lib/ip"
)

// Name is a domain name, label by label, without the empty one at the end. A
// label may hold any byte.
type Name []string

// ParseName splits a name at its dots. A dot at the end counts for nothing.
func ParseName(s string) Name {
	s = strings.TrimSuffix(s, ".")
	if s == "" {
		return nil
	}
	return strings.Split(s, ".")
}

// Candidates lists what a name may stand for, as resolv.conf(5) has it: itself,
// and itself in each of the domains to search, which come first where the name
// has no dot. A name with a dot at its end stands for itself alone.
func (c *Config) Candidates(s string) []string {
	if strings.HasSuffix(s, ".") {
		return []string{s}
	}
	var names []string
	for _, domain := range c.Search {
		names = append(names, s+"."+strings.Join(domain, "."))
	}
	if strings.Contains(s, ".") {
		return append([]string{s}, names...)
	}
	return append(names, s)
}

// Reverse is the name under which the name of an address is to be found:
// 4.3.2.1.in-addr.arpa for 1.2.3.4, and the like in ip6.arpa (RFC 3596, section
// 2.5).
func Reverse(a ip.Addr) (n Name) {
	if a.Is4() {
		quad := a.As4()
		for i := len(quad) - 1; i >= 0; i-- {
			n = append(n, strconv.Itoa(int(quad[i])))
		}
		return append(n, "in-addr", "arpa")
	}
	for i := len(a) - 1; i >= 0; i-- {
		n = append(n, strconv.FormatUint(uint64(a[i]&15), 16), strconv.FormatUint(uint64(a[i]>>4), 16))
	}
	return append(n, "ip6", "arpa")
}

// maxName is the length of the longest name on the wire (RFC 1035, section
// 3.1).
const maxName = 255

// append adds the name in wire format. ok is false if it has none.
func (n Name) append(b []byte) (_ []byte, ok bool) {
	start := len(b)
	for _, label := range n {
		if label == "" || len(label) > 63 {
			return nil, false
		}
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	b = append(b, 0)
	return b, len(b)-start <= maxName
}

// readName reads a name at an offset of a message, following pointers (RFC
// 1035, section 4.1.4), and returns the offset behind it.
func readName(message []byte, at int) (n Name, next int, err error) {
	next = -1
	length := 1
	for pointers := 0; ; {
		if at >= len(message) {
			return nil, 0, errFormat
		}
		c := int(message[at])
		switch {
		case c == 0:
			if next < 0 {
				next = at + 1
			}
			return n, next, nil
		case c < 64:
			length += 1 + c
			if at+1+c > len(message) || length > maxName {
				return nil, 0, errFormat
			}
			n = append(n, string(message[at+1:at+1+c]))
			at += 1 + c
		case c >= 0xc0:
			pointers++
			if at+2 > len(message) || pointers > maxName/2 { // each must lead to a label
				return nil, 0, errFormat
			}
			if next < 0 {
				next = at + 2
			}
			at = (c&0x3f)<<8 | int(message[at+1])
		default:
			return nil, 0, errFormat
		}
	}
}
