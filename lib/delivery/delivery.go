// Package delivery puts messages into the mailboxes of their recipients: it finds the
// mailboxes, checks rights and quotas, and checks and completes the messages. lmtpd is
// its one user; the words of LMTP are there.
package delivery

import (
	"errors"
	"os"
	"sync"
	"time"

	"goqmail/lib/duplicates"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/syslog"
)

// Why a message is not delivered. Any other error is trouble that may pass.
var (
	ErrUnknown  = errors.New("mailbox does not exist")
	ErrRight    = errors.New("permission denied")
	ErrQuota    = errors.New("over quota")
	ErrNUL      = errors.New("message contains NUL characters")
	ErrHeader   = errors.New("message contains invalid header")
	Err8Bit     = errors.New("message contains non-ASCII characters in headers")
	ErrTooLarge = errors.New("message is too large")
)

// Agent delivers into a store. Many goroutines may use it.
type Agent struct {
	Store    *mailstore.Store
	Conf     imapconf.Conf
	Name     string // of this host
	Software string // what Received calls this program
	Log      Log    // of what was done

	// Careful has it look into the mailbox as well before it delivers: another may have
	// delivered the message and come to grief before it could note that.
	Careful bool

	seen   *duplicates.DB // nil: duplicates are not suppressed
	flying *flying
}

// Log takes a line for the log.
type Log func(level syslog.Level, format string, args ...any)

// Open opens the store that a configuration names.
func Open(conf imapconf.Conf, log Log) (*Agent, error) {
	if err := conf.Check(); err != nil {
		return nil, err
	}
	dir := conf.String("configdirectory", "")
	store, err := mailstore.Open(mailstore.LayoutOf(conf))
	if err != nil {
		return nil, err
	}
	a := &Agent{Store: store, Conf: conf, Name: conf.String("servername", ""), Software: "goqmail", Log: log, flying: new(flying)}
	if a.Name == "" {
		a.Name, _ = os.Hostname()
	}
	if conf.Bool("duplicatesuppression", true) {
		if a.seen, err = duplicates.Open(dir); err != nil { // second copies are better than no mail
			log(syslog.Error, "dupelim: %v", err)
		}
	}
	return a, nil
}

// With returns an agent of the same store with another configuration.
func (a *Agent) With(conf imapconf.Conf) *Agent {
	changed := *a
	changed.Conf = conf
	return &changed
}

// Close closes the store.
func (a *Agent) Close() error {
	if a.seen != nil {
		a.seen.Close()
	}
	return a.Store.Close()
}

// Deliver puts a message that is finished into the mailboxes of its recipients. Each
// gets an error of his own, nil once the message is durable in his mailbox, or was there.
func (a *Agent) Deliver(m *Message, to []Recipient) []error {
	errs := make([]error, len(to))
	var all sync.WaitGroup
	few := make(chan bool, atOnce)
	for i, r := range to {
		few <- true
		all.Go(func() {
			errs[i] = a.deliver(m, r)
			<-few
		})
	}
	all.Wait()
	return errs
}

// atOnce is how many recipients of one message are served at the same time: their
// trees are synced each by itself.
const atOnce = 8

func (a *Agent) deliver(m *Message, r Recipient) error {
	err := a.put(m, r.mailbox)
	if errors.Is(err, mailstore.ErrNoMailbox) && r.inbox != r.mailbox { // deleted meanwhile
		err = a.put(m, r.inbox)
	}
	if errors.Is(err, mailstore.ErrNoMailbox) {
		return ErrUnknown
	}
	if err != nil {
		a.Log(syslog.Error, "error: %s to mailbox %s: %v", m.ID, r.mailbox, err)
	}
	return err
}

// put puts a message into a mailbox, unless it is there already.
func (a *Agent) put(m *Message, mailbox string) error {
	if a.seen == nil {
		return a.append(m, mailbox)
	}
	// Two copies that come at the same time must not both look first.
	defer a.flying.enter(m.key, mailbox)()
	switch seen, err := a.seen.Seen(m.key, mailbox); {
	case err != nil:
		a.Log(syslog.Error, "dupelim: %v", err)
	case seen || a.Careful && a.isThere(m, mailbox):
		a.Log(syslog.Notice, "dupelim: eliminated duplicate message to %s id %s", mailbox, m.ID)
		return nil
	}
	if err := a.append(m, mailbox); err != nil {
		return err
	}
	if err := a.seen.Mark(m.key, mailbox, time.Now()); err != nil {
		a.Log(syslog.Error, "dupelim: %v", err)
	}
	return nil
}

func (a *Agent) append(m *Message, mailbox string) error {
	box, err := a.Store.OpenMailbox(mailbox)
	if err != nil {
		return err
	}
	defer box.Close()
	_, err = box.Append(mailstore.Incoming{Path: m.staged.Path, Size: m.staged.Size, Digest: m.staged.Digest, Date: time.Now().Unix()})
	if err == nil {
		a.Log(syslog.Notice, "Delivered: %s to mailbox: %s", m.ID, mailbox)
	}
	return err
}

// flying is the deliveries under way, each with a channel that is closed at its end.
type flying struct{ under sync.Map }

type flight struct {
	key     duplicates.ID
	mailbox string
}

// enter waits until no other delivery of a message to a mailbox is under way; leave
// ends the caller's.
func (f *flying) enter(key duplicates.ID, mailbox string) (leave func()) {
	own := make(chan bool)
	for key != (duplicates.ID{}) {
		other, busy := f.under.LoadOrStore(flight{key, mailbox}, own)
		if !busy {
			return func() {
				f.under.Delete(flight{key, mailbox})
				close(own)
			}
		}
		<-other.(chan bool)
	}
	return func() {}
}
