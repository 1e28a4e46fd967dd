package mailstore

import (
	"os"
	"strings"
)

// takeSubscriptions subscribes the owner of an INBOX that has just come from Cyrus to what
// he was subscribed to there, unless he has chosen here already.
func (s *Store) takeSubscriptions(e Entry) error {
	user, ok := strings.CutPrefix(e.Name, "user.")
	if !ok || strings.Contains(user, ".") {
		return nil
	}
	plain := strings.ReplaceAll(user, "^", ".")
	if chosen, err := s.Subscriptions(plain); err != nil || len(chosen) > 0 {
		return err
	}
	places := []string{"/" + s.layout.hash(e.Name) + "/" + user + ".sub", "/" + s.layout.hash("user."+plain) + "/" + plain + ".sub"}
	if dir := byID(e.ID); dir != "" {
		places = append(places, "/"+dir+"/sub.db")
	}
	for _, place := range places {
		text, err := os.ReadFile(s.layout.ConfigDir + "/user" + place)
		if err != nil {
			continue
		}
		for _, name := range cyrusSubscriptions(string(text), e.Name) {
			if err := s.Subscribe(plain, name, true); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// cyrusSubscriptions reads a file of subscriptions: lines of a name and a tab, and since
// 3.0 of an N and a name as its user has it, with a byte 31 between the parts.
func cyrusSubscriptions(text, inbox string) (names []string) {
	const separator, version = "\x1f", "\x1fVER\x1f"
	lines := strings.Split(text, "\n")
	modern := strings.HasPrefix(text, version)
	for _, line := range lines[:len(lines)-1] { // the last has not come whole
		name, _, ok := strings.Cut(line, "\t")
		if modern {
			if name, ok = strings.CutPrefix(name, "N"); !ok {
				continue
			}
			name = strings.NewReplacer(".", "^", separator, ".").Replace(name)
			if below, ok := strings.CutPrefix(name, "INBOX"); ok && (below == "" || below[0] == '.') {
				name = inbox + below
			}
		}
		if ok && isListable(name) {
			names = append(names, name)
		}
	}
	return names
}

// isListable tells whether a name can be one of a mailbox.
func isListable(name string) bool {
	return len(name) < 500 && !strings.Contains("."+name+".", "..") && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '/' })
}
