package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"goqmail/lib/imap"
	"goqmail/lib/imapclient"
)

// mailbox is a line of LIST.
type mailbox struct {
	name  string
	flags []string
}

// list asks for mailboxes.
func (s *shell) list(pattern string) ([]mailbox, error) { return s.listBy("LIST", "", pattern) }

func (s *shell) listBy(command, base, pattern string, more ...any) (boxes []mailbox, err error) {
	args := append([]any{base, imapclient.Raw(imap.AppendString(nil, pattern))}, more...)
	all, err := s.client.Do(command, args...)
	for _, r := range all {
		if len(r.Values) < 3 || r.Name != "LIST" && r.Name != "LSUB" {
			continue
		}
		name, _ := r.Values[2].(string)
		box := mailbox{name: name}
		flags, _ := r.Values[0].([]any)
		for _, f := range flags {
			if flag, ok := f.(string); ok {
				box.flags = append(box.flags, flag)
			}
		}
		boxes = append(boxes, box)
	}
	slices.SortFunc(boxes, func(a, b mailbox) int { return strings.Compare(a.name, b.name) })
	return boxes, err
}

// matching calls f for each mailbox that can be selected whose name a pattern matches,
// and tells of it; for a name without * and % just once.
func (s *shell) matching(pattern, doing string, f func(name string) error) error {
	if !strings.ContainsAny(pattern, "*%") {
		return f(pattern)
	}
	boxes, err := s.list(pattern)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if slices.ContainsFunc(b.flags, func(flag string) bool {
			return strings.EqualFold(flag, `\Noselect`) || strings.EqualFold(flag, `\NonExistent`)
		}) {
			continue
		}
		fmt.Fprintf(s.out, "%s %s...", doing, b.name)
		if err := f(b.name); err != nil {
			fmt.Fprintln(s.out)
			return err
		}
		fmt.Fprintln(s.out, "OK.")
	}
	return nil
}

// listMailboxes is lm.
func (s *shell) listMailboxes(a arguments) error {
	pattern := a.word(0)
	if pattern == "" {
		pattern = "*"
	}
	var boxes []mailbox
	var err error
	switch {
	case a.has("subscribed") && !a.has("specialuse"):
		boxes, err = s.listBy("LSUB", a.word(1), pattern)
	case a.has("specialuse"):
		boxes, err = s.listBy("LIST (SPECIAL-USE)", a.word(1), pattern, imapclient.Raw("RETURN (SPECIAL-USE)"))
	default:
		boxes, err = s.listBy("LIST", a.word(1), pattern)
	}
	if err != nil {
		return err
	}
	var lines []string
	for _, b := range boxes {
		line := b.name
		if len(b.flags) > 0 {
			line += " (" + strings.Join(b.flags, " ") + ")"
		}
		lines = append(lines, line)
	}
	width, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil {
		width = 79
	}
	columns(s.out, lines, width)
	return nil
}

// columns writes lines beside each other, as ls does, as far as the width has room.
func columns(w io.Writer, lines []string, width int) {
	longest := 1
	for _, line := range lines {
		longest = max(longest, len(line)+1)
	}
	rows := (len(lines)-1)/max(1, width/longest) + 1
	for row := range rows {
		for i := row; i < len(lines); i += rows {
			fmt.Fprintf(w, "%-*s", longest+1, lines[i])
		}
		if row < len(lines) {
			fmt.Fprintln(w)
		}
	}
}

// create is cm.
func (s *shell) create(a arguments) error {
	args := []any{a.words[0]}
	partition := a.word(1)
	if p := a.options["partition"]; p != "" {
		partition = p
	}
	use := a.options["specialuse"]
	switch {
	case use != "":
		args = append(args, imapclient.Raw("(USE ("+use+"))"))
	case partition != "":
		args = append(args, partition)
	}
	return s.do("CREATE", args...)
}

// delete is dm.
func (s *shell) delete(a arguments) error {
	return s.matching(a.words[0], "Deleting mailbox", func(name string) error { return s.do("DELETE", name) })
}

// rename is renm.
func (s *shell) rename(a arguments) error {
	args := []any{a.words[0], a.words[1]}
	if partition := a.word(2); partition != "" {
		args = append(args, partition)
	} else if partition := a.options["partition"]; partition != "" {
		args = append(args, partition)
	}
	return s.do("RENAME", args...)
}

func (s *shell) reconstruct(a arguments) error {
	if a.has("r") {
		return s.do("RECONSTRUCT", a.words[0], imapclient.Raw("RECURSIVE"))
	}
	return s.do("RECONSTRUCT", a.words[0])
}
