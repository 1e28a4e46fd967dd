package main

import (
	"errors"
	"time"

	"goqmail/lib/control"
	"goqmail/lib/exit"
	"goqmail/lib/spamd"
)

// config is what the control files say.
type config struct {
	me       string
	clamd    string // its address, "" for none
	spamd    string
	limit    time.Duration // that each of the two has
	accept   bool          // what they cannot tell of
	bytes    int64         // the longest message that is looked at, 0 for any
	spam     int64         // the same, for spam
	mark     bool          // rather than refuse, a virus
	reply    string        // to a virus, with % for its name
	maxScore string        // refuse spam from this score on, "" for never
	skip     rules
	skipSpam rules
}

// Debian's clamd listens here, and reads no more of a stream than that by default.
const (
	clamdSocket  = "/var/run/clamav/clamd.ctl"
	maxBytes     = 25 << 20
	maxSpamBytes = 512000 // spamc's
)

func readConfig() (c config, err error) {
	var policy, failure string
	line := func(into *string, name, missing string) {
		value, e := control.LineOr(name, missing)
		if *into = value; e != nil && err == nil {
			err = exit.Defer("unable to read control/"+name, e)
		}
	}
	number := func(name string, missing int) int64 {
		n, e := control.Int(name, missing)
		if e != nil && err == nil {
			err = exit.Defer("unable to read control/"+name, e)
		}
		return int64(max(n, 0))
	}
	list := func(into *rules, name string) {
		lines, _, e := control.Lines(name)
		if e == nil {
			*into, e = parseRules(lines)
		}
		if e != nil && err == nil {
			err = exit.Defer("unable to read control/"+name, e)
		}
	}
	line(&c.me, "me", "")
	line(&c.clamd, "clamd", clamdSocket)
	line(&c.spamd, "spamd", "")
	line(&failure, "scanfailure", "defer")
	line(&policy, "scanvirus", "refuse")
	line(&c.reply, "scanreply", "this message has a virus, %, and is refused (#5.7.1)")
	line(&c.maxScore, "spamscore", "")
	c.limit = time.Duration(number("scantimeout", 180)) * time.Second
	c.bytes = number("scanbytes", maxBytes)
	c.spam = number("spambytes", maxSpamBytes)
	list(&c.skip, "scanskip")
	list(&c.skipSpam, "spamskip")
	if err != nil {
		return c, err
	}

	// A slip of the pen must not leave the door open.
	c.accept, c.mark = failure == "accept", policy == "mark"
	_, isNumber := spamd.Number(c.maxScore)
	switch {
	case !c.accept && failure != "defer":
		err = errors.New("control/scanfailure is neither defer nor accept")
	case !c.mark && policy != "refuse":
		err = errors.New("control/scanvirus is neither refuse nor mark")
	case c.maxScore != "" && !isNumber:
		err = errors.New("control/spamscore is no number")
	}
	return c, err
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
