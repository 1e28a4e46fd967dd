package main

import (
	"slices"
	"strings"

	"goqmail/lib/rfc822"
)

// rules make every address one that is complete; see qmail-header(5).
type rules struct {
	defaultHost   rfc822.Tokens // with the @ before it
	defaultDomain rfc822.Tokens // with the dot before it
	plusDomain    rfc822.Tokens // with the dot before it
}

// apply rewrites an address, which it may change in place: the route goes, a
// host name is added where there is none, and a domain to a host name that has
// no dot or that ends with a plus sign. The empty address stays empty, and
// box@[], which no rule could improve, stays as it is.
func (r *rules) apply(a rfc822.Tokens) rfc822.Tokens {
	n := len(a)
	if n >= 2 && a[n-2].Kind == rfc822.At && a[n-1] == (rfc822.Token{Kind: rfc822.Literal}) {
		return a
	}
	a = withoutRoute(a)
	a = withoutLast(a, rfc822.Dot)
	a = withoutLast(a, rfc822.At)
	if len(a) == 0 {
		return a
	}
	if lastIndex(a, rfc822.At) < 0 {
		a = append(a, r.defaultHost...)
	}
	last := &a[len(a)-1]
	if box, ok := strings.CutSuffix(last.Text, "+"); ok && last.Kind == rfc822.Atom {
		last.Text = box
		a = append(a, r.plusDomain...)
	}
	host := a[lastIndex(a, rfc822.At)+1:]
	if lastIndex(host, rfc822.Dot) < 0 && lastIndex(host, rfc822.Literal) < 0 {
		a = append(a, r.defaultDomain...)
	}
	return a
}

// withoutRoute removes a route "@host,@host:", and an address that is nothing
// but one (RFC 822, section 6.2.7).
func withoutRoute(a rfc822.Tokens) rfc822.Tokens {
	if len(a) == 0 || a[0].Kind != rfc822.At {
		return a
	}
	colon := slices.Index(a, rfc822.Token{Kind: rfc822.Colon})
	if colon < 0 {
		return nil
	}
	return a[colon+1:]
}

// withoutLast removes the last token if it is of that kind.
func withoutLast(a rfc822.Tokens, kind rfc822.Kind) rfc822.Tokens {
	if n := len(a); n > 0 && a[n-1].Kind == kind {
		return a[:n-1]
	}
	return a
}

// lastIndex returns the index of the last token of that kind, or -1.
func lastIndex(a rfc822.Tokens, kind rfc822.Kind) int {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i].Kind == kind {
			return i
		}
	}
	return -1
}
