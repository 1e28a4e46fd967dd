package main

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"goqmail/lib/sasl"
	"goqmail/lib/syslog"
)

// mechanisms are those by which the client may authenticate itself now.
func (c *conn) mechanisms() []string {
	switch {
	case c.authenticated:
		return nil
	case c.trusted:
		return []string{"EXTERNAL"}
	}
	return c.sasl.Mechanisms(c.peer())
}

// auth is AUTH (RFC 4954).
func (c *conn) auth(args string) error {
	mechanism, initial, hasInitial := strings.Cut(args, " ")
	known := slices.ContainsFunc(c.mechanisms(), func(name string) bool { return strings.EqualFold(name, mechanism) })
	switch {
	case c.authenticated:
		return c.mistake("503 5.5.0 already authenticated")
	case c.sender != nil:
		return c.mistake("503 5.5.0 AUTH not permitted now")
	case !known:
		return c.mistake("504 Unrecognized authentication type.")
	}
	var response []byte // nil: the client has sent none yet
	var err error
	if hasInitial {
		response, err = decode(initial)
	}
	if err == nil && c.trusted {
		err = c.postman(response)
	} else if err == nil {
		err = c.exchange(mechanism, response)
	}
	var denied refusal
	var failed *sasl.Error
	switch {
	case errors.As(err, &denied):
		return c.mistake("501 5.5.4 " + denied.Error())
	case errors.As(err, &failed):
		return c.mistake("501 5.5.4 " + failed.Text)
	case err != nil:
		return err
	}
	c.trusted, c.authenticated = true, true
	c.srv.trust(c.net)
	c.reply("235 Authenticated!")
	return nil
}

// refusal is why a client is not taken for whom it says, of all but the mechanism.
type refusal string

func (r refusal) Error() string { return string(r) }

// postman is EXTERNAL (RFC 4422 appendix A) for one who is trusted anyway: who can
// connect is the postman.
func (c *conn) postman(response []byte) (err error) {
	if response == nil {
		if response, err = c.challenge(nil); err != nil {
			return err
		}
	}
	if len(response) > 0 && string(response) != "postman" {
		return refusal("authentication failure")
	}
	return nil
}

// exchange has the client show who it is. Only lmtp_admins and admins hand in mail.
func (c *conn) exchange(mechanism string, response []byte) error {
	x, err := c.sasl.Start(c.peer(), mechanism)
	if err != nil {
		return err
	}
	defer x.Close()
	for {
		challenge, done, err := x.Next(response)
		if err != nil {
			return err
		}
		if done {
			break
		}
		if response, err = c.challenge(challenge); err != nil {
			return err
		}
	}
	conf := c.agent.Conf
	if !slices.Contains(conf.Words("lmtp_admins"), x.User()) && !slices.Contains(conf.Words("admins"), x.User()) {
		c.agent.Log(syslog.Notice, "%s is not one of lmtp_admins", x.User())
		return refusal("authorization failure")
	}
	return nil
}

// challenge sends a challenge and returns the response to it.
func (c *conn) challenge(text []byte) ([]byte, error) {
	c.reply("334 " + base64.StdEncoding.EncodeToString(text))
	if err := c.w.Flush(); err != nil {
		return nil, err
	}
	line, err := c.line()
	switch {
	case errors.Is(err, errTooLong):
		return nil, refusal("bad protocol / cancel")
	case err != nil:
		return nil, err
	case line == "*":
		return nil, refusal("client canceled authentication")
	}
	return decode(line)
}

// decode reads a response, which is never nil but with an error.
func decode(text string) ([]byte, error) {
	if text == "=" || text == "" {
		return []byte{}, nil
	}
	response, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, refusal("bad protocol / cancel")
	}
	return response, nil
}

// peer is what is known of the connection.
func (c *conn) peer() sasl.Peer { return sasl.PeerOf(c.net, c.tls, c.srv.tls) }
