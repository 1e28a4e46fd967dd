package main

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/extensions"
	"goqmail/lib/outgoingip"
)

// config is what the control files say.
type config struct {
	helo           string        // helohost: what we call ourselves
	connectTimeout time.Duration // timeoutconnect
	timeout        time.Duration // timeoutremote: for each wait for the other host
	routes         control.Map   // smtproutes
	senders        control.Map   // authsenders
	source         outgoingip.Source
	extensions     extensions.Set
	utf8           bool // smtputf8
}

// controls are the control files that there are of those which a config is made
// of.
func controls() []string {
	return slices.DeleteFunc([]string{
		"me", "timeoutremote", "timeoutconnect", "helohost", "smtproutes", "authsenders", "extensions", "smtputf8", "outgoingip",
	}, func(name string) bool { return !control.Named(name) })
}

// readConfig reads the files, unless a process that keeps what they say knows that
// none has changed.
func (p *process) readConfig() (*config, verdict) {
	if p.controls == nil {
		return readConfig()
	}
	c, _, err := p.controls.Get(func() (*config, error) {
		c, v := readConfig()
		if v != "" {
			return nil, errors.New(string(v))
		}
		return c, nil
	})
	if err != nil {
		return nil, verdict(err.Error())
	}
	return c, ""
}

func readConfig() (*config, verdict) {
	const executable = 1 // X_OK
	if syscall.Access(auto.Home+"/.", executable) != nil {
		return nil, noHome
	}
	me, haveMe, err := control.Line("me")
	if err != nil {
		return nil, noControls
	}
	timeout, err := control.Int("timeoutremote", 1200)
	if err != nil {
		return nil, noControls
	}
	connectTimeout, err := control.Int("timeoutconnect", 60)
	if err != nil {
		return nil, noControls
	}
	helo, haveHelo, err := control.Line("helohost")
	if err != nil || !haveHelo && !haveMe {
		return nil, noControls
	}
	if !haveHelo {
		helo = me
	}
	routes, _, err := control.Lines("smtproutes")
	if err != nil {
		return nil, noControls
	}
	senders, _, err := control.Lines("authsenders")
	if err != nil {
		return nil, noControls
	}
	wanted, err := extensions.Read()
	var unknown extensions.Unknown
	if errors.As(err, &unknown) {
		return nil, verdict("Z" + reason(unknown) + ". (#4.3.0)\n")
	}
	if err != nil {
		return nil, noControls
	}
	utf8, err := wanted.UTF8()
	if err != nil {
		return nil, noControls
	}
	source, err := outgoingip.Read()
	if errors.Is(err, outgoingip.ErrInvalid) {
		return nil, badSource
	}
	if err != nil {
		return nil, noControls
	}
	return &config{
		source:         source,
		helo:           helo,
		connectTimeout: time.Duration(connectTimeout) * time.Second,
		timeout:        time.Duration(timeout) * time.Second,
		routes:         control.NewMap(routes),
		senders:        control.NewMap(senders),
		extensions:     wanted,
		utf8:           utf8,
	}, ""
}
