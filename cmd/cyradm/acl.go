package main

import (
	"fmt"
	"strings"
)

// rightsOf returns the letters for a word that stands for several rights.
func rightsOf(word string) string {
	switch strings.ToLower(word) {
	case "none":
		return ""
	case "read":
		return "lrs"
	case "post":
		return "lrsp"
	case "append":
		return "lrsip"
	case "write":
		return "lrswipkxte"
	case "delete":
		return "lrxte"
	case "all":
		return "lrswipkxtea"
	}
	return word
}

// acl asks for the access control list of a mailbox, as identifiers and rights in turn.
func (s *shell) acl(name string) (list []string, err error) {
	all, err := s.client.Do("GETACL", name)
	for _, r := range all {
		if r.Name != "ACL" || len(r.Values) == 0 {
			continue
		}
		for _, v := range r.Values[1:] {
			word, _ := v.(string)
			list = append(list, word)
		}
	}
	return list[:len(list)/2*2], err
}

// listACL is lam.
func (s *shell) listACL(a arguments) error {
	show := func(name, indent string) error {
		list, err := s.acl(name)
		for i := 0; i < len(list); i += 2 {
			fmt.Fprintf(s.out, "%s%s %s\n", indent, list[i], list[i+1])
		}
		return err
	}
	if !strings.ContainsAny(a.words[0], "*%") {
		return show(a.words[0], "")
	}
	boxes, err := s.list(a.words[0])
	if err != nil {
		return err
	}
	for _, b := range boxes {
		fmt.Fprintln(s.out, b.name+":")
		if err := show(b.name, "  "); err != nil {
			return err
		}
	}
	return nil
}

// setACL is sam.
func (s *shell) setACL(a arguments) error {
	pairs := a.words[1:]
	if len(pairs)%2 != 0 {
		return fmt.Errorf("%s has no rights", pairs[len(pairs)-1])
	}
	return s.matching(a.words[0], "Setting ACL on", func(name string) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := s.do("SETACL", name, pairs[i], rightsOf(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
}

// deleteACL is dam. The identifier * is all that there are.
func (s *shell) deleteACL(a arguments) error {
	return s.matching(a.words[0], "Deleting ACL on", func(name string) error {
		ids := a.words[1:]
		if ids[0] == "*" {
			list, err := s.acl(name)
			if err != nil {
				return err
			}
			ids = nil
			for i := 0; i < len(list); i += 2 {
				ids = append(ids, list[i])
			}
		}
		for _, id := range ids {
			if err := s.do("DELETEACL", name, id); err != nil {
				return err
			}
		}
		return nil
	})
}
