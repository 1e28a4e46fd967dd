// Package dnsbl asks whether a client is in lists of hosts that are told by DNS,
// as rblsmtpd does in front of qmail-smtpd. DNS is big: qmail-dnsbl(8) asks.
//
// What it answers is known here and in cmd/qmail-dnsbl alone: one line, which is
// what a Verdict prints.
package dnsbl

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
)

// Result is what comes of all lists.
type Result string

const (
	Pass   Result = "pass"   // in no list
	Ignore Result = "ignore" // in one that is only logged
	Accept Result = "accept" // in one of good hosts
	Delay  Result = "delay"  // refused for now
	Reject Result = "reject" // refused
)

// Verdict is the result, the zone that it is from, and, for Delay and Reject,
// the text for the client. Zone has no blanks, and neither has control bytes.
type Verdict struct {
	Result Result
	Zone   string
	Text   string
}

// String is the verdict in one line.
func (v Verdict) String() string { return string(v.Result) + " " + v.Zone + " " + v.Text }

// Parse reads a verdict from what String says.
func Parse(line string) (v Verdict, ok bool) {
	fields := strings.SplitN(line, " ", 3)
	if len(fields) < 3 {
		return v, false
	}
	v = Verdict{Result(fields[0]), fields[1], fields[2]}
	switch v.Result {
	case Pass, Ignore, Accept, Delay, Reject:
		return v, true
	}
	return Verdict{}, false
}

// Path is the list of lists: control/dnsbllist, or what DNSBLLIST names.
func Path(env call.Env) string {
	path, ok := env.Lookup("DNSBLLIST")
	switch {
	case !ok:
		path = "control/dnsbllist"
	case strings.HasPrefix(path, "/"):
		return path
	}
	return auto.Home + "/" + path
}

// Configured tells whether there is such a list, of whatever kind.
func Configured(env call.Env) bool {
	var st syscall.Stat_t
	return syscall.Stat(Path(env), &st) != syscall.ENOENT
}

// FromEnv is what RBLSMTPD says of the client, in the way of rblsmtpd: nothing to
// accept, a text to delay, and - with a text to reject.
func FromEnv(env call.Env) (v Verdict, ok bool) {
	value, ok := env.Lookup("RBLSMTPD")
	v = Verdict{Zone: "RBLSMTPD"}
	text, reject := strings.CutPrefix(value, "-")
	switch {
	case value == "":
		v.Result = Accept
	case reject:
		v.Result, v.Text = Reject, Line(text)
	default:
		v.Result, v.Text = Delay, Line(text)
	}
	return v, ok
}

// maxText is how long a text for a client may be.
const maxText = 500

// Line makes a text fit for a reply.
func Line(text string) string {
	b := []byte(text[:min(len(text), maxText)])
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// Ask has qmail-dnsbl ask about a client's address. It tells stderr of each
// question.
func Ask(address string, env call.Env, stderr *os.File) (Verdict, error) {
	in, out, err := child.Pipe()
	if err != nil {
		return Verdict{}, err
	}
	defer in.Close()
	defer out.Close()
	cmd := child.Cmd{
		Path: auto.Home + "/bin/qmail-dnsbl", Args: []string{"qmail-dnsbl", address}, Env: env, Dir: auto.Home,
		Files: []*os.File{nil, out, stderr}, Large: true,
	}
	pid, err := cmd.Start()
	if err != nil {
		return Verdict{}, errors.New("unable to start qmail-dnsbl")
	}
	out.Close()
	line, err := bufio.NewReaderSize(in, 1024).ReadString('\n')
	in.Close()
	child.Wait(pid)
	v, ok := Parse(strings.TrimSuffix(line, "\n"))
	if err != nil || !ok {
		return Verdict{}, errors.New("no answer from qmail-dnsbl")
	}
	return v, nil
}
