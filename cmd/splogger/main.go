// Splogger hands the lines it reads to syslog.
//
//	splogger [ tag [ facility ] ]
//
// Each line goes under the name tag (splogger) to a facility, a number (2,
// mail), with the time at which its end was seen. It exits 0 at the end of its
// input. See splogger(8).
package main

import (
	"bufio"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/localtime"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGPIPE)
	l := logger{tag: "splogger", facility: mail, zone: localtime.Load(c.Env), path: logPath()}
	if len(c.Args) > 1 {
		l.tag = c.Args[1]
	}
	if len(c.Args) > 2 {
		l.facility = facility(c.Args[2])
	}
	copyLines(bufio.NewReader(c.In()), &l)
	return exit.OK
}

// maxPart is how much of a line syslog takes at once. Longer lines go in parts.
const maxPart = 799

// copyLines logs each line, and of one that does not end only full parts.
func copyLines(in *bufio.Reader, l *logger) {
	var part []byte
	var line entry
	flush := func() {
		if len(part) > 0 {
			line.log(l, string(part))
		}
		part = part[:0]
	}
	for {
		c, err := in.ReadByte()
		if err != nil {
			return
		}
		if c == '\n' {
			flush()
			line = entry{}
			continue
		}
		if len(part) == maxPart {
			flush()
		}
		if c < 32 || c > 126 {
			c = '?' // some loggers stop at NUL, others write all to terminals
		}
		part = append(part, c)
	}
}

// entry is a line on its way to the log. All its parts have the level and the
// time of the first, and those after it a +, because syslog may fold them.
type entry struct {
	level int
	stamp string // "" before the first part
}

func (e *entry) log(l *logger, part string) {
	mark := "+"
	if e.stamp == "" {
		mark = " "
		e.level = level(part)
		e.stamp = stamp(l.tick())
	}
	l.log(time.Now(), e.level, e.stamp+mark+part)
}

func stamp(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + strconv.Itoa(1000000 + t.Nanosecond()/1000)[1:]
}

// level is the syslog level of a line.
func level(line string) int {
	switch {
	case strings.HasPrefix(line, "alert:"):
		return alert
	case strings.HasPrefix(line, "warning:"):
		return warning
	}
	return info
}
