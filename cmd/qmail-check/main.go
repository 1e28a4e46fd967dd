// Qmail-check looks for what is wrong with this mail system, and says what to do
// about it. It changes nothing.
//
//	qmail-check [ part ... ]
//
// The parts are control, files, accounts, queue, disk, alias, daemons, certificates, store
// and dns; without any, all are checked. It exits 0 if all is well, 1 if there are
// warnings, 2 if there are errors, 100 if it was called wrongly, and 111 if there is no
// system. See qmail-check(8).
package main

import (
	"bufio"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/extensions"
	"goqmail/lib/queue"
)

func main() { call.Main(run) }

// The exit codes, which are also those of plugins for Nagios.
const (
	someWarnings = 1
	someErrors   = 2
)

// part is what can be checked by itself.
type part struct {
	name  string
	check func(*checker)
}

func parts() []part {
	return []part{
		{"control", (*checker).control}, {"files", (*checker).files}, {"accounts", (*checker).accounts},
		{"queue", (*checker).queue}, {"disk", (*checker).disks}, {"alias", (*checker).alias}, {"daemons", (*checker).daemons},
		{"certificates", (*checker).certificates}, {"store", (*checker).store}, {"dns", (*checker).dns},
	}
}

func run(c *call.Call) int {
	wanted := c.Args[1:]
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			io.WriteString(c.Err(), "qmail-check: usage: qmail-check [ part ... ]\nqmail-check: parts: "+strings.Join(names, " ")+"\n")
			return exit.Perm
		}
	}
	if err := queue.ReachHome(); err != nil {
		return exit.Report(c.Err(), "qmail-check", exit.Defer("unable to look at "+auto.Home, err))
	}
	k := &checker{out: bufio.NewWriter(c.Out()), root: os.Geteuid() == 0, now: time.Now(), imapdConf: imapdConf, patience: dnsPatience}
	k.on, _ = extensions.Read() // which is checked with the others
	for _, p := range parts() {
		if len(wanted) == 0 || slices.Contains(wanted, p.name) {
			p.check(k)
			k.more()
		}
	}
	k.out.Flush()
	switch {
	case k.errors > 0:
		return someErrors
	case k.warnings > 0:
		return someWarnings
	}
	return exit.OK
}

// checker writes what it finds, a line for each:
//
//	error: WHERE: WHAT. Type: COMMAND
type checker struct {
	out              *bufio.Writer
	errors, warnings int
	root             bool
	now              time.Time
	on               extensions.Set
	imapdConf        string        // where imapd.conf is
	patience         time.Duration // for all questions to DNS

	told []told // of this part, where and how often
}

type told struct {
	kind, where string
	times       int
}

// most is how often something of the same kind is told of a place.
const most = 20

// wrong tells of what keeps mail from arriving, or lets in who should stay out. Without
// a command, remedy is "".
func (c *checker) wrong(where, what, remedy string) {
	c.errors++
	c.tell("error", where, what, remedy)
}

// doubt tells of what is most likely not meant.
func (c *checker) doubt(where, what, remedy string) {
	c.warnings++
	c.tell("warning", where, what, remedy)
}

// unseen tells of what could not be checked.
func (c *checker) unseen(where, why, remedy string) { c.tell("unseen", where, why, remedy) }

func (c *checker) tell(kind, where, what, remedy string) {
	i := slices.IndexFunc(c.told, func(t told) bool { return t.kind == kind && t.where == where })
	if i < 0 {
		i = len(c.told)
		c.told = append(c.told, told{kind: kind, where: where})
	}
	if c.told[i].times++; c.told[i].times > most {
		return
	}
	c.out.WriteString(kind + ": " + printable(where) + ": " + printable(what) + ".")
	if remedy != "" && printable(remedy) == remedy {
		c.out.WriteString(" Type: " + remedy)
	}
	c.out.WriteString("\n")
}

// more tells, at the end of a part, how much else there is of what was too much.
func (c *checker) more() {
	for _, t := range c.told {
		if t.times > most {
			c.out.WriteString(t.kind + ": " + printable(t.where) + ": and " + strconv.Itoa(t.times-most) + " more like these.\n")
		}
	}
	c.told = nil
}

// hidden tells that something needs more rights than this user has. Root has them
// all: then it is a fault.
func (c *checker) hidden(where string, err error) {
	if c.root {
		c.wrong(where, "cannot be read: "+text(err), "")
		return
	}
	c.unseen(where, text(err), "sudo "+auto.Home+"/bin/qmail-check")
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

// quoted is a word for the shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
