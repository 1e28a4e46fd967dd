package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/acl"
	"goqmail/lib/autocreate"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
	"goqmail/lib/sasl"
)

// peer is what is known of the connection.
func (c *session) peer() sasl.Peer { return sasl.PeerOf(c.net, c.tls, c.srv.tls) }

// userName is USER. It tells nothing about who there is.
func (c *session) userName(name string) {
	switch {
	case name == "":
		c.reply("-ERR Missing argument")
	case !c.conf.sasl.Plaintext(c.peer()):
		c.reply("-ERR [AUTH] USER command only available under a layer")
	default:
		c.name = name
		c.reply("+OK Name is a valid mailbox")
	}
}

// pass is PASS.
func (c *session) pass(password string) {
	if c.name == "" {
		c.reply("-ERR Must give USER command")
		return
	}
	name := c.name
	c.name = ""
	user, err := c.conf.sasl.Login(c.peer(), name, password)
	if err != nil {
		c.refuse(err, "Invalid login")
		return
	}
	c.begin(user)
}

// apop is APOP (RFC 1939 section 7).
func (c *session) apop(argument string) {
	i := strings.LastIndexByte(argument, ' ')
	switch {
	case c.challenge == "":
		c.reply("-ERR [AUTH] APOP command not supported")
	case i < 0:
		c.reply("-ERR Missing argument")
	default:
		user, err := c.conf.sasl.APOP(c.peer(), c.challenge, argument[:i], argument[i+1:])
		if err != nil {
			c.refuse(err, "authenticating: authentication failure")
			return
		}
		c.begin(user)
	}
}

// auth is AUTH (RFC 5034).
func (c *session) auth(argument string) error {
	mechanism, initial, given := strings.Cut(argument, " ")
	if mechanism == "" { // as clients asked before there was CAPA
		c.reply("+OK List of supported mechanisms follows")
		for _, name := range c.conf.sasl.Mechanisms(c.peer()) {
			c.reply(name)
		}
		c.reply(".")
		return nil
	}
	x, err := c.conf.sasl.Start(c.peer(), mechanism)
	if err != nil {
		c.refuse(err, "authenticating: no mechanism available")
		return nil
	}
	defer x.Close()
	var response []byte
	switch {
	case initial == "=":
		response = []byte{}
	case given:
		response, err = decode(initial)
	}
	for err == nil {
		var challenge []byte
		var done bool
		if challenge, done, err = x.Next(response); err != nil {
			c.refuse(err, "authenticating: "+err.Error())
			return nil
		}
		if done {
			c.begin(x.User())
			return nil
		}
		c.reply("+ " + base64.StdEncoding.EncodeToString(challenge))
		line, failed := c.line()
		if failed != nil {
			return failed
		}
		if line == "*" {
			c.reply("-ERR [AUTH] Client canceled authentication")
			return nil
		}
		response, err = decode(line)
	}
	c.reply("-ERR [AUTH] authenticating: bad protocol / cancel")
	return nil
}

// decode never returns nil without an error: a response may be empty.
func decode(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return append([]byte{}, b...), err
}

// refuse says that somebody has not logged in: why, or that it is no fault of his.
func (c *session) refuse(err error, why string) {
	var e *sasl.Error
	if errors.As(err, &e) && e.Temporary() {
		c.reply("-ERR [SYS/TEMP] " + e.Text)
		return
	}
	c.reply("-ERR [AUTH] " + why)
}

// apart is how far logins of a user must be apart.
func (c *session) apart() time.Duration {
	return time.Duration(max(c.conf.Int("popminpoll", 0), 0)) * time.Minute
}

// begin opens the maildrop of a user who has logged in.
func (c *session) begin(user string) {
	if apart := c.apart(); c.srv.tooSoon(user, apart) {
		plural := "s"
		if apart == time.Minute {
			plural = ""
		}
		c.reply(fmt.Sprintf("-ERR [LOGIN-DELAY] Logins must be at least %d minute%s apart", int(apart.Minutes()), plural))
		return
	}
	box, view, err := c.open(user)
	switch {
	case errors.Is(err, mailstore.ErrNoMailbox):
		c.reply("-ERR [SYS/PERM] Unable to open maildrop: Mailbox does not exist")
	case errors.Is(err, errDenied):
		c.reply("-ERR [SYS/PERM] Unable to open maildrop: Permission denied")
	case err != nil:
		c.srv.log("Unable to open maildrop of %s: %v", user, err)
		c.reply("-ERR [SYS/TEMP] Unable to open maildrop: System I/O error")
	default:
		c.srv.entered(c)
		c.user, c.box, c.view, c.gone = user, box, view, map[int]bool{}
		c.reply("+OK Mailbox locked and ready")
	}
}

var errDenied = errors.New("permission denied")

// rights are what the list of a mailbox gives a user, none if his groups cannot be told.
func (c *session) rights(user string, e mailstore.Entry) acl.Rights {
	members := account.Members{User: user, None: !c.conf.Bool("unix_group_enable", true)}
	rights := acl.ParseList(e.ACL).Of(user, members.In)
	if members.Err != nil {
		c.srv.log("groups of %s: %v", user, members.Err)
		return 0
	}
	return rights
}

// open opens the INBOX of a user, who may have to be made one.
func (c *session) open(user string) (*mailstore.Mailbox, *mailstore.View, error) {
	space := mboxname.Space{User: user, Separator: '.'}
	e, err := c.srv.store.Lookup(space.Inbox())
	if errors.Is(err, mailstore.ErrNoMailbox) {
		if err = autocreate.User(c.srv.store, c.conf.Conf, space); err == nil {
			e, err = c.srv.store.Lookup(space.Inbox())
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if !c.rights(user, e).Has(acl.Read) {
		return nil, nil, errDenied
	}
	box, err := c.srv.store.OpenMailbox(e.Name)
	if err != nil {
		return nil, nil, err
	}
	view, err := box.View()
	if err != nil {
		box.Close()
		return nil, nil, err
	}
	return box, view, nil
}
