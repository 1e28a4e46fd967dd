package main

import (
	"strings"

	"goqmail/lib/control"
	"goqmail/lib/ip"
)

// route is a relay to send mail through.
type route struct {
	relay string // a name or an address
	port  uint16
	login login
}

// login is what we are known by at a relay; without both there is none.
type login struct{ user, password string }

func (l login) given() bool { return l.user != "" && l.password != "" }

// route finds the relay for a sender's mail to a host: what authsenders has for
// the sender, or else smtproutes for the host. ok is false if there is none.
func (c *config) route(sender, host string) (r route, ok bool) {
	line := find(c.senders, sender, ".@")
	if line == "" {
		line = find(c.routes, host, ".")
	}
	return parseRoute(line), line != ""
}

// find finds the line for a whole name, or else for the longest part of it that
// starts with a separator, or else for the empty name. An empty line ends the
// search, too.
func find(lines control.Map, name, separators string) string {
	for i := 0; i <= len(name); i++ {
		if i > 0 && i < len(name) && strings.IndexByte(separators, name[i]) < 0 {
			continue
		}
		if line, ok := lines.Get(name[i:]); ok {
			return line
		}
	}
	return ""
}

// parseRoute reads relay, relay:port or relay;port, each maybe followed by
// |user|password.
func parseRoute(line string) route {
	r := route{port: smtpPort}
	place := line
	if before, after, ok := strings.Cut(line, "|"); ok {
		if user, password, ok := strings.Cut(after, "|"); ok {
			place, r.login = before, login{user, password}
		}
	}
	relay, digits, ok := cutPort(place)
	r.relay = relay
	if ok {
		r.port = scanPort(digits)
	}
	return r
}

// cutPort divides a place at its first colon or semicolon, but for those in an
// IPv6 address.
func cutPort(place string) (relay, port string, ok bool) {
	start := 0
	if end := strings.IndexByte(place, ']') + 1; end > 0 {
		if _, literal := ip.Literal6(place[:end]); literal {
			start = end
		}
	}
	i := strings.IndexAny(place[start:], ":;")
	if i < 0 {
		return place, "", false
	}
	return place[:start+i], place[start+i+1:], true
}

// The ports of RFC 5321, section 4.5.4.2, and RFC 8314, section 7.3.
const (
	smtpPort  = 25
	smtpsPort = 465 // with TLS from the start
)

// scanPort reads the number that s starts with, 0 if with none. Large numbers
// wrap around.
func scanPort(s string) uint16 {
	var port uint16
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		port = port*10 + uint16(s[i]-'0')
	}
	return port
}
