// Package ipme knows which Internet addresses are this machine's own.
//
// These are the addresses of its interfaces that are up, and the two that stand
// for "this host" anywhere, 0.0.0.0 (RFC 1122, section 3.2.1.3) and ::. Where
// addresses are translated the interfaces do not know them all, so
// control/moreipme and control/notipme put addresses and networks right.
package ipme

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"goqmail/lib/control"
	"goqmail/lib/ip"
)

// Set is the machine's own addresses, as far as they were known when it was
// looked up.
type Set struct {
	own []ip.Addr // of interfaces, the unspecified ones first
	me  []network // moreipme
	not []network // notipme
}

// Look asks the system and reads the control files.
func Look() (*Set, error) {
	own, err := lately.get(interfaces)
	if err != nil {
		return nil, err
	}
	s := &Set{own: own}
	if s.me, err = readNetworks("moreipme"); err != nil {
		return nil, err
	}
	s.not, err = readNetworks("notipme")
	return s, err
}

// lately is what the system said last. Who asks more often than every tenth of a
// second, as one that sends many messages, hears that again.
var lately cache

type cache struct {
	mu   sync.Mutex
	own  []ip.Addr
	then time.Time
}

func (c *cache) get(ask func() ([]ip.Addr, error)) ([]ip.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.own != nil && now.Sub(c.then) < time.Second/10 {
		return c.own, nil
	}
	own, err := ask()
	if err != nil {
		return nil, err
	}
	c.own, c.then = append([]ip.Addr{ip.V4(0, 0, 0, 0), {}}, own...), now
	return c.own, nil
}

// Interfaces lists the addresses that come from the system, 0.0.0.0 and ::
// first.
func (s *Set) Interfaces() []ip.Addr { return s.own }

// IPv6 tells whether an interface has an IPv6 address that others could answer
// to. Where none has, IPv6 is not to be bothered with.
func (s *Set) IPv6() bool {
	for _, a := range s.own {
		local := a == ip.Addr{} || a == ip.Addr{15: 1} || a[0] == 0xfe && a[1]>>6 == 2 // fe80::/10
		if !a.Is4() && !local {
			return true
		}
	}
	return false
}

// Has tells whether a is an address of this machine. Of the networks that a is
// in, the smallest decides, and of equal ones notipme's.
func (s *Set) Has(a ip.Addr) bool {
	me := longest(s.me, a)
	for _, own := range s.own {
		if own == a {
			me = maxBits
		}
	}
	return me > longest(s.not, a)
}

// maxBits is the length of an address.
const maxBits = 8 * len(ip.Addr{})

// network is the addresses whose first bits are those of addr.
type network struct {
	addr ip.Addr
	bits int
}

// longest returns the number of bits of the smallest network that a is in, -1
// if it is in none.
func longest(networks []network, a ip.Addr) int {
	bits := -1
	for _, n := range networks {
		if n.has(a) {
			bits = max(bits, n.bits)
		}
	}
	return bits
}

func (n network) has(a ip.Addr) bool {
	for i := range n.bits {
		if (n.addr[i/8]^a[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}

// readNetworks reads a control file of networks, one a line. A line that is
// none counts for nothing.
func readNetworks(name string) ([]network, error) {
	lines, _, err := control.Lines(name)
	var list []network
	for _, line := range lines {
		if n, ok := parseNetwork(line); ok {
			list = append(list, n)
		}
	}
	return list, err
}

// IsNetwork tells whether a line of control/moreipme or control/notipme counts.
func IsNetwork(line string) bool {
	_, ok := parseNetwork(line)
	return ok
}

// parseNetwork reads an address, address/bits, or address/mask.
func parseNetwork(s string) (n network, ok bool) {
	addr, mask, masked := strings.Cut(s, "/")
	n.addr, ok = ip.Parse(addr)
	n.bits = maxBits
	if !ok || !masked {
		return n, ok
	}
	start := 0 // of the address proper
	if n.addr.Is4() {
		start = maxBits - 32
	}
	if bits, err := strconv.ParseUint(mask, 10, 8); err == nil {
		n.bits = start + int(bits)
		return n, n.bits <= maxBits
	}
	m, ok := ip.Parse(mask)
	for n.bits = start; n.bits < maxBits && m[n.bits/8]>>(7-n.bits%8)&1 != 0; n.bits++ {
	}
	return n, ok && m.Is4() == n.addr.Is4()
}
