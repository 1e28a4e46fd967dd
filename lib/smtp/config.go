package smtp

import (
	"errors"
	"strings"
	"time"

	"goqmail/lib/badlist"
	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/databytes"
	"goqmail/lib/extensions"
	"goqmail/lib/rcpthosts"
)

// config is what control files and environment say at the start of a dialogue.
type config struct {
	controls
	kept        bool           // the control files may be known to other dialogues as well
	rcptCheck   recipientCheck // programs to ask about recipients
	relayClient *string        // RELAYCLIENT: accept all recipients, and append this
}

// controls is what control files say, and then what the environment has for some
// of it instead.
type controls struct {
	greeting    string        // smtpgreeting: this host's name, and more
	localIPHost *string       // localiphost: what our own [address] means; nil: just that
	timeout     time.Duration // timeoutsmtpd: for each wait for the client
	badMailFrom control.Set   // badmailfrom: senders, and @domains, not accepted
	tarpit      tarpit        // tarpitcount, tarpitdelay
	maxRcpt     int           // maxrcpt: most recipients of a message; below 0: any number
	mfCheck     mfCheck       // mfcheck
	brtLimit    int           // brtlimit: hang up after so many bad recipients; 0: never
	rcptLists   bool          // there is something for qmail-rcptcheck to look at
	badLists    *badlist.Read // of what is not wanted; nil: nothing was read yet
	rcptHosts   *rcpthosts.Hosts
	databytes   uint32 // most bytes of a message; 0: any number
	extensions  extensions.Set
	utf8        bool // smtputf8: addresses beyond ASCII, with everybody's knowledge (RFC 6531)
}

// reader reads the control files. The controls that come with an error are good
// for telling so.
type reader func() (c *controls, kept bool, err error)

// readConfig is called once for each dialogue. Its error wraps a hangUp.
func readConfig(read reader, env call.Env) (*config, error) {
	controls, kept, err := read()
	c := &config{controls: *controls, kept: kept}
	c.heed(env)
	if err != nil {
		return c, errors.Join(hangUp(replyControls), err)
	}
	return c, nil
}

// heed has variables count before control files.
func (c *config) heed(env call.Env) {
	if value, ok := env.Lookup("RELAYCLIENT"); ok {
		c.relayClient = &value
	}
	c.rcptCheck = readRecipientCheck(env, c.rcptLists)
	c.tarpit.heed(env)
	c.mfCheck.heed(env)
	if _, ok := env.Lookup("DISABLE_MAXRCPT"); ok {
		c.maxRcpt = -1
	}
	if value, ok := env.Lookup("BRTLIMIT"); ok {
		c.brtLimit = leadingNumber(value)
	}
	c.databytes = databytes.Heed(env, c.databytes)
}

// readControls reads them for one dialogue.
func readControls() (c *controls, kept bool, err error) {
	c = &controls{timeout: 1200 * time.Second, rcptHosts: new(rcpthosts.Hosts)}
	err = c.read()
	return c, false, err
}

func (c *controls) read() error {
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
	if c.tarpit, err = readTarpit(); err != nil {
		return err
	}
	if c.maxRcpt, err = control.Int("maxrcpt", -1); err != nil {
		return err
	}
	level, err := control.Int("mfcheck", 0)
	if err != nil {
		return err
	}
	c.mfCheck = mfCheck(level)
	if c.brtLimit, err = control.Int("brtlimit", 0); err != nil {
		return err
	}
	c.rcptLists = listsRecipients()
	c.databytes, err = databytes.Read()
	return err
}

// Close gives up what the config alone holds open.
func (c *config) Close() {
	if !c.kept {
		c.rcptHosts.Close()
	}
}
