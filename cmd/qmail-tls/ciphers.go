package main

import (
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/ciphers"
	"goqmail/lib/control"
)

// cipherSuites are those that the variable TLSCIPHERS, or else the lines of
// tlsserverciphers, ask for; nil is the usual. There is a warning of what
// is not understood of them.
func (k *keys) cipherSuites(env call.Env) ([]uint16, error) {
	wanted, ok := env.Lookup("TLSCIPHERS")
	if !ok || wanted == "" {
		lines, _, err := control.Lines("tlsserverciphers")
		if err != nil {
			return nil, err
		}
		wanted = strings.Join(lines, ":")
	}
	ids, unknown := ciphers.Parse(wanted)
	if len(unknown) > 0 {
		k.warn("ciphers not known here: " + strings.Join(unknown, " "))
	}
	return ids, nil
}
