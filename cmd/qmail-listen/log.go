package main

import (
	"io"
	"strconv"
	"syscall"

	"goqmail/lib/errno"
	"goqmail/lib/ip"
)

// prefix starts each line of the log. What reads such logs knows tcpserver.
const prefix = "tcpserver: "

// logger writes the log, each line at one stroke. Nobody could be told if that
// failed.
type logger struct {
	w     io.Writer
	level int // as options.verbosity
}

func (l logger) write(level int, text string) {
	if l.level >= level {
		io.WriteString(l.w, text)
	}
}

func (l logger) fatal(err error) { l.write(1, prefix+"fatal: "+err.Error()+"\n") }

// dropping says why a connection gets no program.
func (l logger) dropping(what string, why error) {
	l.write(1, prefix+"warning: dropping connection, "+what+": "+errno.Text(why)+"\n")
}

// status says how many connections there are, of how many there may be.
func (l logger) status(running, limit uint64) {
	l.write(2, prefix+"status: "+strconv.FormatUint(running, 10)+"/"+strconv.FormatUint(limit, 10)+"\n")
}

func fromLine(pid int, remote ip.Addr) string {
	return prefix + "pid " + strconv.Itoa(pid) + " from " + remote.String() + "\n"
}

// verdictLine says whose the connection is and whether it gets a program.
func verdictLine(verdict string, pid int, p peers) string {
	return prefix + verdict + " " + strconv.Itoa(pid) + " " +
		safe(value(p.localHost)) + ":" + p.local.String() + ":" + strconv.Itoa(p.localPort) + " " +
		safe(value(p.remoteHost)) + ":" + p.remote.String() + ":" + safe(value(p.info)) + ":" + strconv.Itoa(p.remotePort) + "\n"
}

func (l logger) end(pid int, status syscall.WaitStatus) {
	l.write(2, prefix+"end "+strconv.Itoa(pid)+" status "+strconv.FormatUint(uint64(status), 10)+"\n")
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// safe is s as it may stand in a log: at most 100 bytes, and a question mark
// for what could be taken for something else.
func safe(s string) string {
	const most = 100
	b := []byte(s[:min(len(s), most)])
	for i, c := range b {
		if c <= ' ' || c > '~' || c == '%' || c == ':' {
			b[i] = '?'
		}
	}
	if len(s) >= most {
		return string(b) + "..."
	}
	return string(b)
}
