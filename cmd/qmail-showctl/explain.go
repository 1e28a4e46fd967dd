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
	"goqmail/lib/control"
	"goqmail/lib/extensions"
	"goqmail/lib/settings"
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
		if s.Name == "extensions" {
			e.extensions()
			continue
		}
		there := e.setting(s)
		if s.Name == "rcpthosts" {
			e.more(there)
		}
	}
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if !settings.Known(name, patched) {
			e.WriteString("\n" + name + ": I have no idea what this file does.\n")
		}
	}
	return ""
}

// settings are the files to explain, in order.
func (e *explainer) settings(patched bool) []settings.Setting {
	all := slices.Clone(settings.Plain[:])
	if patched {
		all = append(all, settings.Setting{Name: "extensions"})
	}
	for _, p := range settings.Patches {
		// The patch that brought outgoingip explains it, and is alone in that.
		if !patched && p.Name != "outgoingip" {
			continue
		}
		var st syscall.Stat_t
		if e.on.Has(p.Extension) || syscall.Stat(control.Path(p.Name), &st) == nil {
			all = append(all, p.Setting)
		}
	}
	slices.SortFunc(all, func(a, b settings.Setting) int { return strings.Compare(a.Name, b.Name) })
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
func (e *explainer) setting(s settings.Setting) (there bool) {
	e.WriteString("\n" + s.Name + ": ")
	var err error
	switch s.Kind {
	case settings.List:
		there, err = e.list(s)
	case settings.Number:
		there, err = e.number(s)
	case settings.Text, settings.Host:
		there, err = e.line(s)
	case settings.File:
		there, err = e.file(s)
	case settings.Directory:
		there, err = e.directory(s)
	}
	if err != nil {
		e.WriteString(oops)
		return true
	}
	return there
}

func (e *explainer) list(s settings.Setting) (bool, error) {
	items, there, err := control.Lines(s.Name)
	switch {
	case err != nil:
		return there, err
	case !there:
		e.WriteString("(Default.) " + s.None)
	}
	e.WriteString("\n")
	for _, item := range items {
		e.WriteString(s.Before + printable(e.discreet(s.Name, item)) + s.After + "\n")
	}
	for _, problem := range settings.Doubts(s.Name, items, e.on) {
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

// file tells of a file whose content is for others.
func (e *explainer) file(s settings.Setting) (bool, error) {
	_, err := os.Stat(control.Path(s.Name))
	if errors.Is(err, fs.ErrNotExist) {
		e.WriteString("(Default.) " + s.None + "\n")
		return false, nil
	}
	e.WriteString(s.Before + "\n")
	return true, nil
}

func (e *explainer) directory(s settings.Setting) (bool, error) {
	entries, err := os.ReadDir(control.Path(s.Name))
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
		e.WriteString(s.Before + printable(name) + s.After + "\n")
	}
	return true, nil
}

func (e *explainer) number(s settings.Setting) (bool, error) {
	n, there, err := control.Number(s.Name)
	if err != nil {
		return there, err
	}
	value := s.None
	if there {
		value = strconv.Itoa(max(n, 0))
	} else {
		e.WriteString("(Default.) ")
	}
	e.WriteString(s.Before + value + s.After + ".\n")
	return there, nil
}

func (e *explainer) line(s settings.Setting) (bool, error) {
	value, there, err := control.Line(s.Name)
	if err != nil {
		return there, err
	}
	if !there {
		e.WriteString("(Default.) ")
		value = s.None
		if s.Kind == settings.Host && e.isMe {
			value = e.me
		}
	}
	e.WriteString(s.Before + printable(value) + s.After + ".\n")
	return there, nil
}

// more explains morercpthosts, with and without the database that
// qmail-newmrh makes of it.
func (e *explainer) more(rcpthosts bool) {
	if rcpthosts {
		e.setting(settings.MoreAdds)
	} else {
		e.setting(settings.MoreUnused)
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
