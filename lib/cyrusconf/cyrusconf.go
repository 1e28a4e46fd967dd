// Package cyrusconf reads cyrus.conf(5): which programs master(8) starts, which
// sockets it gives them, and what it runs at which time.
//
// The file has sections, a name and { on one line, and } alone on another. Between
// them each line is an entry: its name, and settings such as cmd="imapd -s", whose
// quotes may be left out where there is no blank. Empty lines mean nothing, nor does
// what follows a #.
package cyrusconf

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Default is where the file is unless master's option -M says otherwise.
const Default = "/etc/cyrus.conf"

// Conf is what the file says, each section in its order.
type Conf struct {
	Start    []Command
	Services []Service // of DAEMON too, which have no address
	Events   []Event
}

// Command is what is to be run.
type Command struct {
	Name string
	Cmd  []string // the program and its arguments
	Line int      // where it stands
}

// Service is a program that is to run always.
type Service struct {
	Command
	Listen      string // a path, PORT or HOST:PORT; "" if it has no socket
	Proto       string // tcp, tcp4, tcp6 or udp
	MaxChildren int    // connections at a time; 0: as many as there are
}

// Event is a program that is to run from time to time.
type Event struct {
	Command
	Period time.Duration // between its starts; 0: once only
	At     int           // minutes after midnight, every day; -1: by Period
}

// Read reads a file. Errors name file and line.
func Read(path string) (*Conf, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s: too long", path)
	}
	c, err := Parse(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return c, nil
}

const maxSize = 1 << 20

// Parse reads the text of the file. Errors begin with the number of the line.
func Parse(text string) (*Conf, error) {
	c := &Conf{}
	section, opened, n := "", 0, 0
	names := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		n++
		words, err := split(line)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
		switch {
		case len(words) == 0:
		case section == "":
			section, err = head(words)
			opened = n
		case len(words) == 1 && words[0].key == "}":
			section = ""
		default:
			name := words[0].key
			kind := section
			if kind == "DAEMON" {
				kind = "SERVICES" // they share one list, and so their names
			}
			if name == "" || words[0].set {
				err = fmt.Errorf("an entry begins with its name")
			} else if strings.ContainsAny(name, "{}") {
				err = fmt.Errorf("%s: section %s has not ended", name, section)
			} else if names[kind+" "+name] {
				err = fmt.Errorf("there are two %s in %s", name, section)
			} else {
				names[kind+" "+name] = true
				err = c.entry(section, Command{Name: name, Line: n}, words[1:])
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
	}
	if section != "" {
		return nil, fmt.Errorf("%d: section %s does not end", opened, section)
	}
	return c, nil
}

// head reads the line that begins a section.
func head(words []word) (section string, err error) {
	section = words[0].key
	if len(words) == 1 {
		section = strings.TrimSuffix(section, "{")
	}
	if len(words) > 2 || words[len(words)-1].key != section+"{" && words[len(words)-1].key != "{" {
		return "", fmt.Errorf("a section begins with its name and {")
	}
	switch section {
	case "START", "SERVICES", "EVENTS", "DAEMON":
		return section, nil
	}
	return "", fmt.Errorf("there is no section %s", section)
}

// word is a word of a line: KEY, or KEY=VALUE.
type word struct {
	key, value string
	set        bool // there is a value
}

// split finds the words of a line.
func split(line string) (words []word, err error) {
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		end := strings.IndexAny(line, "= \t\r#\"")
		if end < 0 {
			return append(words, word{key: line}), nil
		}
		w := word{key: line[:end]}
		if line[end] == '"' {
			return nil, fmt.Errorf("a quote where no value begins")
		}
		line = line[end:]
		if line[0] == '=' {
			w.set = true
			if w.value, line, err = value(line[1:]); err != nil {
				return nil, err
			}
		}
		words = append(words, w)
	}
}

// value takes the value that a line begins with.
func value(line string) (value, rest string, err error) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		value, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return "", "", fmt.Errorf("a quote that does not end")
		}
		return value, rest, nil
	}
	end := strings.IndexAny(line, " \t\r")
	if end < 0 {
		end = len(line)
	}
	return line[:end], line[end:], nil
}

// entry adds an entry of a section.
func (c *Conf) entry(section string, cmd Command, settings []word) error {
	given := map[string]string{}
	for _, w := range settings {
		if !w.set {
			return fmt.Errorf("%s: %s has no value", cmd.Name, w.key)
		}
		if _, twice := given[w.key]; twice {
			return fmt.Errorf("%s: %s is given twice", cmd.Name, w.key)
		}
		if !strings.Contains(keys(section), " "+w.key+" ") {
			return fmt.Errorf("%s: there is no %s in %s", cmd.Name, w.key, section)
		}
		given[w.key] = w.value
	}
	cmd.Cmd = strings.Fields(given["cmd"])
	if len(cmd.Cmd) == 0 {
		return fmt.Errorf("%s: no cmd", cmd.Name)
	}
	switch section {
	case "START":
		c.Start = append(c.Start, cmd)
	case "EVENTS":
		return c.event(cmd, given)
	default:
		return c.service(cmd, given, section == "DAEMON")
	}
	return nil
}

// keys has the settings of a section's entries, between blanks.
func keys(section string) string {
	switch section {
	case "SERVICES":
		return " cmd listen prefork maxchild proto babysit maxforkrate maxfds provide_uuid "
	case "EVENTS":
		return " cmd period at "
	case "DAEMON":
		return " cmd wait "
	}
	return " cmd "
}

func (c *Conf) service(cmd Command, given map[string]string, daemon bool) error {
	s := Service{Command: cmd, Listen: given["listen"], Proto: given["proto"]}
	if s.Listen == "" && !daemon {
		return fmt.Errorf("%s: no listen", cmd.Name)
	}
	switch s.Proto {
	case "":
		s.Proto = "tcp"
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return fmt.Errorf("%s: proto %s is not known", cmd.Name, s.Proto)
	}
	for _, key := range [...]string{"prefork", "maxfds", "maxforkrate", "maxchild"} {
		n, err := number(given, key, -1)
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.Name, err)
		}
		if key == "maxchild" {
			s.MaxChildren = max(n, 0) // -1 is none, as it is there
		}
	}
	c.Services = append(c.Services, s)
	return nil
}

func (c *Conf) event(cmd Command, given map[string]string) error {
	minutes, err := number(given, "period", 0)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Name, err)
	}
	e := Event{Command: cmd, Period: time.Duration(max(minutes, 0)) * time.Minute, At: -1}
	if _, ok := given["at"]; ok {
		at, err := number(given, "at", 0)
		if err != nil || len(given["at"]) != 4 || at < 0 || at/100 > 23 || at%100 > 59 {
			return fmt.Errorf("%s: at %s is no time such as 0400", cmd.Name, given["at"])
		}
		e.At = at/100*60 + at%100
	}
	c.Events = append(c.Events, e)
	return nil
}

// number reads a whole number, which may be -1 and is not above a million.
func number(given map[string]string, key string, otherwise int) (int, error) {
	text, ok := given[key]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < -1 || n > 1000000 {
		return 0, fmt.Errorf("%s %s is no number", key, text)
	}
	return n, nil
}

// Next returns when an event is due for the first time after a moment.
func (e *Event) Next(after time.Time) time.Time {
	if e.At < 0 {
		return after.Add(e.Period)
	}
	for day := 0; ; day++ {
		// By the date, since not every day has 24 hours.
		t := time.Date(after.Year(), after.Month(), after.Day()+day, e.At/60, e.At%60, 0, 0, after.Location())
		if t.After(after) {
			return t
		}
	}
}
