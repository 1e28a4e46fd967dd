// Package outgoingip knows where connections to other hosts come from: from the
// address in control/outgoingip, as far as it is of their kind, or else from
// wherever the system likes.
package outgoingip

import (
	"errors"

	"goqmail/lib/control"
	"goqmail/lib/ip"
)

// Source is where connections come from. The zero value leaves it to the system.
type Source struct{ addr ip.Addr }

// ErrInvalid is the error for a file that does not start with an address.
var ErrInvalid = errors.New("invalid ipaddr in control/outgoingip")

// Read reads the control file. The error is ErrInvalid or one of reading.
func Read() (Source, error) {
	line, ok, err := control.Line("outgoingip")
	if !ok || err != nil {
		return Source{}, err
	}
	return parse(line)
}

// parse reads an address, of which 0.0.0.0 and :: stand for none in particular.
func parse(s string) (Source, error) {
	a, ok := ip.Parse(s)
	if !ok {
		var n int
		if a, n = ip.Scan(s); n == 0 {
			return Source{}, ErrInvalid
		}
	}
	return Source{a}, nil
}

// For is where a connection to an address is to come from, nil for wherever.
func (s Source) For(to ip.Addr) *ip.Addr {
	if s.addr == (ip.Addr{}) || s.addr == ip.V4(0, 0, 0, 0) || s.addr.Is4() != to.Is4() {
		return nil
	}
	return &s.addr
}
