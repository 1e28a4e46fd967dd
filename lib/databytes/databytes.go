// Package databytes limits the size of messages that come from the network;
// see databytes in qmail-control(5).
package databytes

import (
	"math"

	"goqmail/lib/call"
	"goqmail/lib/control"
)

// Limit returns how many bytes a message may have, 0 for any number: the
// number at the start of the variable DATABYTES, or else what
// control/databytes says. A variable that does not start with a digit
// means 0. Numbers wrap at 32 bits.
func Limit(env call.Env) (uint32, error) {
	limit, err := Read()
	if err != nil {
		return 0, err
	}
	return Heed(env, limit), nil
}

// Read returns what control/databytes says.
func Read() (uint32, error) {
	n, err := control.Int("databytes", 0)
	return uint32(n), err
}

// Heed returns the limit of env, or else this one.
func Heed(env call.Env, limit uint32) uint32 {
	if s, ok := env.Lookup("DATABYTES"); ok {
		limit = 0
		for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			limit = limit*10 + uint32(s[i]-'0')
		}
	}
	return min(limit, math.MaxUint32-1)
}
