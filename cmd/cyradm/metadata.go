package main

import (
	"fmt"
	"sort"
	"strings"

	"goqmail/lib/imap"
	"goqmail/lib/imapclient"
)

// entryName returns the annotation that a word stands for, below /shared or /private. ok is
// false if it stands for none.
func entryName(word string, private bool) (name string, ok bool) {
	root := "/shared"
	if private {
		root = "/private"
	}
	switch word {
	case "comment", "motd", "admin", "specialuse":
		return root + "/" + word, true
	case "expire", "news2mail", "pop3showafter", "sharedseen", "sieve", "squat", "shutdown":
		return root + "/vendor/cmu/cyrus-imapd/" + word, true
	}
	if strings.HasPrefix(word, "/shared/") || strings.HasPrefix(word, "/private/") {
		return word, true
	}
	return root + word, strings.HasPrefix(word, "/")
}

// info shows the annotations of a mailbox or of the server, by entry.
func (s *shell) info(a arguments) error {
	values := map[string][]string{} // by entry: "shared: x"
	for _, root := range []string{"private", "shared"} {
		all, err := s.client.Do("GETMETADATA", a.word(0), imapclient.Raw(`("/`+root+`/*")`))
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.Name != "METADATA" || len(r.Values) < 2 {
				continue
			}
			list, _ := r.Values[1].([]any)
			for i := 0; i+1 < len(list); i += 2 {
				name, _ := list[i].(string)
				value, _ := list[i+1].(string)
				name = strings.TrimPrefix(name, "/"+root)
				values[name] = append(values[name], root+": "+value)
			}
		}
	}
	if len(values) == 0 {
		return nil
	}
	if a.word(0) == "" {
		fmt.Fprintln(s.out, "{Server Wide}")
	} else {
		fmt.Fprintln(s.out, "{"+a.word(0)+"}:")
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(s.out, "  %s:\n", strings.TrimPrefix(name, "/"))
		for _, value := range values[name] {
			fmt.Fprintln(s.out, "    "+value)
		}
	}
	return nil
}

// configure is mboxcfg and setmd. An empty value or none takes the annotation away.
func (s *shell) configure(a arguments) error {
	name, ok := entryName(a.words[1], a.has("private"))
	if !ok {
		return fmt.Errorf("unknown entry %s", a.words[1])
	}
	return s.matching(a.words[0], "Configuring", func(mailbox string) error { return s.annotate(mailbox, name, a.words[2]) })
}

// setInfo annotates the server.
func (s *shell) setInfo(a arguments) error {
	name, ok := entryName(a.words[0], false)
	if !ok {
		return fmt.Errorf("unknown entry %s", a.words[0])
	}
	return s.annotate("", name, a.words[1])
}

func (s *shell) annotate(mailbox, name, value string) error {
	text := []byte("NIL")
	if value != "" && value != "none" {
		text = imap.AppendString(nil, value)
	}
	if strings.HasPrefix(string(text), "{") {
		return fmt.Errorf("the value has bytes that are not ASCII, or is too long")
	}
	return s.do("SETMETADATA", mailbox, imapclient.Raw(`("`+name+`" `+string(text)+")"))
}

// version shows what the server says of itself.
func (s *shell) version(arguments) error {
	all, err := s.client.Do("ID", imapclient.Raw("NIL"))
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Name != "ID" || len(r.Values) == 0 {
			continue
		}
		list, _ := r.Values[0].([]any)
		if len(list) == 0 {
			fmt.Fprintln(s.out, "no version info returned by server")
		}
		for i := 0; i+1 < len(list); i += 2 {
			value, _ := list[i+1].(string)
			fmt.Fprintf(s.out, "%-11s: %s\n", list[i], strings.ReplaceAll(value, ";", "\n"+strings.Repeat(" ", 12)))
		}
	}
	return nil
}
