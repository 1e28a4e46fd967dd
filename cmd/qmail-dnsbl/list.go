package main

import (
	"errors"
	"strings"

	"goqmail/lib/dnsbl"
)

// list is a list of hosts: a line of control/dnsbllist.
type list struct {
	zone string
	has  dnsbl.Result // what is done with clients in it
	text string       // for them
	own  bool         // the text is here, and not in the list
}

// parse reads lines [+|-|=]zone[:[-]text].
func parse(lines []string) (lists []list, err error) {
	for _, line := range lines {
		l := list{has: dnsbl.Delay}
		l.zone, l.text, l.own = strings.Cut(line, ":")
		if text, reject := strings.CutPrefix(l.text, "-"); reject {
			l.text, l.has = text, dnsbl.Reject
		}
		switch {
		case strings.HasPrefix(l.zone, "+"):
			l.has = dnsbl.Accept
		case strings.HasPrefix(l.zone, "-"):
			l.has = dnsbl.Reject
		case strings.HasPrefix(l.zone, "="):
			l.has = dnsbl.Ignore
		}
		l.zone = strings.TrimLeft(l.zone, "+-=")
		if l.zone == "" || strings.ContainsAny(l.zone, " \t") {
			return nil, errors.New("no list: " + line) // and not to be passed over: it was to keep somebody out
		}
		lists = append(lists, l)
	}
	return lists, nil
}
