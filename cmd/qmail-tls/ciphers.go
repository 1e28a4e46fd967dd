package main

import (
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/ciphers"
	"goqmail/lib/control"
)

// cipherSuites are those that the variable TLSCIPHERS, or else the lines of
// tlsserverciphers, ask for; nil is the usual. What is not understood of them is
// told on standard error.
func cipherSuites(c *call.Call) ([]uint16, error) {
	wanted, ok := c.Env.Lookup("TLSCIPHERS")
	if !ok || wanted == "" {
		lines, _, err := control.Lines("tlsserverciphers")
		if err != nil {
			return nil, err
		}
		wanted = strings.Join(lines, ":")
	}
	ids, unknown := ciphers.Parse(wanted)
	if len(unknown) > 0 {
		c.Err().WriteString("qmail-tls: warning: ciphers not known here: " + strings.Join(unknown, " ") + "\n")
	}
	return ids, nil
}
