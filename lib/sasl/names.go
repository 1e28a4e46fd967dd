package sasl

import (
	"slices"
	"strings"

	"goqmail/lib/ascii"
)

// split takes a user's name apart. realms are where to look for such a user.
func (s *Server) split(name string) (user string, realms []string) {
	user, realm, ok := cutLast(name, "@")
	if !ok || s.own(realm) {
		return user, s.realms
	}
	return user, []string{realm}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// own tells whether a realm is this host's.
func (s *Server) own(realm string) bool {
	return slices.ContainsFunc(s.realms, func(r string) bool { return strings.EqualFold(r, realm) })
}

// authorize returns the user whom a client that is claim.name may act as. Those in
// admins and proxyservers may act for everybody.
func (s *Server) authorize(c claim) (user string, err error) {
	user, err = s.user(c.name)
	if err != nil || c.as == "" {
		return user, err
	}
	as, err := s.user(c.as)
	if err != nil {
		return "", err
	}
	if as != user && !slices.Contains(s.conf.Words("admins"), user) && !slices.Contains(s.conf.Words("proxyservers"), user) {
		return "", failure(noAuthz, "user "+user+" is not allowed to proxy")
	}
	return as, nil
}

// user returns a user's name as the store knows it: without a realm that is this
// host's. Users of other realms must be in loginrealms, unless there are virtual domains.
func (s *Server) user(name string) (string, error) {
	if s.conf.Bool("username_tolower", false) {
		name = ascii.Lower(name)
	}
	user, realm, hasRealm := cutLast(name, "@")
	if !valid(user) || hasRealm && !valid(realm) {
		return "", wrong("no name for a user")
	}
	switch {
	case !hasRealm || s.own(realm):
		return user, nil
	case s.conf.Virtual():
		return user + "@" + ascii.Lower(realm), nil
	case slices.ContainsFunc(s.conf.Words("loginrealms"), func(r string) bool { return strings.EqualFold(r, realm) }):
		return name, nil
	}
	return "", wrong("cross-realm login " + name + " denied")
}

// valid tells whether there may be a user of that name: one that can be in the names of
// mailboxes and in their lists of rights, and stands for nobody else there.
func valid(user string) bool {
	return user != "" && len(user) <= 255 && user != "anyone" && user[0] != '-' &&
		!strings.ContainsFunc(user, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/*%\"\\", r) })
}
