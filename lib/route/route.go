// Package route knows by which rules qmail-send sends recipients on: the control
// files envnoathost, percenthack, locals and virtualdomains; see qmail-send(8).
// It looks nobody up.
package route

import (
	"errors"
	"slices"
	"strings"

	"goqmail/lib/control"
)

// Table tells how recipients are delivered to. It is never changed, only
// replaced as a whole, so that many can use it side by side.
type Table struct {
	DefaultHost string      // for addresses without @
	Percenthack control.Set // hosts that mail may be routed through
	Locals      control.Set // hosts that are this one
	Virtual     control.Map // address, domain, .domain or nothing to prepend

	me    string // what locals are where there is no such file
	known bool   // there is a control/me
	only  string // the completed address that ReadFor is for; "" for all
}

// Route completes a recipient's address and tells whether it is local.
func (t *Table) Route(recipient string) (address string, local bool) {
	address = t.unhack(t.complete(recipient))
	at := strings.LastIndexByte(address, '@')
	if t.Locals.Has(address[at+1:]) {
		return address, true
	}
	if prepend, ok := t.virtualAt(address, at); ok {
		return prepend + "-" + address, true
	}
	return address, false
}

// complete adds the host that an address lacks.
func (t *Table) complete(address string) string {
	if strings.IndexByte(address, '@') < 0 {
		return address + "@" + t.DefaultHost
	}
	return address
}

// unhack turns user%fqdn@domain into user@fqdn as long as control/percenthack
// lists the domain.
func (t *Table) unhack(address string) string {
	at := strings.LastIndexByte(address, '@')
	for t.Percenthack.Has(address[at+1:]) {
		percent := strings.LastIndexByte(address[:at], '%')
		if percent < 0 {
			break
		}
		address = address[:percent] + "@" + address[percent+1:at]
		at = percent
	}
	return address
}

// virtualAt finds what to prepend to an address whose last @ is at the given
// place: first for the address itself, then for its domain, then for shorter
// and shorter ends of it that start with a dot, last for anything. ok is false if
// there is none, or an empty one, which makes an exception.
func (t *Table) virtualAt(address string, at int) (prepend string, ok bool) {
	if prepend, ok := t.Virtual.Get(address); ok {
		return prepend, prepend != ""
	}
	return t.virtualDomain(address[at+1:])
}

func (t *Table) virtualDomain(domain string) (prepend string, ok bool) {
	for i := 0; i <= len(domain); i++ {
		if i == 0 || i == len(domain) || domain[i] == '.' {
			if prepend, ok := t.Virtual.Get(domain[i:]); ok {
				return prepend, prepend != ""
			}
		}
	}
	return "", false
}

// Original takes off again what a virtual domain prepended to a recipient's
// address, so that bounces show what the sender wrote. The prepend of a single
// virtual address stays.
func (t *Table) Original(recipient string) string {
	at := strings.LastIndexByte(recipient, '@')
	if at < 0 {
		return recipient
	}
	if prepend, ok := t.virtualDomain(recipient[at+1:]); ok {
		if rest, ok := strings.CutPrefix(recipient, prepend+"-"); ok {
			return rest
		}
	}
	return recipient
}

// errNoLocals is the error where not even control/me says which host this is.
var errNoLocals = errors.New("neither control/locals nor control/me")

// Read reads the control files. A file that is there and cannot be read is an
// error, and so is not to know which mail is local.
func Read() (*Table, error) { return read(nil) }

// ReadFor is Read for a single recipient: of long files it keeps only what may
// concern that.
func ReadFor(recipient string) (*Table, error) { return read(&recipient) }

func read(recipient *string) (*Table, error) {
	t := &Table{DefaultHost: "envnoathost"}
	var err error
	if t.me, t.known, err = control.Line("me"); err != nil {
		return nil, err
	}
	if t.known {
		t.DefaultHost = t.me
	}
	if t.DefaultHost, err = control.LineOr("envnoathost", t.DefaultHost); err != nil {
		return nil, err
	}
	percenthack, _, err := control.Lines("percenthack")
	if err != nil {
		return nil, err
	}
	t.Percenthack = control.NewSet(percenthack)
	if recipient != nil {
		t.only = t.unhack(t.complete(*recipient))
	}
	if err := t.readLocals(); err != nil {
		return nil, err
	}
	if err := t.readVirtual(); err != nil {
		return nil, err
	}
	return t, nil
}

// Reread returns a table with locals and virtualdomains read again, or the
// name of the one that cannot be.
func (t *Table) Reread() (again *Table, unread string) {
	table := *t
	if table.readLocals() != nil {
		return nil, "locals"
	}
	if table.readVirtual() != nil {
		return nil, "virtualdomains"
	}
	return &table, ""
}

func (t *Table) readLocals() error {
	lines, ok, err := control.Lines("locals")
	if err != nil {
		return err
	}
	if !ok {
		if !t.known {
			return errNoLocals
		}
		lines = strings.Split(t.me, "\x00")
	}
	t.Locals = control.NewSet(t.concerning(lines, ""))
	return nil
}

func (t *Table) readVirtual() error {
	lines, _, err := control.Lines("virtualdomains")
	t.Virtual = control.NewMap(t.concerning(lines, ":"))
	return err
}

// concerning keeps the lines that have, up to end if that is not "", something
// the address ends with.
func (t *Table) concerning(lines []string, end string) []string {
	if t.only == "" {
		return lines
	}
	return slices.DeleteFunc(lines, func(line string) bool {
		if end != "" {
			line, _, _ = strings.Cut(line, end)
		}
		at := len(t.only) - len(line)
		return at < 0 || !strings.EqualFold(t.only[at:], line)
	})
}
