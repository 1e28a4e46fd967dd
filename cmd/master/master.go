package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/cyrusconf"
	"goqmail/lib/imapconf"
	"goqmail/lib/service"
	"goqmail/lib/syslog"
)

// master is all that it looks after. One goroutine, that of main, changes it.
type master struct {
	options
	log  *syslog.Log
	as   *syscall.Credential // who the programs run as
	uid  int                 // the same, to own directories of sockets
	gid  int
	conf *cyrusconf.Conf

	programs []*program
	events   sync.WaitGroup
	quiet    chan struct{} // closed when the events there are shall end
	skipped  map[string]bool
}

// prepare reads the configuration and finds who and where everything is.
func prepare(o options) (*master, error) {
	imapd, err := imapconf.Read(o.imapdConf)
	if err != nil {
		return nil, err
	}
	m := &master{
		options: o,
		log:     service.Log(imapd, "master"),
		skipped: map[string]bool{},
	}
	if m.conf, err = cyrusconf.Read(o.cyrusConf); err != nil {
		return nil, err
	}
	uid, gid, err := account.User(auto.UserCyrus)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", auto.UserCyrus, err)
	}
	groups, err := account.Groups(auto.UserCyrus, gid)
	if err != nil {
		return nil, err
	}
	m.as, m.uid, m.gid = account.Credential(uid, groups...), uid, gid
	return m, nil
}

// say logs a line.
func (m *master) say(level syslog.Level, format string, args ...any) {
	m.log.Printf(level, format, args...)
	if m.loud {
		fmt.Fprintf(os.Stderr, "master: "+format+"\n", args...)
	}
}

// begin runs what START lists, one after the other, and starts everything else. A
// signal to end, meanwhile, is an error.
func (m *master) begin(term <-chan os.Signal) error {
	m.say(syslog.Notice, "process started")
	for _, c := range m.conf.Start {
		path, ok := m.find(c)
		if !ok {
			continue
		}
		m.say(syslog.Debug, "about to exec %s", path)
		p, err := m.start(c, path, nil)
		if err != nil {
			m.say(syslog.Error, "can't run startup %s: %v", c.Name, err)
			continue
		}
		if err := p.waitOr(term); err != nil {
			return err
		}
		p.report(m, "startup "+c.Name)
	}
	for _, s := range m.conf.Services {
		m.add(s)
	}
	m.schedule()
	m.say(syslog.Notice, "ready for work")
	return nil
}

// find finds a command's program. One that is not there is reported, once, and left
// out: configurations list programs of Cyrus for which nothing here has a use.
func (m *master) find(c cyrusconf.Command) (path string, ok bool) {
	name := c.Cmd[0]
	path = name
	if !strings.Contains(name, "/") {
		path = filepath.Join(auto.Cyrus, name)
	}
	if executable(path) {
		return path, true
	}
	if !m.skipped[name] {
		m.skipped[name] = true
		m.say(syslog.Warning, "WARNING: cannot find executable for '%s' (%s) -- ignored", c.Name, name)
	}
	return "", false
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// add binds the sockets of a service and starts it. If it cannot have them, another
// program serves there, and all other services go on; HUP tries again.
func (m *master) add(conf cyrusconf.Service) {
	path, ok := m.find(conf.Command)
	if !ok {
		return
	}
	p := &program{Service: conf, path: path}
	if conf.Listen != "" {
		var err error
		if p.sockets, err = m.listen(conf); err != nil {
			m.say(syslog.Error, "unable to create %s listener socket: %v", conf.Name, err)
			return
		}
	}
	m.programs = append(m.programs, p)
	p.begin(m)
}

// obey reloads when it is told to, until it is told to end.
func (m *master) obey(hup, term <-chan os.Signal) {
	for {
		select {
		case <-hup:
			m.reload()
		case <-term:
			return
		}
	}
}

// reload reads cyrus.conf again. With an error in it everything stays as it is.
func (m *master) reload() {
	m.say(syslog.Notice, "got SIGHUP")
	conf, err := cyrusconf.Read(m.cyrusConf)
	if err != nil {
		m.say(syslog.Error, "%v; nothing is changed", err)
		return
	}
	m.conf = conf
	clear(m.skipped)
	var kept, gone []*program
	for _, s := range m.programs {
		i := slices.IndexFunc(conf.Services, func(c cyrusconf.Service) bool { return c.Name == s.Name })
		if i >= 0 && conf.Services[i].Listen == s.Listen && conf.Services[i].Proto == s.Proto {
			kept = append(kept, s)
		} else {
			gone = append(gone, s)
		}
	}
	m.endPrograms(gone) // before others take their addresses
	m.programs = nil
	for _, c := range conf.Services {
		i := slices.IndexFunc(kept, func(s *program) bool { return s.Name == c.Name })
		if i < 0 {
			m.add(c)
			continue
		}
		s := kept[i]
		m.programs = append(m.programs, s)
		if slices.Equal(s.Cmd, c.Cmd) && s.MaxChildren == c.MaxChildren {
			s.orders <- syscall.SIGHUP
			continue
		}
		// Another command for the same sockets: clients that come meanwhile wait in them.
		s.stop()
		s.Service = c
		if path, ok := m.find(c.Command); ok {
			s.path = path
		}
		s.begin(m)
	}
	m.endEvents()
	m.schedule()
}

// end ends all that runs and waits for it.
func (m *master) end() {
	m.say(syslog.Notice, "attempting clean shutdown on SIGTERM")
	m.endEvents()
	m.endPrograms(m.programs)
	m.programs = nil
	m.say(syslog.Notice, "All children have exited, closing down")
}

// endPrograms ends services, all at the same time.
func (m *master) endPrograms(all []*program) {
	var done sync.WaitGroup
	for _, s := range all {
		done.Go(s.stop)
	}
	done.Wait()
	for _, s := range all {
		for _, f := range s.sockets {
			f.Close()
		}
		if strings.HasPrefix(s.Listen, "/") {
			if err := os.Remove(s.Listen); err != nil && !errors.Is(err, fs.ErrNotExist) {
				m.say(syslog.Error, "%v", err)
			}
		}
	}
}

// schedule begins to run the events.
func (m *master) schedule() {
	m.quiet = make(chan struct{})
	for _, e := range m.conf.Events {
		if path, ok := m.find(e.Command); ok {
			m.events.Go(func() { m.repeat(&e, path, m.quiet) })
		}
	}
}

// endEvents ends those that run and lets no others begin.
func (m *master) endEvents() {
	if m.quiet != nil {
		close(m.quiet)
		m.events.Wait()
		m.quiet = nil
	}
}

// repeat runs an event whenever it is due, and never while it still runs.
func (m *master) repeat(e *cyrusconf.Event, path string, quiet <-chan struct{}) {
	next := time.Now()
	if e.At >= 0 {
		next = e.Next(next)
	}
	for {
		select {
		case <-quiet:
			return
		case <-time.After(min(time.Until(next), time.Minute)): // clocks are set
		}
		if time.Now().Before(next) {
			continue
		}
		p, err := m.start(e.Command, path, nil)
		if err != nil {
			m.say(syslog.Error, "can't run event %s: %v", e.Name, err)
		} else {
			select {
			case <-p.ended:
			case <-quiet:
				p.end()
			}
			p.report(m, "event "+e.Name)
		}
		if e.At < 0 && e.Period == 0 {
			return
		}
		next = e.Next(time.Now())
	}
}
