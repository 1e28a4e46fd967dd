package main

import (
	"hash/fnv"
	"io"
	"strings"
	"time"
)

// source tells whose line it is. The lines of each come in the order of their times.
type source string

const (
	send  source = "send"
	smtpd source = "smtpd"
	scan  source = "scan"
)

// line is a line of a log, taken apart. kind has the words that tell what it is
// about, and the other fields what kind has.
type line struct {
	at     time.Time
	source source
	kind   kind
	sum    uint64 // of the whole line

	message  uint64 // number
	delivery uint64 // number
	bytes    uint64
	remote   bool
	text     string    // a report, or what happened
	running  [2]uint64 // local, remote
	limit    [2]uint64
}

type kind int

const (
	other      kind = iota // of no interest, but one of ours
	newMessage             // message
	info                   // message, bytes
	bounce                 // message
	discarded              // text: double, triple
	end                    // message
	start                  // delivery, message, remote
	success                // delivery, text, as those that follow
	deferral
	failure
	status  // running, limit
	exiting // qmail-send ends
	alert   // text
	warning
	event // of qmail-smtpd or qmail-scan: text
)

// parse takes a line apart. ok is false if it is none of qmail's. What has no time
// happened now.
func parse(text string, now time.Time) (l line, ok bool) {
	sum := fnv.New64a()
	io.WriteString(sum, text)
	l.sum = sum.Sum64()
	text, l.at = stamp(text, now)
	l.source = send
	return l, l.ofSend(text) || l.ofSMTPD(text) || l.ofScan(text)
}

// ofSend reads what qmail-log(5) has of qmail-send.
func (l *line) ofSend(text string) bool {
	r := rest(text)
	switch {
	case r.skip("new msg "):
		l.kind = newMessage
		return r.number(&l.message) && r == ""
	case r.skip("info msg "):
		l.kind = info
		return r.number(&l.message) && r.skip(": bytes ") && r.number(&l.bytes) && r.skip(" from <")
	case r.skip("bounce msg "):
		l.kind = bounce
		return r.number(&l.message) && r.skip(" qp ")
	case r.skip("double bounce: discarding bounce/"):
		l.kind, l.text = discarded, "double"
		return r.number(&l.message)
	case r.skip("triple bounce: discarding bounce/"):
		l.kind, l.text = discarded, "triple"
		return r.number(&l.message)
	case r.skip("end msg "):
		l.kind = end
		return r.number(&l.message) && r == ""
	case r.skip("starting delivery "):
		l.kind = start
		if !r.number(&l.delivery) || !r.skip(": msg ") || !r.number(&l.message) {
			return false
		}
		l.remote = r.skip(" to remote ")
		return l.remote || r.skip(" to local ")
	case r.skip("delivery "):
		return r.number(&l.delivery) && r.skip(": ") && l.report(r)
	case r == "status: exiting":
		l.kind = exiting
		return true
	case r.skip("status: local "):
		l.kind = status
		return r.number(&l.running[0]) && r.skip("/") && r.number(&l.limit[0]) && r.skip(" remote ") &&
			r.number(&l.running[1]) && r.skip("/") && r.number(&l.limit[1])
	case r.skip("alert: "):
		l.kind, l.text = alert, printable(string(r), maxAlert)
		return true
	case r.skip("warning: "):
		l.kind = warning
		return true
	}
	return false
}

// report reads how a delivery ended.
func (l *line) report(r rest) bool {
	switch {
	case r.skip("success: "):
		l.kind = success
	case r.skip("deferral: "):
		l.kind = deferral
	case r.skip("failure: "):
		l.kind = failure
	case r == "report mangled, will defer":
		l.kind = deferral
	default:
		return false
	}
	l.text = string(r)
	return true
}

// ofSMTPD reads what qmail-smtpd tells with the extension smtpd-log.
func (l *line) ofSMTPD(text string) bool {
	r := rest(text)
	var pid uint64
	if !r.skip("qmail-smtpd[") || !r.number(&pid) || !r.skip("]: ") {
		return false
	}
	l.source, l.kind = smtpd, other // other is what smtpd-logmsg tells people
	if r.skip("CHKUSER ") {
		if what, _, ok := strings.Cut(string(r), ": from <"); ok && words(what) {
			l.kind, l.text = event, strings.ReplaceAll(what, " ", "_")
		}
	}
	return true
}

// ofScan reads what qmail-scan tells of a message: what it is, such as clean or virus and
// its name, and whether that was refused or deferred.
func (l *line) ofScan(text string) bool {
	r := rest(text)
	var pid uint64
	if !r.skip("qmail-scan: pid ") || !r.number(&pid) || !r.skip(" ") {
		return false
	}
	l.source, l.kind = scan, other
	what, _, _ := strings.Cut(string(r), ": ")
	what, refused := strings.CutSuffix(what, " refused")
	what, deferred := strings.CutSuffix(what, " deferred")
	if what, _, _ = strings.Cut(what, " "); !words(what) {
		return true
	}
	switch {
	case refused:
		what += "_refused"
	case deferred:
		what += "_deferred"
	}
	l.kind, l.text = event, what
	return true
}

// words tells whether s is a few words in small letters.
func words(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != ' ' && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// rest is what is left to read of a line.
type rest string

// skip passes over s, if that comes next.
func (r *rest) skip(s string) bool {
	after, ok := strings.CutPrefix(string(*r), s)
	*r = rest(after)
	return ok
}

// number reads digits, at least one and no more than fit.
func (r *rest) number(n *uint64) bool {
	i := 0
	for *n = 0; i < len(*r) && i < 19 && '0' <= (*r)[i] && (*r)[i] <= '9'; i++ {
		*n = *n*10 + uint64((*r)[i]-'0')
	}
	*r = (*r)[i:]
	return i > 0
}
