package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/ascii"
	"goqmail/lib/getopt"
	"goqmail/lib/queue"
)

// order is what the command line asks for.
type order struct {
	verb  string
	long  bool   // -l: list the recipients
	text  string // -m: what a bounce says
	do    bool   // -y: fix, and not only say what is wrong
	which choice
}

// choice tells which messages are meant: those that have all that is asked for.
type choice struct {
	all             bool
	nums            []queue.Num
	sender          *string // patterns
	recipient       *string
	channel         string
	older, newer    time.Duration // 0 for any age
	larger, smaller int64         // 0 for any size
}

// options has the letters that each verb knows besides those of a choice.
var options = map[string]string{
	"list": "l", "show": "", "hold": "", "release": "", "delete": "", "retry": "", "bounce": "m:", "fix": "",
}

// notDelivered is what a bounce says if nothing else is asked for.
const notDelivered = "The administrator of this system has returned your message."

func parse(args []string) (o order, err error) {
	if len(args) < 2 {
		return o, errors.New("nothing to do")
	}
	o = order{verb: args[1], text: notDelivered}
	known, ok := options[o.verb]
	if !ok {
		return o, errors.New("no such command: " + o.verb)
	}
	spec := "af:r:c:o:n:s:S:" + known
	if o.verb == "fix" {
		spec = "y"
	}
	opts := getopt.New(args[1:], spec)
	for err == nil {
		option, ok := opts.Next()
		if !ok {
			break
		}
		err = o.set(option, opts)
	}
	if err != nil {
		return o, err
	}
	return o, o.numbers(opts.Rest())
}

func (o *order) set(option byte, opts *getopt.Options) (err error) {
	c, arg := &o.which, opts.Arg
	switch option {
	case 'a':
		c.all = true
	case 'f':
		c.sender = &arg
	case 'r':
		c.recipient = &arg
	case 'c':
		c.channel = arg
		if !slices.Contains(channels[:], arg) {
			err = errors.New("-c is local or remote")
		}
	case 'o':
		c.older, err = age(arg)
	case 'n':
		c.newer, err = age(arg)
	case 's':
		c.larger, err = size(arg)
	case 'S':
		c.smaller, err = size(arg)
	case 'l':
		o.long = true
	case 'm':
		o.text = arg
	case 'y':
		o.do = true
	default:
		err = errors.New(strings.TrimSpace(opts.Problem()))
	}
	return err
}

// numbers reads message numbers, which may be as qmail-qread prints them.
func (o *order) numbers(words []string) error {
	for _, word := range words {
		n, ok := queue.ParseNum(strings.TrimPrefix(word, "#"))
		if !ok || o.verb == "fix" {
			return errors.New("not a message number: " + word)
		}
		o.which.nums = append(o.which.nums, n)
	}
	if o.verb != "list" && o.verb != "fix" && !o.which.all && !o.which.narrow() {
		return errors.New("which messages? -a is all")
	}
	return nil
}

// narrow tells whether not all messages are meant.
func (c *choice) narrow() bool {
	return c.nums != nil || c.sender != nil || c.partial() || c.older+c.newer != 0 || c.larger+c.smaller != 0
}

// partial tells whether only some recipients of a message are meant.
func (c *choice) partial() bool { return c.recipient != nil || c.channel != "" }

// fits tells whether a message is meant.
func (c *choice) fits(m *message, now time.Time) bool {
	age := now.Sub(m.arrived)
	return (c.sender == nil || like(m.sender, *c.sender)) &&
		(c.older == 0 || age > c.older) && (c.newer == 0 || age < c.newer) &&
		(c.larger == 0 || m.size > c.larger) && (c.smaller == 0 || m.size < c.smaller) &&
		(!c.partial() || slices.ContainsFunc(m.recipients, c.means))
}

// means tells whether a recipient is meant. Who is done never is.
func (c *choice) means(r recipient) bool {
	return r.state != queue.Done && (c.recipient == nil || like(r.address, *c.recipient)) &&
		(c.channel == "" || r.channel() == c.channel)
}

// like tells whether an address is as a pattern says, in which * stands for
// anything and ? for one byte; upper and lower case are the same.
func like(address, pattern string) bool {
	a, p := ascii.Lower(address), ascii.Lower(pattern)
	i, j := 0, 0
	star, from := -1, 0 // the last * and where what it stands for ends
	for i < len(a) {
		switch {
		case j < len(p) && p[j] == '*':
			star, from = j, i
			j++
		case j < len(p) && (p[j] == '?' || p[j] == a[i]):
			i++
			j++
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	return strings.Trim(p[j:], "*") == ""
}

// age reads a number of seconds, or of minutes, hours or days with an m, h or d.
func age(s string) (time.Duration, error) {
	n, err := scaled(s, map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400})
	if err != nil || n > int64(1<<63-1)/int64(time.Second) {
		return 0, errors.New("not an age, such as 30m, 12h or 7d: " + s)
	}
	return time.Duration(n) * time.Second, nil
}

// size reads a number of bytes, or of kilobytes or megabytes with a k or M.
func size(s string) (int64, error) {
	n, err := scaled(s, map[byte]int64{'k': 1 << 10, 'K': 1 << 10, 'M': 1 << 20})
	if err != nil {
		return 0, errors.New("not a size, such as 500, 20k or 5M: " + s)
	}
	return n, nil
}

func scaled(s string, units map[byte]int64) (int64, error) {
	unit := int64(1)
	if s != "" {
		if u, ok := units[s[len(s)-1]]; ok {
			s, unit = s[:len(s)-1], u
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (n <= 0 || n > (1<<63-1)/unit) {
		err = strconv.ErrRange
	}
	return n * unit, err
}
