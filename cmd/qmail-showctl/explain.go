package main

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/extensions"
)

const oops = "Oops! Trouble reading this file.\n"

// explainer prints what the control files mean.
type explainer struct {
	*bufio.Writer
	me   string
	isMe bool // there is a control/me
}

// explain prints a paragraph for each control file, whether it is there or
// not, and one for each file that is none. It returns why it could not.
func explain(out *bufio.Writer) (problem string) {
	var st syscall.Stat_t
	if syscall.Stat(auto.Home+"/.", &st) != nil {
		return "Unable to chdir to " + auto.Home + ".\n"
	}
	if syscall.Stat(control.Path("."), &st) != nil {
		return "Unable to chdir to control.\n"
	}
	dir, err := os.Open(control.Path("."))
	if err != nil {
		return "Unable to open current directory.\n"
	}
	defer dir.Close()
	e := explainer{Writer: out}
	if e.me, e.isMe, err = control.Line("me"); err != nil {
		return "Trouble reading control/me."
	}
	for _, s := range settings {
		if s.kind == patch && syscall.Stat(control.Path(s.name), &st) != nil {
			continue
		}
		there := e.setting(s)
		if s.name == "rcpthosts" {
			e.more(there)
		}
	}
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		switch {
		case name == "extensions":
			e.extensions()
		case !known(name):
			e.WriteString("\n" + name + ": I have no idea what this file does.\n")
		}
	}
	return ""
}

// extensions tells what of patches to qmail is on. Plain qmail has no such file,
// and nothing is said where there is none.
func (e *explainer) extensions() {
	e.WriteString("\nextensions: ")
	on, err := extensions.Read()
	var unknown extensions.Unknown
	if err != nil && !errors.As(err, &unknown) {
		e.WriteString(oops)
		return
	}
	e.WriteString("\n")
	for _, name := range on {
		e.WriteString("As with the patch " + string(name) + ".\n")
	}
	if err != nil {
		for problem := range strings.SplitSeq(err.Error(), "\n") {
			e.WriteString("Oops! " + printable(problem) + ".\n")
		}
	}
}

// setting explains one file. It returns false if there is none.
func (e *explainer) setting(s setting) (there bool) {
	e.WriteString("\n" + s.name + ": ")
	var err error
	switch s.kind {
	case list:
		there, err = e.list(s)
	case number:
		there, err = e.number(s)
	case text, host, patch:
		there, err = e.line(s)
	}
	if err != nil {
		e.WriteString(oops)
		return true
	}
	return there
}

func (e *explainer) list(s setting) (bool, error) {
	items, there, err := control.Lines(s.name)
	switch {
	case err != nil:
		return there, err
	case !there:
		e.WriteString("(Default.) " + s.none)
	}
	e.WriteString("\n")
	for _, item := range items {
		e.WriteString(s.before + printable(item) + s.after + "\n")
	}
	return there, nil
}

func (e *explainer) number(s setting) (bool, error) {
	n, there, err := control.Number(s.name)
	if err != nil {
		return there, err
	}
	value := s.none
	if there {
		value = strconv.Itoa(max(n, 0))
	} else {
		e.WriteString("(Default.) ")
	}
	e.WriteString(s.before + value + s.after + ".\n")
	return there, nil
}

func (e *explainer) line(s setting) (bool, error) {
	value, there, err := control.Line(s.name)
	if err != nil {
		return there, err
	}
	if !there {
		e.WriteString("(Default.) ")
		value = s.none
		if s.kind == host && e.isMe {
			value = e.me
		}
	}
	e.WriteString(s.before + printable(value) + s.after + ".\n")
	return there, nil
}

// more explains morercpthosts, with and without the database that
// qmail-newmrh makes of it.
func (e *explainer) more(rcpthosts bool) {
	if rcpthosts {
		e.setting(moreAdds)
	} else {
		e.setting(moreUnused)
	}
	e.WriteString("\nmorercpthosts.cdb: ")
	text, noText := os.Stat(control.Path("morercpthosts"))
	cdb, noCdb := os.Stat(control.Path("morercpthosts.cdb"))
	switch {
	case noText != nil && noCdb != nil:
		e.WriteString("(Default.) No effect.\n")
	case noText != nil:
		e.WriteString("Oops! morercpthosts.cdb exists but morercpthosts doesn't.\n")
	case noCdb != nil:
		e.WriteString("Oops! morercpthosts exists but morercpthosts.cdb doesn't.\n")
	case text.ModTime().Unix() > cdb.ModTime().Unix():
		e.WriteString("Oops! morercpthosts.cdb is older than morercpthosts.\n")
	default:
		e.WriteString("Modified recently enough; hopefully up to date.\n")
	}
}

// printable replaces what could upset a terminal.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
