package smtp

import (
	"errors"
	"strings"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/databytes"
	"goqmail/lib/extensions"
	"goqmail/lib/rcpthosts"
)

// config is what control files and environment say at the start of a dialogue.
type config struct {
	greeting    string         // smtpgreeting: this host's name, and more
	localIPHost *string        // localiphost: what our own [address] means; nil: just that
	timeout     time.Duration  // timeoutsmtpd: for each wait for the client
	badMailFrom control.Set    // badmailfrom: senders, and @domains, not accepted
	tarpit      tarpit         // tarpitcount, tarpitdelay
	maxRcpt     int            // maxrcpt: most recipients of a message; below 0: any number
	mfCheck     mfCheck        // mfcheck
	rcptCheck   recipientCheck // programs to ask about recipients
	rcptHosts   *rcpthosts.Hosts
	relayClient *string // RELAYCLIENT: accept all recipients, and append this
	databytes   uint32  // most bytes of a message; 0: any number
	extensions  extensions.Set
	utf8        bool // smtputf8: addresses beyond ASCII, with everybody's knowledge (RFC 6531)
}

// readConfig reads control files, which are read once for each dialogue. The
// error wraps a hangUp; the config that comes with it is good for telling so.
func readConfig(env call.Env) (*config, error) {
	c := &config{timeout: 1200 * time.Second, rcptHosts: new(rcpthosts.Hosts)}
	if value, ok := env.Lookup("RELAYCLIENT"); ok {
		c.relayClient = &value
	}
	c.rcptCheck = readRecipientCheck(env)
	if err := c.readControls(env); err != nil {
		return c, errors.Join(hangUp(replyControls), err)
	}
	return c, nil
}

func (c *config) readControls(env call.Env) error {
	var err error
	if c.extensions, err = extensions.Read(); err != nil {
		return err
	}
	if c.utf8, err = c.extensions.UTF8(); err != nil {
		return err
	}
	me, haveMe, err := control.Line("me")
	if err != nil {
		return err
	}
	lineOrMe := func(name string) (string, bool, error) {
		line, ok, err := control.Line(name)
		if !ok && err == nil {
			line, ok = me, haveMe
		}
		return line, ok, err
	}
	greeting, ok, err := lineOrMe("smtpgreeting")
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("neither smtpgreeting nor me")
	}
	c.greeting = greeting
	localIPHost, ok, err := lineOrMe("localiphost")
	if err != nil {
		return err
	}
	if ok {
		localIPHost, _, _ = strings.Cut(localIPHost, "\x00")
		c.localIPHost = &localIPHost
	}
	seconds, err := control.Int("timeoutsmtpd", int(c.timeout/time.Second))
	if err != nil {
		return err
	}
	c.timeout = time.Duration(max(seconds, 1)) * time.Second
	if c.rcptHosts, err = rcpthosts.Open(); err != nil {
		return err
	}
	bad, _, err := control.Lines("badmailfrom")
	if err != nil {
		return err
	}
	c.badMailFrom = control.NewSet(bad)
	if c.tarpit, err = readTarpit(env); err != nil {
		return err
	}
	if c.maxRcpt, err = readMaxRcpt(env); err != nil {
		return err
	}
	if c.mfCheck, err = readMFCheck(env); err != nil {
		return err
	}
	c.databytes, err = databytes.Limit(env)
	return err
}

// Close gives up what the config holds open.
func (c *config) Close() { c.rcptHosts.Close() }
