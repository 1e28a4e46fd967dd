package main

import (
	"io"
	"os"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/cdb"
	"goqmail/lib/child"
	"goqmail/lib/control"
	"goqmail/lib/exit"
)

// source is a line of control/recipients, as s/qmail has it: where to look for
// the addresses of some domains.
type source struct {
	domain string // "*" for all domains, "" too, but for those that had a line before
	exact  bool   // not those below it
	accept bool   // do not look, accept
	cdb    string // database with ":address" for keys, or
	pam    string // command that gets the address on descriptor 3
}

// parse reads a line: !domain, !*, domain:cdb, @domain:cdb, domain|command, or
// only cdb.
func parse(line string) source {
	if domain, ok := strings.CutPrefix(line, "!"); ok {
		if domain == "*" {
			domain = ""
		}
		return source{domain: ascii.Lower(domain), exact: true, accept: true}
	}
	var s source
	switch i := strings.IndexAny(line, ":|"); {
	case i < 0:
		s.cdb = line
	case line[i] == '|':
		s.domain, s.pam = line[:i], line[i+1:]
	default:
		s.domain, s.cdb = line[:i], line[i+1:]
	}
	s.domain = ascii.Lower(s.domain)
	s.domain, s.exact = strings.CutPrefix(s.domain, "@")
	return s
}

// concerns tells whether a source is for a domain. seen is whether an earlier
// one was, by name.
func (s source) concerns(domain string, seen bool) bool {
	switch {
	case s.domain == "":
		return !seen
	case s.domain == "*", s.domain == domain:
		return true
	}
	return !s.exact && strings.HasSuffix(domain, "."+s.domain)
}

// recipients asks the sources in turn until one knows the address, or the start
// of its local part up to the first break. If none does, the address is refused.
func (q *question) recipients() error {
	lines, ok, err := control.Lines("recipients")
	if err != nil {
		return exit.Defer("unable to read control/recipients", err)
	}
	if !ok {
		return nil
	}
	seen := false
	for _, line := range lines {
		s := parse(line)
		if !s.concerns(q.domain(), seen) {
			continue
		}
		if s.accept {
			return nil
		}
		seen = seen || s.domain != "" && s.domain != "*"
		for _, address := range q.candidates() {
			known, err := q.ask(s, address)
			if known || err != nil {
				return err
			}
		}
	}
	if _, soft := q.call.Env.Lookup("RECIPIENTS450"); soft {
		return exit.Reject("450 sorry, mailbox currently unavailable (#4.2.1)", nil)
	}
	return exit.Reject("550 sorry, no mailbox by that name (#5.7.1)", nil)
}

func (q *question) domain() string {
	if q.at == "" {
		return "localhost"
	}
	return q.at[1:]
}

// candidates are the addresses to look for: all of it, and user-@domain for
// user-extension@domain.
func (q *question) candidates() []string {
	all := []string{q.local + "@" + q.domain()}
	if i := strings.Index(q.local, auto.Break); i >= 0 {
		all = append(all, q.local[:i+1]+"@"+q.domain())
	}
	return all
}

func (q *question) ask(s source, address string) (bool, error) {
	if s.pam != "" {
		return q.askProgram(s.pam, address)
	}
	db, err := os.Open(s.cdb)
	if err != nil {
		return false, exit.Defer("unable to read "+s.cdb, err)
	}
	defer db.Close()
	known, err := cdb.Has(db, ":"+address)
	if err != nil {
		return false, exit.Defer("unable to read "+s.cdb, err)
	}
	return known, nil
}

// askProgram gives the address to a program in the way of checkpassword. It
// exits 0 for an address it knows, and exit.Temp if it cannot tell.
func (q *question) askProgram(command, address string) (bool, error) {
	args := strings.Fields(command)
	if len(args) == 0 {
		return false, exit.Defer("no program in control/recipients", nil)
	}
	r, w, err := child.Pipe()
	if err != nil {
		return false, exit.Defer("unable to create pipe", err)
	}
	defer w.Close()
	program := child.Cmd{Args: args, Env: q.call.Env, Files: []*os.File{q.call.In(), q.call.Out(), q.call.Err(), r}}
	pid, err := program.StartFound()
	r.Close()
	if err != nil {
		return false, exit.Defer("unable to run "+args[0], err)
	}
	io.WriteString(w, address+"\x00\x00\x00") // it may well end without having read it
	w.Close()
	status, err := child.Wait(pid)
	if err != nil || status.Signaled() || status.ExitStatus() == exit.Temp {
		return false, exit.Defer(args[0]+" cannot tell", nil)
	}
	return status.ExitStatus() == exit.OK, nil
}
