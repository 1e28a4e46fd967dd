package account

import (
	"bytes"
	"slices"
	"strings"

	"goqmail/lib/descriptor"
)

// Members knows the groups that a user is in: those in which /etc/group lists him, and
// the one that /etc/passwd has for him, if he is there. They are those of when they were
// first asked for.
type Members struct {
	User string
	None bool  // he is in none
	Err  error // of reading: what was said since counts for nothing

	known bool
	names []string
}

// In tells whether the user is in a group.
func (m *Members) In(group string) bool { return slices.Contains(m.Names(), group) }

// Names are the groups.
func (m *Members) Names() []string {
	if m.None || m.known {
		return m.names
	}
	groups, err := descriptor.ReadAll("/etc/group")
	if err == nil {
		var users []byte
		users, err = descriptor.ReadAll("/etc/passwd")
		m.names = memberOf(users, groups, m.User)
	}
	m.Err, m.known = err, err == nil
	return m.names
}

func memberOf(users, groups []byte, user string) (names []string) {
	if user == "" {
		return nil
	}
	own := -1
	if ids, err := find(users, user); err == nil {
		own = ids[1]
	}
	for line := range bytes.Lines(groups) {
		field := strings.Split(strings.TrimSuffix(string(line), "\n"), ":")
		if len(field) != 4 {
			continue
		}
		if own >= 0 && number(field[2]) == own || slices.Contains(strings.Split(field[3], ","), user) {
			names = append(names, field[0])
		}
	}
	return names
}
