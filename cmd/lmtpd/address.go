package main

import (
	"strconv"
	"strings"
)

// address is what stands between < and > in MAIL and RCPT.
type address struct {
	text   string // the whole of it, without the route
	local  string // the local part without quotes and backslashes
	domain string // "" if there is none
}

// cutPath reads the arguments of MAIL and RCPT after FROM: or TO:, a path (RFC 5321
// section 4.1.2) and parameters.
func cutPath(args, keyword string) (a address, params []string, ok bool) {
	if len(args) < len(keyword) || !strings.EqualFold(args[:len(keyword)], keyword) {
		return a, nil, false
	}
	rest := strings.TrimLeft(args[len(keyword):], " ")
	a, n := parsePath(rest)
	if n == 0 || n < len(rest) && rest[n] != ' ' {
		return a, nil, false
	}
	return a, strings.Fields(rest[n:]), true
}

// parsePath reads a path and returns its length, 0 if it is none.
func parsePath(s string) (a address, length int) {
	if !strings.HasPrefix(s, "<") {
		return a, 0
	}
	at := 1
	if at < len(s) && s[at] == '@' { // a route, which means nothing any more
		colon := strings.IndexAny(s, ":> \"")
		if colon < 0 || s[colon] != ':' {
			return a, 0
		}
		at = colon + 1
	}
	start := at
	local, at, ok := parseLocal(s, at)
	if !ok {
		return a, 0
	}
	domain := ""
	if at > start && at < len(s) && s[at] == '@' {
		at++
		first := at
		for ; at < len(s) && isDomain(s[at]); at++ {
		}
		domain = s[first:at]
	}
	if at == len(s) || s[at] != '>' {
		return a, 0
	}
	return address{s[start:at], local, domain}, at + 1
}

// parseLocal reads a local part, which may be empty.
func parseLocal(s string, at int) (local string, end int, ok bool) {
	var b strings.Builder
	quoted := at < len(s) && s[at] == '"'
	if quoted {
		at++
	}
	for ; at < len(s); at++ {
		c := s[at]
		switch {
		case c == '\\':
			if at++; at == len(s) {
				return "", 0, false
			}
			b.WriteByte(s[at])
		case quoted && c == '"':
			return b.String(), at + 1, true
		case !quoted && (c == '@' || c == '>'):
			return b.String(), at, true
		case !quoted && (c <= ' ' || strings.IndexByte(`<()[],;:"`, c) >= 0):
			return "", 0, false
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// isDomain tells whether a byte may stand in a domain or an address literal.
func isDomain(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= 0x80: // SMTPUTF8
		return true
	}
	return strings.IndexByte(".-_[]:", c) >= 0
}

// authUser reads the value of AUTH=, which is in xtext (RFC 3461 section 4), maybe with
// < and > around it. What is no user is nobody.
func authUser(s string) string {
	if rest, ok := strings.CutPrefix(s, "<"); ok {
		s = strings.TrimSuffix(rest, ">")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			if i+2 >= len(s) {
				return ""
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return ""
			}
			c, i = byte(n), i+2
		}
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>"\`, c) >= 0 {
			return ""
		}
		b.WriteByte(c)
	}
	return b.String()
}
