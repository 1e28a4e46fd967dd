package main

import (
	"fmt"

	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// getQuota is GETQUOTA (RFC 9208 section 4.1.2).
func (c *conn) getQuota() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	internal, err := c.space.Internal(name)
	if err != nil {
		return err
	}
	if !c.admin && !c.owns(internal) {
		if _, rights, err := c.entry(name); err != nil || !rights.Has(acl.Read) {
			return errDenied
		}
	}
	q, found, err := c.srv.store.QuotaRoot(internal)
	if err != nil {
		return err
	}
	if !found || q.Root != internal {
		return no("NONEXISTENT", "Quota root does not exist")
	}
	c.tellQuota(q)
	return nil
}

func (c *conn) tellQuota(q mailstore.Quota) {
	limits := ""
	if q.Limit >= 0 {
		limits = fmt.Sprintf("STORAGE %d %d", q.Used/1024, q.Limit)
	}
	c.line("* QUOTA " + c.named(q.Root) + " (" + limits + ")")
}

// getQuotaRoot is GETQUOTAROOT (section 4.1.3).
func (c *conn) getQuotaRoot() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	e, rights, err := c.entry(name)
	if err != nil {
		return err
	}
	if !c.admin && !rights.Has(acl.Read) {
		return errDenied
	}
	q, found, err := c.srv.store.QuotaRoot(e.Name)
	if err != nil {
		return err
	}
	if !found {
		c.line("* QUOTAROOT " + c.named(e.Name))
		return nil
	}
	c.line("* QUOTAROOT " + c.named(e.Name) + " " + c.named(q.Root))
	c.tellQuota(q)
	return nil
}

// maxQuota is the highest limit in kB: in bytes it is still a number of 63 bits.
const maxQuota = 1<<53 - 1

// setQuota is SETQUOTA (section 4.1.1), which is for administrators.
func (c *conn) setQuota() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	limit, known := int64(-1), true
	c.r.List(func() {
		resource := c.r.Keyword()
		c.r.Space()
		n := c.r.Number64()
		if n > maxQuota {
			c.r.Fail(imap.Syntax("Number too large"))
		}
		known = known && resource == "STORAGE"
		limit = int64(n)
	})
	if err := c.args(); err != nil {
		return err
	}
	root, err := c.space.Internal(name)
	if err != nil {
		return err
	}
	if !c.admin {
		return errDenied
	}
	if !known {
		return no("CANNOT", "Unsupported quota resource")
	}
	if all, err := c.srv.store.Below(root); err != nil || len(all) == 0 {
		if err == nil {
			err = mailstore.ErrNoMailbox
		}
		return err
	}
	if err := c.srv.store.SetQuota(root, limit); err != nil {
		return err
	}
	q, _, err := c.srv.store.QuotaRoot(root)
	if err != nil {
		return err
	}
	c.tellQuota(q)
	return nil
}

// warnOfQuota tells a user who has selected a mailbox, and may make room in it, that
// there is little left.
func (c *conn) warnOfQuota(e mailstore.Entry) error {
	if !c.sel.rights.Has(acl.DeleteMessages) {
		return nil
	}
	q, found, err := c.srv.store.QuotaRoot(e.Name)
	if err != nil || !found || q.Limit <= 0 {
		return err
	}
	conf := c.srv.settings()
	limit := q.Limit * 1024
	left := int64(conf.Int("quotawarnkb", 0)) * 1024
	switch used := float64(q.Used) / float64(limit) * 100; {
	case left > 0 && left < limit && limit-q.Used >= left:
	case used >= 100:
		c.line("* NO [ALERT] Mailbox is over quota")
	case used > float64(conf.Int("quotawarn", 90)):
		c.printf("* NO [ALERT] Mailbox is at %d%% of quota", int(used))
	}
	return nil
}
