package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"goqmail/lib/delivery"
)

// lhlo is LHLO (RFC 2033 section 4.1).
func (c *conn) lhlo(name string) {
	c.reset()
	c.helo = name
	c.reply("250-" + c.agent.Name)
	c.reply("250-8BITMIME")
	c.reply("250-ENHANCEDSTATUSCODES")
	c.reply("250-PIPELINING")
	if max := c.agent.Conf.Int("maxmessagesize", 0); max > 0 {
		c.reply("250-SIZE " + strconv.Itoa(max))
	} else {
		c.reply("250-SIZE")
	}
	if c.secure() && c.tls == nil {
		c.reply("250-STARTTLS")
	}
	if names := c.mechanisms(); len(names) > 0 {
		c.reply("250-AUTH " + strings.Join(names, " "))
	}
	c.reply("250 IGNOREQUOTA")
}

// mail is MAIL, with AUTH= (RFC 4954), BODY= and SIZE=.
func (c *conn) mail(args string) error {
	switch {
	case !c.trusted:
		return c.mistake("530 Authentication required")
	case c.sender != nil:
		return c.mistake("503 5.5.1 Nested MAIL command")
	}
	a, params, ok := cutPath(args, "FROM:")
	if !ok {
		return c.mistake("501 5.5.4 Syntax error in parameters")
	}
	user := ""
	for _, param := range params {
		name, value, _ := strings.Cut(param, "=")
		switch strings.ToUpper(name) {
		case "AUTH":
			user = authUser(value)
		case "BODY":
			if !strings.EqualFold(value, "7BIT") && !strings.EqualFold(value, "8BITMIME") {
				return c.mistake("501 5.5.4 Unrecognized BODY type")
			}
		case "SIZE":
			size, err := strconv.ParseUint(value, 10, 64)
			if errors.Is(err, strconv.ErrSyntax) {
				return c.mistake("501 5.5.2 SIZE requires a value")
			}
			if max := c.maxSize(); err != nil || size > uint64(max) {
				c.reply("552 5.2.3 Message SIZE exceeds fixed maximum message size (" + strconv.FormatInt(max, 10) + ")")
				return nil
			}
		default:
			return c.mistake("501 5.5.4 Unrecognized parameters")
		}
	}
	c.sender, c.user = &a.text, user
	c.reply("250 2.1.0 ok")
	return nil
}

func (c *conn) maxSize() int64 { return c.agent.Conf.MaxMessage() }

// maxRecipients is how many recipients a message may have here. Those that are too
// many are for another transaction (RFC 5321 section 4.5.3.1.10).
const maxRecipients = 5000

// rcpt is RCPT.
func (c *conn) rcpt(args string) error {
	if c.sender == nil {
		return c.mistake("503 5.5.1 Need MAIL command")
	}
	a, params, ok := cutPath(args, "TO:")
	if !ok {
		return c.mistake("501 5.5.4 Syntax error in parameters")
	}
	ignoreQuota := false
	for _, param := range params {
		if !strings.EqualFold(param, "IGNOREQUOTA") {
			return c.mistake("501 5.5.4 Unrecognized parameters")
		}
		ignoreQuota = true
	}
	if len(c.to) == maxRecipients {
		c.reply("452 4.5.3 Too many recipients")
		return nil
	}
	r, err := c.agent.Recipient(a.local, a.domain, c.user, ignoreQuota)
	if err != nil {
		if !isRefusal(err) {
			c.srv.trouble(fmt.Errorf("recipient %s: %w", a.local, err))
		}
		c.reply(c.answer(err))
		return nil
	}
	c.to = append(c.to, r)
	c.reply("250 2.1.5 ok")
	return nil
}

// data is DATA: a reply for each recipient follows the message (RFC 2033 section 4.2).
func (c *conn) data() error {
	if len(c.to) == 0 {
		return c.mistake("503 5.5.1 No recipients")
	}
	defer c.reset()
	with := "LMTPA" // RFC 3848
	if c.tls != nil {
		with = "LMTPSA"
	}
	m, err := c.agent.Begin(delivery.Envelope{Sender: *c.sender, Helo: c.helo, Client: c.client, User: c.user, With: with})
	if err != nil {
		c.srv.trouble(err)
		c.reply(cannotCreate(err))
		return nil
	}
	defer m.Remove()
	c.reply("354 go ahead")
	if err := c.w.Flush(); err != nil {
		return err
	}
	if err := copyData(m, c.r); err != nil {
		return err
	}
	if err := m.Finish(); err != nil {
		if !isRefusal(err) {
			c.srv.trouble(err)
		}
		for range c.to {
			c.reply(c.answer(err))
		}
		return nil
	}
	for _, err := range c.agent.Deliver(m, c.to) {
		c.reply(c.answer(err))
	}
	// Now, whatever else the client has sent: he may wait for it, and what follows may
	// end the connection.
	return c.w.Flush()
}
