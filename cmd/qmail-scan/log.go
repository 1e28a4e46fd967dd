package main

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/received"
)

// logger tells standard error what becomes of a message, in lines that start
// with "qmail-scan: pid PID", which is what qmail-queue's process will have.
type logger struct {
	out      *os.File // nil: there is no log
	pid, ip  string
	mess     *message
	envelope *envelope
}

func newLog(c *call.Call) *logger {
	l := &logger{out: c.Err(), pid: strconv.Itoa(os.Getpid()), ip: received.FromEnv(c.Env).RemoteIP}
	if c.Env.Get("ERROR_FD") == "2" {
		l.out = nil // there, the caller hears what is for its client
	}
	return l
}

func (l *logger) say(text string) {
	if l.out != nil {
		l.out.WriteString("qmail-scan: pid " + l.pid + " " + line(text) + "\n")
	}
}

func (l *logger) warn(text string) { l.say("warning: " + text) }

// fail tells of an error and returns the code to exit with.
func (l *logger) fail(err error) int {
	l.say("fatal: " + err.Error())
	var f failure
	if errors.As(err, &f) {
		return f.code
	}
	return qmail.ExitTry
}

// verdict tells of a message that was judged.
func (l *logger) verdict(v *verdict) {
	text := "clean"
	switch {
	case v.virus != "":
		text = "virus " + word(v.virus)
	case v.spam != nil && v.spam.Spam:
		text = "spam"
	case v.skipped:
		text = "skipped"
	case v.unscanned != "", !v.scanned && v.spam == nil:
		text = "unscanned"
	}
	switch {
	case v.refusal == nil:
	case exit.Code(v.refusal) == exit.Perm:
		text += " refused"
	default:
		text += " deferred"
	}
	text += ": bytes " + strconv.FormatInt(l.mess.size, 10) + " from <" + word(l.envelope.sender) + "> ip " + word(l.ip) + " id <" + word(strings.Trim(l.mess.id, "<>")) + ">"
	if v.spam != nil {
		text += " score " + v.spam.Score + "/" + v.spam.Required
	}
	l.say(text)
}

const maxWord = 200

// word makes a word of what came from outside: it has nothing in it that could
// look like more words, or end a line, or be more than a log can bear.
func word(s string) string {
	b := []byte(s[:min(len(s), maxWord)])
	for i, c := range b {
		if c <= ' ' || c > '~' || c == '<' || c == '>' || c == '(' || c == ')' {
			b[i] = '_'
		}
	}
	return string(b)
}

// line makes one line of s.
func line(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
