package main

import (
	"runtime"
	"strings"

	"goqmail/lib/imap"
)

// id is ID (RFC 2971). What clients tell of themselves is for the log.
func (c *conn) id() error {
	c.r.Space()
	var told []string
	if c.r.Peek() == '(' {
		c.r.List(func() {
			name := c.r.String()
			c.r.Space()
			value, _ := c.r.Nstring()
			if len(told) < maxID {
				told = append(told, name+"="+value)
			}
		})
	} else if _, ok := c.r.Nstring(); ok {
		c.r.Fail(imap.Syntax("Invalid parameter list in Id"))
	}
	if err := c.args(); err != nil {
		return err
	}
	if len(told) > 0 {
		c.srv.note("client id of %s: %.500s", c.peer(), strings.Join(told, " "))
	}
	if c.srv.settings().Bool("imapidresponse", true) {
		c.line(`* ID ("name" "goqmail" "os" "` + runtime.GOOS + `")`)
	} else {
		c.line("* ID NIL")
	}
	return nil
}

// maxID is how many fields a client may tell (section 3.3).
const maxID = 30
