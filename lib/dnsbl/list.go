package dnsbl

import (
	"errors"
	"strings"
)

// List is a list of hosts: a line of control/dnsbllist.
type List struct {
	Zone string
	Has  Result // what is done with clients in it
	Text string // for them
	Own  bool   // the text is here, and not in the list
}

// ParseList reads a line [+|-|=]zone[:[-]text].
func ParseList(line string) (List, error) {
	l := List{Has: Delay}
	l.Zone, l.Text, l.Own = strings.Cut(line, ":")
	if text, reject := strings.CutPrefix(l.Text, "-"); reject {
		l.Text, l.Has = text, Reject
	}
	switch {
	case strings.HasPrefix(l.Zone, "+"):
		l.Has = Accept
	case strings.HasPrefix(l.Zone, "-"):
		l.Has = Reject
	case strings.HasPrefix(l.Zone, "="):
		l.Has = Ignore
	}
	l.Zone = strings.TrimLeft(l.Zone, "+-=")
	if l.Zone == "" || strings.ContainsAny(l.Zone, " \t") {
		return List{}, errors.New("no list of hosts: " + line) // and not to be passed over: it was to keep somebody out
	}
	return l, nil
}
