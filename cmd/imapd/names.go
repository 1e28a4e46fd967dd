package main

import (
	"strings"
	"unicode/utf8"

	"goqmail/lib/imap"
	"goqmail/lib/mboxname"
)

// mailbox reads the name of a mailbox, which clients write in modified UTF-7, or in
// UTF-8 if they have said so. It is returned in modified UTF-7.
func (c *conn) mailbox() string { return c.encoded(c.r.Astring()) }

// encoded is a name as the client has it in modified UTF-7.
func (c *conn) encoded(name string) string {
	if !c.r.UTF8 {
		if !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return name
		}
		// Some clients write UTF-8 because IMAP4rev2 could be enabled, with & as it was.
		name = strings.ReplaceAll(name, "&-", "&")
	}
	name, err := mboxname.Encode(name)
	if err != nil {
		c.r.Fail(imap.Syntax("Invalid UTF-8 in the name of a mailbox"))
	}
	return name
}

// named writes the name of a mailbox of the store as the client is to read it.
func (c *conn) named(internal string) string { return c.written(c.space.External(internal)) }

// written writes a name that is in modified UTF-7.
func (c *conn) written(name string) string {
	if shown := c.shown(name); shown != name {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(shown) + `"`
	}
	return string(imap.AppendAstring(nil, name))
}

// shown is a name as the client has it. One that is not well-formed stays as it is.
func (c *conn) shown(name string) string {
	if c.r.UTF8 {
		if decoded, err := mboxname.Decode(name); err == nil {
			return decoded
		}
	}
	return name
}
