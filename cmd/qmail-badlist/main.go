// Qmail-badlist looks names and addresses up in lists of patterns for
// qmail-smtpd, which is too small for regular expressions. Requests come on
// descriptor 0 and answers go to descriptor 1, as package badlist has it. For
// people there is
//
//	qmail-badlist list text
//
// which prints the line that has the text and exits 0 if there is one and 100 if
// not. Trouble is 111. See qmail-badlist(8).
package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"goqmail/lib/badlist"
	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/ere"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	lists := lists{}
	switch len(c.Args) {
	case 1:
		return serve(lists, c.In(), c.Out())
	case 3:
		return look(lists, c)
	}
	io.WriteString(c.Err(), "qmail-badlist: usage: qmail-badlist [ list text ]\n")
	return exit.Perm
}

// look answers a person.
func look(lists lists, c *call.Call) int {
	line, found, err := lists.find(c.Args[1], c.Args[2])
	switch {
	case err != nil:
		io.WriteString(c.Err(), "qmail-badlist: fatal: "+err.Error()+"\n")
		return exit.Temp
	case !found:
		return exit.Perm
	}
	io.WriteString(c.Out(), line+"\n")
	return exit.OK
}

// serve answers requests until there are no more.
func serve(lists lists, in, out *os.File) int {
	r := bufio.NewReader(in)
	for {
		list, err := r.ReadString(0)
		if err != nil {
			return exit.OK
		}
		text, err := r.ReadString(0)
		if err != nil {
			return exit.OK
		}
		if _, err := io.WriteString(out, lists.answer(strings.TrimSuffix(list, "\x00"), strings.TrimSuffix(text, "\x00"))+"\n"); err != nil {
			return exit.Temp
		}
	}
}

// lists are the lists that were needed so far.
type lists map[string][]entry

// entry is a line of a list.
type entry struct {
	line    string
	pattern *ere.Pattern
	negated bool
}

func (l lists) answer(list, text string) string {
	line, found, err := l.find(list, text)
	switch {
	case err != nil:
		return "!" + strings.ReplaceAll(err.Error(), "\n", " ")
	case found:
		return "+" + line
	}
	return "-"
}

func (l lists) find(list, text string) (line string, found bool, err error) {
	entries, ok := l[list]
	if !ok {
		if entries, err = read(list); err != nil {
			return "", false, err
		}
		l[list] = entries
	}
	for _, e := range entries {
		if plain, _ := badlist.Match(e.line, text); plain || e.pattern.Match(text) != e.negated {
			return e.line, true, nil
		}
	}
	return "", false, nil
}

// read reads a list. One bad line makes the whole of it useless.
func read(list string) ([]entry, error) {
	if !slices.Contains(badlist.Names(), list) {
		return nil, errors.New("no such list: " + list)
	}
	lines, _, err := control.Lines(list)
	if err != nil {
		return nil, errors.New("unable to read control/" + list)
	}
	var entries []entry
	for _, line := range lines {
		expression, negated := strings.CutPrefix(line, "!")
		pattern, err := ere.Compile(expression)
		if err != nil {
			return nil, errors.New("control/" + list + ": " + line + ": " + err.Error())
		}
		entries = append(entries, entry{line, pattern, negated})
	}
	return entries, nil
}
