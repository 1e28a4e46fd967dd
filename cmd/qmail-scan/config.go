package main

import (
	"errors"
	"time"

	"goqmail/lib/control"
	"goqmail/lib/exit"
	"goqmail/lib/skip"
	"goqmail/lib/spamd"
)

// config is what the control files say.
type config struct {
	me, clamd, spamd string        // names and addresses; "" is none
	limit            time.Duration // for each of the two
	accept           bool          // what they cannot tell of
	bytes, spamBytes int64         // of the longest message that is looked at, 0 for any
	mark             bool          // viruses, rather than refuse them
	reply            string        // to a virus, with % for its name
	maxScore         string        // refuse spam from this score on, "" for never
	skip, skipSpam   skip.Rules
}

// Debian's clamd listens here.
const clamdSocket = "/var/run/clamav/clamd.ctl"

const (
	maxBytes     = 25 << 20 // of a stream, Debian's clamd takes no more
	maxSpamBytes = 512000   // as in spamc(1)
)

func readConfig() (*config, error) {
	var r reader
	c := &config{
		me:        r.line("me", ""),
		clamd:     r.line("clamd", clamdSocket),
		spamd:     r.line("spamd", ""),
		limit:     time.Duration(r.number("scantimeout", 180)) * time.Second,
		accept:    r.either("scanfailure", "defer", "accept"),
		bytes:     r.number("scanbytes", maxBytes),
		spamBytes: r.number("spambytes", maxSpamBytes),
		mark:      r.either("scanvirus", "refuse", "mark"),
		reply:     r.line("scanreply", "this message has a virus, %, and is refused (#5.7.1)"),
		maxScore:  r.line("spamscore", ""),
		skip:      r.rules("scanskip"),
		skipSpam:  r.rules("spamskip"),
	}
	if _, ok := spamd.Number(c.maxScore); !ok && c.maxScore != "" {
		r.keep("spamscore", errors.New("no number"))
	}
	return c, r.err
}

// fields are the names of header fields that only this program may write.
func (c *config) fields() (names []string) {
	if c.clamd != "" {
		names = append(names, "x-virus-scanned", "x-virus-status")
	}
	if c.spamd != "" {
		names = append(names, "x-spam-flag", "x-spam-level", "x-spam-score", "x-spam-status")
	}
	return names
}

// reader reads control files and keeps the first error. What is wrong in a file
// is an error: a slip of the pen must not leave the door open.
type reader struct{ err error }

func (r *reader) keep(name string, err error) {
	if err != nil && r.err == nil {
		r.err = exit.Defer("unable to use control/"+name, err)
	}
}

func (r *reader) line(name, missing string) string {
	line, err := control.LineOr(name, missing)
	r.keep(name, err)
	return line
}

func (r *reader) number(name string, missing int) int64 {
	n, err := control.Int(name, missing)
	r.keep(name, err)
	return int64(max(n, 0))
}

// either tells whether a file says yes, rather than no, which is the default.
func (r *reader) either(name, no, yes string) bool {
	line := r.line(name, no)
	if line != no && line != yes {
		r.keep(name, errors.New("neither "+no+" nor "+yes))
	}
	return line == yes
}

func (r *reader) rules(name string) skip.Rules {
	lines, _, err := control.Lines(name)
	r.keep(name, err)
	rules, err := skip.Parse(lines)
	r.keep(name, err)
	return rules
}
