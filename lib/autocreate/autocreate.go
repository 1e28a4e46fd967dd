// Package autocreate makes the mailboxes of a user who has none yet, as imapd.conf(5)
// wishes: at login, or when the first message comes.
package autocreate

import (
	"errors"
	"strings"

	"goqmail/lib/acl"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
)

// Quota returns the quota in kB that new users get, 0 for none. on is false unless the
// configuration has mailboxes made without an administrator.
func Quota(conf imapconf.Conf) (kB int64, on bool) {
	n := conf.Int("autocreate_quota", conf.Int("autocreatequota", -1))
	return int64(max(n, 0)), n >= 0
}

// User makes the INBOX of a user and what else the configuration names, and has him
// subscribed to it. It is no error if there is an INBOX already.
func User(store *mailstore.Store, conf imapconf.Conf, space mboxname.Space) error {
	kB, on := Quota(conf)
	if !on || isIdentifier(space.User) {
		return mailstore.ErrNoMailbox
	}
	inbox := space.Inbox()
	list := acl.List{}.With(space.User, acl.All).String()
	err := store.Create(mailstore.Entry{Name: inbox, ACL: list})
	if errors.Is(err, mailstore.ErrExists) {
		return nil
	}
	if err != nil {
		return err
	}
	if kB > 0 {
		if err := store.SetQuota(inbox, kB); err != nil {
			return err
		}
	}
	errs := []error{store.Subscribe(space.User, inbox, true)}
	for _, name := range below(conf, space, "autocreate_inbox_folders") {
		errs = append(errs, store.Create(mailstore.Entry{Name: name, ACL: list}))
	}
	for _, name := range below(conf, space, "autocreate_subscribe_folders") {
		if _, err := store.Lookup(name); err == nil {
			errs = append(errs, store.Subscribe(space.User, name, true))
		}
	}
	return errors.Join(errs...)
}

// isIdentifier tells whether a name means others than one user in an access control list.
func isIdentifier(name string) bool {
	return name == "anyone" || name == "anonymous" || strings.HasPrefix(name, "-") || strings.Contains(name, ":")
}

// below returns the mailboxes below INBOX that a setting lists, as in "Sent | Drafts".
// A name that cannot be one is passed over.
func below(conf imapconf.Conf, space mboxname.Space, setting string) (names []string) {
	space.Alt = false
	for name := range strings.SplitSeq(conf.String(setting, ""), "|") {
		name = strings.TrimSpace(name)
		if internal, err := space.Internal("INBOX" + string(space.Separator) + name); err == nil && name != "" {
			names = append(names, internal)
		}
	}
	return names
}
