package imapclient

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"

	"goqmail/lib/imap"
)

// Login logs in by LOGIN, with the password as a literal.
func (c *Client) Login(user, password string) error {
	tag := c.NewTag()
	size := "{" + strconv.Itoa(len(password)) + "}"
	if err := c.Send(tag+" LOGIN "+string(imap.AppendAstring(nil, user))+" "+size+"\r\n", ""); err != nil {
		return err
	}
	r, err := c.Read()
	for err == nil && r.Tag == "*" {
		r, err = c.Read()
	}
	if err != nil || r.Tag != "+" {
		return errors.Join(err, Error{r})
	}
	if err := c.Send(password+"\r\n", "<omitted>"); err != nil {
		return err
	}
	c.Forget()
	_, err = c.Finish(tag)
	return err
}

// Authenticate logs in by a SASL mechanism, with an initial response if the server
// takes one and initial is set.
func (c *Client) Authenticate(mechanism sasl.Client, initial bool) error {
	name, first, err := mechanism.Start()
	if err != nil {
		return err
	}
	line := "AUTHENTICATE " + name
	if first != nil && initial && c.Has("SASL-IR") {
		line += " " + encode(first)
		first = nil
	}
	tag := c.NewTag()
	if err := c.Send(tag+" "+line+"\r\n", ""); err != nil {
		return err
	}
	c.Forget()
	var failed error
	for {
		r, err := c.Read()
		switch {
		case err != nil:
			return err
		case r.Tag == tag && r.OK():
			return failed
		case r.Tag == tag:
			return errors.Join(failed, Error{r})
		case r.Tag != "+":
			continue
		}
		response := first
		if first = nil; response == nil && failed == nil {
			challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Text))
			if err == nil {
				response, err = mechanism.Next(challenge)
			}
			failed = err
		}
		text := "*" // cancels
		if failed == nil {
			text = base64.StdEncoding.EncodeToString(response)
		}
		if err := c.Send(text+"\r\n", ""); err != nil {
			return err
		}
	}
}

// encode writes an initial response; an empty one is "=".
func encode(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
