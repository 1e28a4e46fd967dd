// Package received writes the Received line that programs which take mail from
// the network put on top of each message (RFC 5321, section 4.4).
package received

import (
	"strings"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/date822"
)

// Hop is one step of a message on its way: from the remote host to this one.
type Hop struct {
	RemoteHost string
	RemoteIP   string
	RemoteInfo *string // who the remote host says is sending; nil if it was not asked
	Helo       *string // what the client calls itself; nil when that is RemoteHost
	Local      string  // what this host is called
}

// FromEnv takes a hop from the variables of tcp-environ(5). Names that are not
// set become "unknown".
func FromEnv(env call.Env) Hop {
	hop := Hop{
		RemoteHost: first(env, "REMOTEHOST"),
		RemoteIP:   first(env, "REMOTEIP"),
		Local:      first(env, "LOCALHOST", "LOCALIP"),
	}
	if info, ok := lookup(env, "REMOTEINFO"); ok {
		hop.RemoteInfo = &info
	}
	return hop
}

// lookup is what the environment says of a connection. Of one by IPv6, some
// servers tell in TCP6 variables, some in these and the others as well, and some
// just as of any other.
func lookup(env call.Env, name string) (string, bool) {
	if env.Get("PROTO") == "TCP6" {
		if value, ok := env.Lookup("TCP6" + name); ok {
			return value, true
		}
	}
	return env.Lookup("TCP" + name)
}

func first(env call.Env, names ...string) string {
	for _, name := range names {
		if value, ok := lookup(env, name); ok {
			return value
		}
	}
	return "unknown"
}

// Line gives the header field, with the LF at its end, for a message that comes
// by protocol at the given time. Anything that could confuse the reader of a
// header is replaced by question marks.
func (h Hop) Line(protocol string, when time.Time) string {
	var b strings.Builder
	b.WriteString("Received: from ")
	b.WriteString(Safe(h.RemoteHost))
	if h.Helo != nil {
		b.WriteString(" (HELO " + Safe(*h.Helo) + ")")
	}
	b.WriteString(" (")
	if h.RemoteInfo != nil {
		b.WriteString(Safe(*h.RemoteInfo) + "@")
	}
	b.WriteString(Safe(h.RemoteIP) + ")\n  by " + Safe(h.Local) + " with " + protocol)
	b.WriteString("; " + date822.Format(when) + "\n")
	return b.String()
}

// Safe gives s with a question mark for each byte that has no place in a word of
// the line.
func Safe(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(".@%+/=:-[]", c) >= 0:
		default:
			b[i] = '?'
		}
	}
	return string(b)
}
