package main

import (
	"bytes"
	"io"
	"os"
	"strings"

	"goqmail/lib/child"
	"goqmail/lib/exit"
)

// order is where the system looks for accounts.
type order struct {
	fileFirst bool // in /etc/passwd before anywhere else
	others    bool // elsewhere as well
	compat    bool // elsewhere as well if /etc/passwd has lines with + or -
}

// orderOf reads nsswitch.conf(5). Without it or its line on passwd, there is
// only the file.
func orderOf(path string) order {
	text, err := open(path)
	if err != nil {
		return order{fileFirst: true}
	}
	defer text.Close()
	all, _ := io.ReadAll(text)
	return parseOrder(string(all))
}

// parseOrder finds the line on passwd, which names sources in turn. How to go on
// after the answer of one may stand in brackets; that is getent's business.
func parseOrder(conf string) order {
	o := order{fileFirst: true}
	for line := range strings.Lines(conf) {
		line, _, _ = strings.Cut(line, "#")
		name, sources, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) != "passwd" {
			continue
		}
		named := strings.Fields(unbracketed(sources))
		if len(named) == 0 {
			o = order{others: true} // nowhere, and getent knows
		}
		for i, source := range named {
			switch source {
			case "files":
			case "compat":
				o.compat = true
			default:
				o.others = true
				o.fileFirst = o.fileFirst && i > 0
			}
		}
	}
	return o
}

func unbracketed(s string) string {
	for {
		before, rest, found := strings.Cut(s, "[")
		if !found {
			return s
		}
		_, after, _ := strings.Cut(rest, "]")
		s = before + " " + after
	}
}

// getent asks the system for all names that are wanted and not known, at once.
func (a *accounts) getent() (map[string]account, error) {
	args := []string{"getent", "passwd"}
	for _, name := range a.wanted {
		if _, known := a.file[name]; known && a.order.fileFirst {
			continue
		}
		key, err := a.key(name)
		if err != nil {
			return nil, err
		}
		if key != "" {
			args = append(args, key)
		}
	}
	if len(args) == 2 {
		return map[string]account{}, nil
	}
	lines, code, err := a.output(args)
	if err != nil {
		return nil, err
	}
	p, err := parse(bytes.NewReader(lines), a.wanted)
	if err != nil || code != 0 && code != someUnknown {
		return nil, exit.Defer("getent failed", nil)
	}
	return p.accounts, nil
}

// someUnknown is getent's exit code when it did not find all it was asked for.
const someUnknown = 2

// key is what to ask getent for to hear of name, or "" if that cannot be. It
// takes a name of nothing but digits for a uid, so it has to get the uid; id
// tries the name first.
func (a *accounts) key(name string) (string, error) {
	switch {
	case name == "" || name[0] == '-':
		return "", nil
	case strings.Trim(name, "0123456789") != "":
		return name, nil
	}
	uid, code, err := a.output([]string{"id", "-u", name})
	if err != nil || code != 0 {
		return "", err
	}
	return string(bytes.TrimSpace(uid)), nil
}

// output runs a program of the system and returns what it prints, and its exit
// code, which is -1 if a signal ended it. What it complains of goes nowhere.
func (a *accounts) output(args []string) (output []byte, code int, err error) {
	r, w, err := child.Pipe()
	if err != nil {
		return nil, 0, exit.Defer("unable to create pipe", err)
	}
	defer r.Close()
	nowhere, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		w.Close()
		return nil, 0, exit.Defer("unable to open "+os.DevNull, err)
	}
	defer nowhere.Close()
	cmd := child.Cmd{
		Args:  args,
		Env:   a.call.Env.With("PATH", "/usr/bin:/bin:"+a.call.Env.Get("PATH")),
		Files: []*os.File{nowhere, w, nowhere},
	}
	pid, err := cmd.StartFound()
	w.Close()
	if err != nil {
		return nil, 0, exit.Defer("unable to run "+args[0], err)
	}
	output, readErr := io.ReadAll(r)
	status, err := child.Wait(pid)
	if err != nil || readErr != nil {
		return nil, 0, exit.Defer(args[0]+" failed", readErr)
	}
	return output, status.ExitStatus(), nil
}
