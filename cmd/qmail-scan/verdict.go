package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"goqmail/lib/clamd"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/socket"
	"goqmail/lib/spamd"
)

// verdict is what is known of a message, and to be done with it.
type verdict struct {
	me        string
	skipped   bool   // by a rule
	virus     string // its name
	scanned   bool   // for viruses, and so none is none
	unscanned string // why not, "" where nobody wanted it
	spam      *spamd.Report
	refusal   error // an exit.Error; nil: it passes
}

// judge has a message scanned. What stands between it and its verdict is told to
// the log.
func (c *config) judge(m *message, e *envelope, log *logger) *verdict {
	v := &verdict{me: c.me}
	if e.isIn(c.skip) {
		v.skipped = true
		return v
	}
	if c.clamd != "" {
		c.scan(v, m, log)
	}
	if v.refusal == nil && c.spamd != "" && (c.spamBytes == 0 || m.size <= c.spamBytes) && !e.isIn(c.skipSpam) {
		c.check(v, m, log)
	}
	return v
}

// scan looks for viruses.
func (c *config) scan(v *verdict, m *message, log *logger) {
	if c.bytes != 0 && m.size > c.bytes {
		v.unscanned = "too big"
		return
	}
	err := c.ask(c.clamd, func(conn *os.File) (err error) {
		v.virus, err = clamd.Scan(conn, m.reader())
		return err
	})
	switch {
	case err == clamd.ErrTooBig:
		v.unscanned = "too big"
	case err != nil:
		log.warn("clamd at " + c.clamd + ": " + reason(err))
		v.unscanned = "no answer"
		if !c.accept {
			v.refusal = exit.Defer("unable to look for viruses (#4.3.0)", nil)
		}
	default:
		v.scanned = true
		if v.virus != "" && !c.mark {
			v.refusal = exit.Reject(strings.ReplaceAll(c.reply, "%", word(v.virus)), nil)
		}
	}
}

// check looks for spam.
func (c *config) check(v *verdict, m *message, log *logger) {
	err := c.ask(c.spamd, func(conn *os.File) error {
		report, err := spamd.Check(conn, m.reader(), m.size)
		if err == nil {
			v.spam = &report
		}
		return err
	})
	if err != nil {
		log.warn("spamd at " + c.spamd + ": " + reason(err))
		if !c.accept {
			v.refusal = exit.Defer("unable to look for spam (#4.3.0)", nil)
		}
		return
	}
	limit, isLimit := spamd.Number(c.maxScore)
	if v.spam.Spam && isLimit && v.spam.Value() >= limit {
		v.refusal = exit.Reject("this message looks like spam and is refused (#5.7.1)", nil)
	}
}

// ask has a dialogue with a daemon, which must end in time.
func (c *config) ask(address string, dialogue func(*os.File) error) error {
	end := time.Now().Add(c.limit)
	conn, err := socket.Dial(address, c.limit)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(end); err != nil {
		return err
	}
	return dialogue(conn)
}

// header gives the fields that tell a recipient of the verdict.
func (v *verdict) header() string {
	var h strings.Builder
	if v.scanned {
		h.WriteString("X-Virus-Scanned: qmail-scan at " + word(v.me) + "\n")
	}
	switch {
	case v.unscanned != "":
		h.WriteString("X-Virus-Status: Unscanned (" + v.unscanned + ")\n")
	case v.virus != "":
		h.WriteString("X-Virus-Status: Infected (" + word(v.virus) + ")\n")
	case v.scanned:
		h.WriteString("X-Virus-Status: Clean\n")
	}
	if v.spam != nil {
		answer := "No"
		if v.spam.Spam {
			h.WriteString("X-Spam-Flag: YES\n")
			answer = "Yes"
		}
		h.WriteString("X-Spam-Score: " + v.spam.Score + "\n" +
			"X-Spam-Status: " + answer + ", score=" + v.spam.Score + " required=" + v.spam.Required + "\n\ttests=" + fold(v.spam.Tests) + "\n")
	}
	return h.String()
}

// maxTests is how much of the tests is told, so that the header has room.
const maxTests = 4000

// fold breaks the lines of a list of tests.
func fold(tests string) string {
	if tests == "" {
		return "none"
	}
	var b strings.Builder
	width := len("\ttests=")
	for i, test := range strings.SplitAfter(tests[:min(len(tests), maxTests)], ",") {
		if i > 0 && width+len(test) > 76 {
			b.WriteString("\n\t")
			width = 0
		}
		b.WriteString(test)
		width += len(test)
	}
	return b.String()
}

// reason is an error in qmail's words.
func reason(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "timed out"
	}
	return errno.Text(err)
}
