package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/ident"
	"goqmail/lib/ip"
	"goqmail/lib/socket"
	"goqmail/lib/tcprules"
)

// peers is what is known of the two ends of a connection. What is not known is
// nil.
type peers struct {
	local      ip.Addr
	localPort  int
	localHost  *string
	remote     ip.Addr
	remotePort int
	remoteHost *string
	info       *string // whose connection it is, as the remote host says
}

// handle sees a connection through from its acceptance to the start of its
// program. A connection that gets no program stands in the log under the pid of
// qmail-listen itself, with the end that a process of its own would have had.
//
// It returns a function that waits for that end.
func (s *server) handle(conn *os.File) (wait func() ended) {
	defer conn.Close()
	over := func(e ended) func() ended { return func() ended { return e } } // already
	own := os.Getpid()
	dropped := over(ended{own, exit.Temp << 8})
	var p peers
	var err error
	p.remote, p.remotePort, err = socket.Peer(conn)
	if err != nil {
		return over(ended{}) // it is gone already
	}
	if what, err := s.prepare(conn, &p); err != nil {
		s.log.write(2, fromLine(own, p.remote))
		s.log.dropping(what, err)
		return dropped
	}
	s.lookUp(&p)
	rule, err := s.rule(p)
	if err != nil {
		s.log.write(2, fromLine(own, p.remote))
		s.log.dropping("unable to read "+s.rules, err)
		return dropped
	}
	if rule.Deny {
		s.log.write(2, fromLine(own, p.remote)+verdictLine("deny", own, p))
		return over(ended{own, exit.Perm << 8})
	}
	pid, end, err := s.program.start(conn, environment(s.env, p, rule))
	switch {
	case child.ForkFailed(err):
		s.log.dropping("unable to fork", err)
		return over(ended{})
	case err != nil:
		s.log.write(2, fromLine(own, p.remote)+verdictLine("ok", own, p))
		s.log.dropping("unable to run "+s.options.program[0], err)
		return dropped
	}
	s.log.write(2, fromLine(pid, p.remote)+verdictLine("ok", pid, p))
	return func() ended { return ended{pid, end()} } // the connection is the program's now
}

// prepare does what comes before the look-ups.
func (s *server) prepare(conn *os.File, p *peers) (what string, err error) {
	if !s.keepOptions {
		socket.NoOptions(conn)
	}
	if s.noDelay {
		socket.NoDelay(conn)
	}
	if s.banner != "" {
		if _, err := io.WriteString(conn, s.banner); err != nil {
			return "unable to print banner", err
		}
	}
	p.local, p.localPort, err = socket.Local(conn)
	return "unable to get local address", err
}

// lookUp asks the network about both ends. None of the answers is needed.
func (s *server) lookUp(p *peers) {
	if s.knowsLocal {
		p.localHost = &s.localHost
	}
	if !s.knowsLocal || s.lookUpHost {
		servers := nameServers(s.env)
		if !s.knowsLocal {
			p.localHost = hostName(servers, p.local, false)
		}
		if s.lookUpHost {
			p.remoteHost = hostName(servers, p.remote, s.paranoid)
		}
	}
	if s.lookUpInfo {
		// The longest answer that tcpserver passes on.
		const maxInfo = 257
		connection := ident.Connection{Remote: p.remote, RemotePort: p.remotePort, Local: p.local, LocalPort: p.localPort}
		if info, ok := connection.Ask(time.Duration(min(s.infoTimeout, 1<<31))*time.Second, maxInfo); ok {
			p.info = &info
		}
	}
}

// rule returns what the rules say of a connection. They are read anew each
// time, because an administrator may change them.
func (s *server) rule(p peers) (tcprules.Rule, error) {
	if s.rules == "" {
		return tcprules.Rule{}, nil
	}
	db, err := os.Open(s.rules)
	if errors.Is(err, fs.ErrNotExist) && s.rulesMayBe {
		return tcprules.Rule{}, nil
	}
	if err != nil {
		return tcprules.Rule{}, err
	}
	defer db.Close()
	rule, _, err := tcprules.Find(db, tcprules.Client{IP: p.remote.String(), Host: p.remoteHost, Info: p.info})
	return rule, err
}

// environment adds tcp-environ(5) and the rule's own variables. A connection by
// IPv6 has all variables under both names: TCP6... for programs that ask for
// it, and TCP... for those that do not care.
func environment(env call.Env, p peers, rule tcprules.Rule) call.Env {
	text := func(s string) *string { return &s }
	type variable struct {
		name  string
		value *string
	}
	variables := []variable{
		{"LOCALIP", text(p.local.String())},
		{"LOCALPORT", text(itoa(p.localPort))},
		{"LOCALHOST", p.localHost},
		{"REMOTEIP", text(p.remote.String())},
		{"REMOTEPORT", text(itoa(p.remotePort))},
		{"REMOTEHOST", p.remoteHost},
		{"REMOTEINFO", p.info},
	}
	env = slices.DeleteFunc(append(make(call.Env, 0, len(env)+1+2*len(variables)), env...), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		rest, ok := strings.CutPrefix(name, "TCP")
		rest = strings.TrimPrefix(rest, "6")
		return name == "PROTO" || ok && slices.ContainsFunc(variables, func(v variable) bool { return v.name == rest })
	})
	protocols := []string{"TCP"}
	if !p.remote.Is4() {
		protocols = []string{"TCP", "TCP6"}
	}
	env = append(env, "PROTO="+protocols[len(protocols)-1])
	for _, protocol := range protocols {
		for _, v := range variables {
			if v.value != nil {
				env = append(env, protocol+v.name+"="+*v.value)
			}
		}
	}
	for _, variable := range rule.Environment {
		if name, value, ok := strings.Cut(variable, "="); ok {
			env = env.With(name, value)
		}
	}
	return env
}
