package main

import "strings"

// enable is ENABLE (RFC 9051 section 6.3.1): extensions that change what the server says
// unasked.
func (c *conn) enable() error {
	var names []string
	for first := true; first || !c.r.AtEnd(); first = false {
		c.r.Space()
		names = append(names, c.r.Keyword())
	}
	if err := c.args(); err != nil {
		return err
	}
	var enabled strings.Builder
	for _, name := range names {
		switch name {
		case "CONDSTORE":
			c.condstore = true
		case "QRESYNC":
			c.condstore, c.qresync = true, true
		case "UTF8=ACCEPT":
			c.utf8, c.r.UTF8 = true, true
		case "IMAP4REV2":
			c.rev2, c.r.UTF8 = true, true
			name = "IMAP4rev2"
		default:
			continue
		}
		enabled.WriteString(" " + name)
	}
	c.line("* ENABLED" + enabled.String())
	return nil
}
