// Package tcprules knows the rules by which a listener lets connections in: the
// text that tcprules reads, and the constant database it makes. See
// tcprules(1).
package tcprules

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"syscall"

	"goqmail/lib/cdb"
)

// Client is the other end of a connection, as far as it is known.
type Client struct {
	IP   string  // an IPv4 address, or an IPv6 address in the form of RFC 5952
	Host *string // its name; nil if it has none
	Info *string // what it says about the connection's user; nil if it says nothing
}

// Rule says what to do with a connection.
type Rule struct {
	Address     string   // as it stands in the rules: what the rule is for
	Deny        bool     // drop the connection
	Environment []string // NAME=value, to be set for the program; of a wrong form in a database of another origin
}

// Find returns the rule for a client, the most special one there is, and
// whether there is any. A database that makes no sense gives EPROTO.
func Find(db io.ReaderAt, c Client) (r Rule, ok bool, err error) {
	for address := range addresses(c) {
		data, ok, err := cdb.Get(db, address)
		switch {
		case errors.Is(err, cdb.ErrFormat):
			return Rule{}, false, syscall.EPROTO
		case err != nil:
			return Rule{}, false, err
		case ok:
			return parseData(address, data), true, nil
		}
	}
	return Rule{}, false, nil
}

// addresses yields the forms in which a rule may name the client, in the order
// in which they count.
func addresses(c Client) iter.Seq[string] {
	return func(yield func(string) bool) {
		if c.Info != nil {
			if !yield(*c.Info+"@"+c.IP) || c.Host != nil && !yield(*c.Info+"@="+*c.Host) {
				return
			}
		}
		if !yield(c.IP) || c.Host != nil && !yield("="+*c.Host) {
			return
		}
		for i := len(c.IP); i > 0; i-- {
			if (c.IP[i-1] == '.' || c.IP[i-1] == ':') && !yield(c.IP[:i]) {
				return
			}
		}
		if c.Host != nil {
			for i := range len(*c.Host) {
				if (*c.Host)[i] == '.' && !yield("="+(*c.Host)[i:]) {
					return
				}
			}
			if !yield("=") {
				return
			}
		}
		yield("")
	}
}

// parseData reads the data of a record: for each instruction a letter, text and
// a NUL. What is not known counts for nothing.
func parseData(address string, data []byte) Rule {
	r := Rule{Address: address}
	for {
		instruction, rest, ok := bytes.Cut(data, []byte{0})
		if !ok {
			return r
		}
		data = rest
		switch {
		case bytes.HasPrefix(instruction, []byte("D")):
			r.Deny = true
		case bytes.HasPrefix(instruction, []byte("+")):
			r.Environment = append(r.Environment, string(instruction[1:]))
		}
	}
}
