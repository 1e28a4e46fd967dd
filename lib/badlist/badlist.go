// Package badlist looks names and addresses up in lists of what is not wanted,
// such as control/badrcptto, whose lines are patterns as in the patch qregex.
//
// A line is an extended regular expression, found anywhere in a text, upper and
// lower case alike. With a ! before it, it lists what it does not match. A line
// that is the whole text or, with its @, the domain of it lists that in any case,
// as lists without patterns have it.
//
// Regular expressions are big, and most lines do without them: such are matched
// here, and for others qmail-badlist(8) is started, once. What the two say to
// each other is known here and in cmd/qmail-badlist alone: a request is the
// name of the list and the text, each with a NUL at its end. The answer is a
// line: + and what of the list has the text, or - if nothing does, or ! and what
// is wrong with a line of the list.
package badlist

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"sync"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/control"
)

// Names are the lists, and the only ones that qmail-badlist reads.
func Names() []string {
	return []string{
		"badhelo", "badhelonorelay", "badmailfrom", "badmailfromnorelay",
		"badrcptto", "badrcpttonorelay", "badmailto", "badmailtonorelay",
	}
}

// Lists are the lists, each read when it is first needed. Close them.
type Lists struct {
	Env    call.Env // for qmail-badlist
	Stderr *os.File
	Read   *Read // nil: nobody else's
	helper *helper
}

// Read is what was read of the lists, maybe for several Lists.
type Read struct {
	mu    sync.Mutex
	lists map[string][]string
}

// Find returns the line of a list that has the text. The error is one of
// reading the list, a bad line in it, or trouble with qmail-badlist. Without the
// file nothing is listed. A NUL ends the text.
func (l *Lists) Find(list, text string) (line string, found bool, err error) {
	if l.Read == nil {
		l.Read = new(Read)
	}
	lines, err := l.Read.lines(list)
	if err != nil {
		return "", false, err
	}
	text, _, _ = strings.Cut(text, "\x00")
	help := false
	for _, line := range lines {
		found, plain := Match(line, text)
		if found {
			return line, true, nil
		}
		help = help || !plain
	}
	if !help {
		return "", false, nil
	}
	if l.helper == nil {
		if l.helper, err = start(l.Env, l.Stderr); err != nil {
			return "", false, err
		}
	}
	return l.helper.find(list, text)
}

func (r *Read) lines(list string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if lines, ok := r.lists[list]; ok {
		return lines, nil
	}
	lines, _, err := control.Lines(list)
	if err != nil {
		return nil, errors.New("unable to read control/" + list + ": " + err.Error())
	}
	if r.lists == nil {
		r.lists = map[string][]string{}
	}
	r.lists[list] = lines
	return lines, nil
}

// Close ends qmail-badlist, if it was started.
func (l *Lists) Close() {
	if l.helper != nil {
		l.helper.close()
	}
}

// errHelper is the error when qmail-badlist does not answer.
var errHelper = errors.New("no answer from qmail-badlist")

// helper is a qmail-badlist.
type helper struct {
	pid     int
	asked   *os.File
	answers *os.File
	in      *bufio.Reader
}

func start(env call.Env, stderr *os.File) (*helper, error) {
	askedIn, askedOut, err := child.Pipe()
	if err != nil {
		return nil, err
	}
	defer askedIn.Close()
	answersIn, answersOut, err := child.Pipe()
	if err != nil {
		askedOut.Close()
		return nil, err
	}
	defer answersOut.Close()
	cmd := child.Cmd{
		Path: auto.Home + "/bin/qmail-badlist", Args: []string{"qmail-badlist"}, Env: env, Dir: auto.Home,
		Files: []*os.File{askedIn, answersOut, stderr}, Large: true,
	}
	pid, err := cmd.Start()
	if err != nil {
		askedOut.Close()
		answersIn.Close()
		return nil, errors.New("unable to start qmail-badlist")
	}
	return &helper{pid, askedOut, answersIn, bufio.NewReaderSize(answersIn, 512)}, nil
}

func (h *helper) find(list, text string) (string, bool, error) {
	if _, err := h.asked.WriteString(list + "\x00" + text + "\x00"); err != nil {
		return "", false, errHelper
	}
	answer, err := h.in.ReadString('\n')
	if err != nil {
		return "", false, errHelper
	}
	rest := strings.TrimSuffix(answer[1:], "\n")
	switch answer[0] {
	case '+':
		return rest, true, nil
	case '-':
		return "", false, nil
	case '!':
		return "", false, errors.New(rest)
	}
	return "", false, errHelper
}

func (h *helper) close() {
	h.asked.Close()
	h.answers.Close()
	child.Wait(h.pid)
}

// Match tells whether a line lists a text, as far as that can be told without
// regular expressions. Where it cannot, plain is false.
func Match(line, text string) (found, plain bool) {
	if ascii.Equal(line, text) {
		return true, true
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 && ascii.Equal(line, text[at:]) {
		return true, true
	}
	expression, negated := strings.CutPrefix(line, "!")
	p, plain := parse(expression)
	return plain && p.in(text) != negated, plain
}

// pattern is a regular expression without operators.
type pattern struct {
	bytes      []int // in lower case; any is any
	start, end bool  // it is the start, the end of a text
}

const anyByte = -1

func parse(expression string) (p pattern, ok bool) {
	expression, p.start = strings.CutPrefix(expression, "^")
	for i := 0; i < len(expression); i++ {
		c := expression[i]
		switch {
		case c == '.':
			p.bytes = append(p.bytes, anyByte)
			continue
		case c == '$' && i == len(expression)-1:
			p.end = true
			continue
		case c == '\\' && i+1 < len(expression) && strings.IndexByte(`.[](){}*+?|^$\-@/`, expression[i+1]) >= 0:
			i++
			c = expression[i]
		case c >= 0x80 || strings.IndexByte(`[](){}*+?|^$\`, c) >= 0:
			return p, false
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		p.bytes = append(p.bytes, int(c))
	}
	return p, true
}

// in tells whether the pattern is somewhere in a text.
func (p pattern) in(text string) bool {
	text = ascii.Lower(text)
	last := len(text) - len(p.bytes)
	first := 0
	if p.end {
		first = max(last, 0)
	}
	if p.start {
		last = min(last, 0)
	}
	for at := first; at <= last; at++ {
		if p.at(text[at:]) {
			return true
		}
	}
	return false
}

// at tells whether a text, which is not shorter, starts with the pattern.
func (p pattern) at(text string) bool {
	for i, c := range p.bytes {
		if c != anyByte && c != int(text[i]) {
			return false
		}
	}
	return true
}
