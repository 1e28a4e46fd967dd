package main

import (
	"io"
	"strconv"

	"goqmail/lib/call"
	"goqmail/lib/getopt"
)

// options is what the command line says.
type options struct {
	host    string
	port    string
	program []string

	printPort   bool   // -1: to descriptor 1
	verbosity   int    // -q 0: nothing; -Q 1: errors; -v 2: all
	limit       uint64 // -c: connections at once
	backlog     int    // -b: connections waiting
	uid, gid    int    // -u, -g, -U; 0: stay
	rules       string // -x; "" for none
	rulesMayBe  bool   // -X: missing rules let everybody in
	banner      string // -B
	keepOptions bool   // -o: IP options
	noDelay     bool   // -D

	localHost   string // -l
	knowsLocal  bool   // there was a -l, and it may be empty
	lookUpHost  bool   // -h, -H
	paranoid    bool   // -p, -P
	lookUpInfo  bool   // -r, -R
	infoTimeout uint64 // -t: seconds
}

const usage = "qmail-listen: usage: qmail-listen [ -1UXpPhHrRoOdDqQv ] [ -c limit ] [ -x rules.cdb ] [ -B banner ]" +
	" [ -g gid ] [ -u uid ] [ -b backlog ] [ -l localname ] [ -t timeout ] host port program\n"

// parse reads the command line, or says what is wrong with it.
func parse(c *call.Call) (o options, ok bool) {
	o = options{verbosity: 1, limit: 40, backlog: 20, lookUpHost: true, lookUpInfo: true, infoTimeout: 26}
	letters := getopt.New(c.Args, "dDvqQhHrR1UXx:t:u:g:l:b:B:c:pPoO")
	for letter, more := letters.Next(); more; letter, more = letters.Next() {
		if letter == '?' {
			io.WriteString(c.Err(), letters.Problem()+usage)
			return o, false
		}
		o.set(letter, letters.Arg, c.Env)
	}
	rest := letters.Rest()
	if len(rest) < 3 {
		if o.verbosity > 0 {
			io.WriteString(c.Err(), usage)
		}
		return o, false
	}
	o.host, o.port, o.program = rest[0], rest[1], rest[2:]
	return o, true
}

func (o *options) set(letter byte, arg string, env call.Env) {
	switch letter {
	case '1':
		o.printPort = true
	case 'q', 'Q', 'v':
		o.verbosity = map[byte]int{'q': 0, 'Q': 1, 'v': 2}[letter]
	case 'c':
		o.limit = number(arg)
	case 'b':
		o.backlog = int(int32(number(arg)))
	case 'u':
		o.uid = int(uint32(number(arg)))
	case 'g':
		o.gid = int(uint32(number(arg)))
	case 'U':
		if uid, ok := env.Lookup("UID"); ok {
			o.uid = int(uint32(number(uid)))
		}
		if gid, ok := env.Lookup("GID"); ok {
			o.gid = int(uint32(number(gid)))
		}
	case 'x':
		o.rules = arg
	case 'X':
		o.rulesMayBe = true
	case 'B':
		o.banner = arg
	case 'o', 'O':
		o.keepOptions = letter == 'o'
	case 'd', 'D':
		o.noDelay = letter == 'D'
	case 'l':
		o.localHost, o.knowsLocal = arg, true
	case 'h', 'H':
		o.lookUpHost = letter == 'h'
	case 'p', 'P':
		o.paranoid = letter == 'p'
	case 'r', 'R':
		o.lookUpInfo = letter == 'r'
	case 't':
		o.infoTimeout = number(arg)
	}
}

// number reads the digits at the start of s. It wraps.
func number(s string) (n uint64) {
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = n*10 + uint64(s[i]-'0')
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }
