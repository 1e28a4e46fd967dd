package delivery

import (
	"errors"
	"slices"
	"strings"

	"goqmail/lib/account"
	"goqmail/lib/acl"
	"goqmail/lib/ascii"
	"goqmail/lib/autocreate"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
)

// Recipient is somebody who can get a message.
type Recipient struct {
	mailbox string // where it goes
	inbox   string // where it goes if that is gone by then; the same for a shared one
}

// Recipient finds the mailbox of a recipient: user, user+detail or, for a shared
// mailbox, POSTUSER+mailbox, where postuser is empty unless imapd.conf says otherwise.
// The domain counts for users with virtdomains only, if it is none of this host's. sender is who sends, "" if that is not known: he needs the right to post, but anybody
// may send to an INBOX.
func (a *Agent) Recipient(local, domain, sender string, ignoreQuota bool) (r Recipient, err error) {
	user, detail, hasDetail := strings.Cut(local, "+")
	if a.Conf.Bool("lmtp_downcase_rcpt", false) || a.Conf.Bool("username_tolower", false) {
		user = ascii.Lower(user)
	}
	if user == a.Conf.String("postuser", "") {
		if !hasDetail {
			return r, ErrUnknown
		}
		r, err = a.shared(detail, sender)
	} else {
		if domain != "" && a.Conf.Virtual() && !a.own(domain) {
			user += "@" + ascii.Lower(domain)
		}
		r, err = a.personal(user, detail, sender)
	}
	if err == nil && !ignoreQuota {
		err = a.quota(r.mailbox)
	}
	return r, err
}

// own tells whether a domain is this host's.
func (a *Agent) own(domain string) bool {
	return slices.ContainsFunc(a.Conf.Realms(), func(name string) bool { return strings.EqualFold(name, domain) })
}

// space is what a user calls mailboxes in addresses: altnamespace is for IMAP alone.
func (a *Agent) space(user string) mboxname.Space {
	s := mboxname.Space{User: user, Separator: '.'}
	if a.Conf.Bool("unixhierarchysep", false) {
		s.Separator = '/'
	}
	return s
}

// shared is a mailbox that is named as a whole.
func (a *Agent) shared(name, sender string) (r Recipient, err error) {
	name, err = a.space("").Internal(name)
	if err != nil {
		return r, ErrUnknown
	}
	e, err := a.lookup(name)
	if err != nil {
		return r, err
	}
	rights, err := a.rights(e, sender)
	switch {
	case err != nil:
		return r, err
	case rights.Has(acl.Post):
		return Recipient{name, name}, nil
	case rights.Has(acl.Lookup):
		return r, ErrRight
	}
	return r, ErrUnknown
}

// personal is the mailbox of a user that detail names, if it is there and the sender may
// post to it, else his INBOX.
func (a *Agent) personal(user, detail, sender string) (r Recipient, err error) {
	space := a.space(user)
	inbox, err := space.Internal("INBOX")
	if err != nil || !isName(user) {
		return r, ErrUnknown
	}
	_, err = a.lookup(inbox)
	if errors.Is(err, ErrUnknown) && a.Conf.Bool("autocreate_post", false) {
		if err = autocreate.User(a.Store, a.Conf, space); errors.Is(err, mailstore.ErrNoMailbox) {
			err = ErrUnknown
		}
	}
	if err != nil {
		return r, err
	}
	r = Recipient{inbox, inbox}
	below, err := space.Internal("INBOX" + string(space.Separator) + detail)
	if err != nil { // no detail, or one that no mailbox can have
		return r, nil
	}
	e, err := a.lookup(below)
	if errors.Is(err, ErrUnknown) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	rights, err := a.rights(e, sender)
	if rights.Has(acl.Post) {
		r.mailbox = below
	}
	return r, err
}

// isName tells whether a user can be called so.
func isName(user string) bool {
	for i := range len(user) {
		if c := user[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`/%*"\^~+`, c) >= 0 {
			return false
		}
	}
	return user != "" && len(user) < 200 && user[0] != '.'
}

func (a *Agent) lookup(name string) (mailstore.Entry, error) {
	e, err := a.Store.Lookup(name)
	if errors.Is(err, mailstore.ErrNoMailbox) {
		err = ErrUnknown
	}
	return e, err
}

// rights is what a sender may do with a mailbox; one who has not said who he is is
// anonymous.
func (a *Agent) rights(e mailstore.Entry, sender string) (acl.Rights, error) {
	if sender == "" {
		sender = "anonymous"
	}
	members := account.Members{User: sender, None: !a.Conf.Bool("unix_group_enable", true)}
	rights := acl.ParseList(e.ACL).Of(sender, members.In)
	return rights, members.Err
}

// quota returns ErrQuota if no more fits into a mailbox. The size of the message does
// not count: what lies below the limit may go one message over it.
func (a *Agent) quota(mailbox string) error {
	q, ok, err := a.Store.QuotaRoot(mailbox)
	if err != nil || !ok || q.Limit < 0 || q.Used <= q.Limit<<10 {
		return err
	}
	return ErrQuota
}
