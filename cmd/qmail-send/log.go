package main

import (
	"os"
	"strings"
)

// logger writes the activity record, which qmail-log(5) describes, one line at
// a time. Nothing can be done about a log that cannot be written.
type logger struct {
	f *os.File // nil if closed
}

// print writes the parts as one line.
func (l logger) print(parts ...string) {
	l.f.WriteString(strings.Join(parts, "") + "\n")
}

// lines writes lines that others made.
func (l logger) lines(lines []string) {
	for _, line := range lines {
		l.print(line)
	}
}

// safe makes a text from outside fit for a line of the log, where it must not
// add a word, a line or what a careless syslogd takes for a format.
func safe(text string) string {
	b := []byte(text)
	for i, c := range b {
		switch {
		case c == '\n':
			b[i] = '/'
		case c <= ' ' || c > '~' || c == '%':
			b[i] = '_'
		}
	}
	return string(b)
}
