package main

import (
	"os"
	"strings"
)

// logger writes the activity record, which qmail-log(5) describes. Nothing can
// be done about a log that cannot be written.
type logger struct {
	f   *os.File // nil if closed
	buf []byte   // lines that flush is to write
}

// pipeBuf is PIPE_BUF of Linux: up to here what several programs write into one
// pipe does not get mixed up.
const pipeBuf = 4096

// print adds the parts as one line. It is written before qmail-send next waits
// for anything, or when there is too much for one write.
func (l *logger) print(parts ...string) {
	line := strings.Join(parts, "") + "\n"
	if len(l.buf)+len(line) > pipeBuf {
		l.flush()
	}
	l.buf = append(l.buf, line...)
}

// flush writes what there is.
func (l *logger) flush() {
	if len(l.buf) > 0 {
		l.f.Write(l.buf)
		l.buf = l.buf[:0]
	}
}

// lines adds lines that others made.
func (l *logger) lines(lines []string) {
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
