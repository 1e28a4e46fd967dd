package main

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/badlist"
	"goqmail/lib/ciphers"
	"goqmail/lib/control"
	"goqmail/lib/dnsbl"
	"goqmail/lib/ere"
	"goqmail/lib/extensions"
	"goqmail/lib/ipme"
)

const oops = "Oops! Trouble reading this file.\n"

// explainer prints what the control files mean.
type explainer struct {
	*bufio.Writer
	me   string
	isMe bool // there is a control/me
	on   extensions.Set
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
	// Plain qmail has no extensions, and knows nothing of patches.
	patched := syscall.Stat(control.Path("extensions"), &st) == nil
	e.on, _ = extensions.Read() // that paragraph tells of errors
	for _, s := range e.settings(patched) {
		if s.name == "extensions" {
			e.extensions()
			continue
		}
		there := e.setting(s)
		if s.name == "rcpthosts" {
			e.more(there)
		}
	}
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if !known(name, patched) {
			e.WriteString("\n" + name + ": I have no idea what this file does.\n")
		}
	}
	return ""
}

// settings are the files to explain, in order.
func (e *explainer) settings(patched bool) []setting {
	all := slices.Clone(settings[:])
	if patched {
		all = append(all, setting{name: "extensions"})
	}
	for _, p := range patches {
		// The patch that brought outgoingip explains it, and is alone in that.
		if !patched && p.name != "outgoingip" {
			continue
		}
		var st syscall.Stat_t
		if e.on.Has(p.extension) || syscall.Stat(control.Path(p.name), &st) == nil {
			all = append(all, p.setting)
		}
	}
	slices.SortFunc(all, func(a, b setting) int { return strings.Compare(a.name, b.name) })
	return all
}

// extensions tells what of patches to qmail is on.
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
			e.oops(problem)
		}
	}
}

func (e *explainer) oops(problem string) { e.WriteString("Oops! " + printable(problem) + ".\n") }

// setting explains one file. It returns false if there is none.
func (e *explainer) setting(s setting) (there bool) {
	e.WriteString("\n" + s.name + ": ")
	var err error
	switch s.kind {
	case list:
		there, err = e.list(s)
	case number:
		there, err = e.number(s)
	case text, host:
		there, err = e.line(s)
	case file:
		there, err = e.file(s)
	case directory:
		there, err = e.directory(s)
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
		e.WriteString(s.before + printable(e.discreet(s.name, item)) + s.after + "\n")
	}
	for _, problem := range e.doubts(s.name, items) {
		e.oops(problem)
	}
	return there, nil
}

// discreet leaves a password out of a line.
func (e *explainer) discreet(name, line string) string {
	if name != "authsenders" && (name != "smtproutes" || !e.on.Has(extensions.SMTPAuth)) {
		return line
	}
	if parts := strings.SplitN(line, "|", 3); len(parts) == 3 {
		return parts[0] + "|" + parts[1] + "|..."
	}
	return line
}

// doubts are what is wrong with the lines of a file.
func (e *explainer) doubts(name string, lines []string) (problems []string) {
	switch {
	case name == "tlsserverciphers" || name == "tlsclientciphers":
		_, unknown := ciphers.Parse(strings.Join(lines, ":"))
		for _, cipher := range unknown {
			problems = append(problems, "No such cipher here: "+cipher)
		}
	case name == "moreipme" || name == "notipme":
		for _, line := range lines {
			if !ipme.IsNetwork(line) {
				problems = append(problems, "No address or network: "+line)
			}
		}
	case name == "dnsbllist":
		for _, line := range lines {
			if _, err := dnsbl.ParseList(line); err != nil {
				problems = append(problems, err.Error())
			}
		}
	case slices.Contains(badlist.Names(), name) && (name != "badmailfrom" || e.on.Has(extensions.QRegex)):
		for _, line := range lines {
			if _, err := ere.Compile(strings.TrimPrefix(line, "!")); err != nil {
				problems = append(problems, line+": "+err.Error())
			}
		}
	}
	return problems
}

// file tells of a file whose content is for others.
func (e *explainer) file(s setting) (bool, error) {
	_, err := os.Stat(control.Path(s.name))
	if errors.Is(err, fs.ErrNotExist) {
		e.WriteString("(Default.) " + s.none + "\n")
		return false, nil
	}
	e.WriteString(s.before + "\n")
	return true, nil
}

func (e *explainer) directory(s setting) (bool, error) {
	entries, err := os.ReadDir(control.Path(s.name))
	if err != nil {
		return true, err
	}
	e.WriteString("\n")
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".pem")
		if name == "exhaustivelist" {
			e.WriteString("No TLS with others.\n")
			continue
		}
		e.WriteString(s.before + printable(name) + s.after + "\n")
	}
	return true, nil
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
