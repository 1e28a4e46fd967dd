package main

// subscribe is SUBSCRIBE (RFC 9051 section 6.3.7).
func (c *conn) subscribe() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	e, _, err := c.entry(name)
	if err != nil {
		return err
	}
	return c.srv.store.Subscribe(c.user, e.Name, true)
}

// unsubscribe is UNSUBSCRIBE (section 6.3.8). The mailbox may be gone.
func (c *conn) unsubscribe() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	internal, err := c.space.Internal(name)
	if err != nil {
		return err
	}
	return c.srv.store.Subscribe(c.user, internal, false)
}

// oneMailbox reads the name of a mailbox that is a command's only argument.
func (c *conn) oneMailbox() (name string, err error) {
	c.r.Space()
	name = c.mailbox()
	return name, c.args()
}
