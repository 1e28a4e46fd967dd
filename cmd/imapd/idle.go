package main

import (
	"strings"

	"goqmail/lib/imap"
)

// idle is IDLE (RFC 9051 section 6.3.13): what happens in the selected mailbox is told at
// once, until the client says DONE.
func (c *conn) idle() error {
	if err := c.args(); err != nil {
		return err
	}
	if c.sel != nil && c.sel.watch == nil {
		watch, err := c.sel.box.Watch()
		if err != nil {
			return err
		}
		c.sel.watch = watch
	}
	c.line("+ idling")
	if err := c.flush(); err != nil {
		return err
	}
	end, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		err := errBye
		defer func() { ended <- err }()
		defer c.survive()
		err = c.tell(end)
	}()
	c.r.Start() // the client is read here, so that it is told meanwhile
	word := c.r.Keyword()
	c.r.End()
	close(end)
	if err := <-ended; err != nil {
		c.r.Fail(err)
	}
	if c.r.Err() == nil && !strings.EqualFold(word, "DONE") {
		return imap.Syntax("Expected DONE")
	}
	return nil
}

// tell tells what happens until end is closed. If that cannot be, the client is read no
// more.
func (c *conn) tell(end chan struct{}) error {
	if c.sel == nil {
		return nil
	}
	for {
		err := c.sync(true)
		if err == nil {
			err = c.flush()
		}
		if err != nil {
			c.stop()
			return err
		}
		select {
		case <-c.sel.watch.C:
		case <-end:
			return nil
		}
	}
}
