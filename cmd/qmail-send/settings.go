package main

import (
	"errors"
	"os"
	"strings"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/extensions"
	"goqmail/lib/queue"
	"goqmail/lib/route"
)

// settings is what the control files say; see qmail-send(8).
type settings struct {
	me me

	lifetime    int64     // seconds for which a message is tried
	concurrency [2]uint32 // local and remote deliveries at a time

	bounceFrom, bounceHost string // user and host that bounces come from
	bounceMax              int64  // bytes of a message that a bounce has at most; 0 or less: all
	doubleBounceTo         string // address that double bounces go to
	noDoubleBounce         bool   // there are none

	routes     *route.Table
	extensions extensions.Set
	unknown    []string // complaints about names in control/extensions
}

// trimmedBounce is the default of control/bouncemaxbytes where the patches to
// bounces are asked for. Plain qmail bounces whole messages.
const trimmedBounce = 50000

// me is the content of control/me, from which others have their defaults.
type me struct {
	name  string
	known bool
}

// readSettings reads the control files. A file that is there and cannot be
// read is an error, and so is not to know which mail is local.
func readSettings() (*settings, error) {
	var f firstError
	s := &settings{}
	s.me.name, s.me.known = f.line("me", "")
	s.readExtensions(&f)
	s.readBounces(&f)
	s.lifetime = int64(f.int("queuelifetime", 604800))
	s.readConcurrency(&f)

	var err error
	s.routes, err = route.Read()
	f.note(err)
	return s, f.err
}

func (s *settings) readExtensions(f *firstError) {
	var err error
	s.extensions, err = extensions.Read()
	if unknown := extensions.Unknown(""); errors.As(err, &unknown) {
		s.unknown = strings.Split(err.Error(), "\n") // no reason to stop the mail
		return
	}
	f.note(err)
}

func (s *settings) readBounces(f *firstError) {
	trim, whole := s.extensions.Has(extensions.DoubleBounceTrim), 0
	if trim {
		whole = trimmedBounce
	}
	s.bounceMax = int64(f.int("bouncemaxbytes", whole))
	s.bounceFrom, _ = f.line("bouncefrom", "MAILER-DAEMON")
	s.bounceHost, _ = f.line("bouncehost", s.me.or("bouncehost"))
	host, _ := f.line("doublebouncehost", s.me.or("doublebouncehost"))
	user, _ := f.line("doublebounceto", "postmaster")
	// An address ends at a NUL, wherever it comes from.
	s.doubleBounceTo, _, _ = strings.Cut(user+"@"+host, "\x00")
	s.noDoubleBounce = trim && (user == "" || user[0] == '@')
}

func (s *settings) readConcurrency(f *firstError) {
	s.concurrency[0] = uint32(f.int("concurrencylocal", 10))
	s.concurrency[1] = uint32(f.int("concurrencyremote", 20))
}

func (m me) or(missing string) string {
	if m.known {
		return m.name
	}
	return missing
}

// reread reads locals and virtualdomains again, the two files that may change
// while qmail-send runs, and the limits if control/extensions says so.
func (m *manager) reread() {
	if queue.ReachHome() != nil {
		m.log.print("alert: unable to reread controls: unable to switch to home directory")
		return
	}
	m.rereadRoutes()
	if m.set.extensions.Has(extensions.RereadConcurrency) {
		m.rereadConcurrency()
	}
	// This is where a queue that was put in another place is noticed.
	for os.Chdir(auto.Home+"/queue") != nil {
		m.log.print("alert: unable to switch back to queue directory; HELP! sleeping...")
		m.sleep()
	}
}

func (m *manager) rereadRoutes() {
	routes, unread := m.set.routes.Reread()
	if unread != "" {
		m.log.print("alert: unable to reread control/" + unread)
		return
	}
	m.set.routes = routes
}

// rereadConcurrency takes new limits. Deliveries beyond them go on.
func (m *manager) rereadConcurrency() {
	var f firstError
	m.set.readConcurrency(&f)
	if f.err != nil {
		m.log.print("alert: unable to reread concurrency")
		return
	}
	m.limit()
}

// firstError reads control files and keeps the first error.
type firstError struct{ err error }

func (f *firstError) line(name, missing string) (line string, ok bool) {
	line, ok, err := control.Line(name)
	f.note(err)
	if !ok {
		line = missing
	}
	return line, ok
}

func (f *firstError) int(name string, missing int) int {
	n, err := control.Int(name, missing)
	f.note(err)
	return n
}

func (f *firstError) note(err error) {
	if f.err == nil {
		f.err = err
	}
}
