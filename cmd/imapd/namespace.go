package main

import "goqmail/lib/imap"

// namespace is NAMESPACE (RFC 9051 section 6.3.10): where the user's own mailboxes are,
// those of others, and those of nobody.
func (c *conn) namespace() error {
	if err := c.args(); err != nil {
		return err
	}
	s := c.space
	sep := string(s.Separator)
	own, users, shared := "INBOX"+sep, "user"+sep, ""
	if s.Alt {
		own, users, shared = "", s.Users+sep, s.Shared+sep
	}
	part := func(prefix string) string {
		return "((" + string(imap.AppendString(nil, prefix)) + ` "` + sep + `"))`
	}
	c.line("* NAMESPACE " + part(own) + " " + part(users) + " " + part(shared))
	return nil
}
