package tcprules

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"

	"goqmail/lib/cdb"
)

// SyntaxError is the error for a line that is not a rule: the line.
type SyntaxError string

func (e SyntaxError) Error() string {
	line, _, _ := strings.Cut(string(e), "\x00")
	return "unable to parse this line: " + line
}

// ReadError is the error for input that cannot be read.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "unable to read input" }

// Unwrap returns the reason.
func (e *ReadError) Unwrap() error { return e.Err }

// Compile adds the rules in a text to a database. Lines that start with # or
// have no colon count for nothing. The error is a SyntaxError, a *ReadError or
// that of db.
func Compile(text io.Reader, db *cdb.Writer) error {
	lines := bufio.NewReader(text)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return &ReadError{err}
		}
		if len(line) > 0 && line[0] != '#' {
			if err := compileLine(string(bytes.TrimRight(line, " \t\n")), db); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// compileLine compiles "ADDRESS:allow" or "ADDRESS:deny", each with any number
// of ",NAME=/value/" behind it, where / may be any character that is not in the
// value.
func compileLine(line string, db *cdb.Writer) error {
	address, instructions, ok := split(line)
	if !ok {
		return nil
	}
	var data string
	if rest, ok := strings.CutPrefix(instructions, "deny"); ok {
		data, instructions = "D\x00", rest
	} else if instructions, ok = strings.CutPrefix(instructions, "allow"); !ok {
		return SyntaxError(line)
	}
	for instructions != "" {
		name, value, ok := strings.Cut(instructions, "=")
		if !ok || name == "" || name[0] != ',' || value == "" {
			return SyntaxError(line)
		}
		value, rest, ok := strings.Cut(value[1:], value[:1])
		if !ok {
			return SyntaxError(line)
		}
		data += "+" + name[1:] + "=" + value + "\x00"
		instructions = rest
	}
	return add(line, address, data, db)
}

// split splits a line at the colon before its instructions. An IPv6 address has
// colons itself.
func split(line string) (address, instructions string, ok bool) {
	for i := range len(line) {
		if rest := line[i+1:]; line[i] == ':' && (strings.HasPrefix(rest, "allow") || strings.HasPrefix(rest, "deny")) {
			return line[:i], rest, true
		}
	}
	return strings.Cut(line, ":")
}

// add adds a record for each address that a rule is for: "1.2.3-5." is for
// 1.2.3., 1.2.4. and 1.2.5.
func add(line, address, data string, db *cdb.Writer) error {
	dash := strings.IndexByte(address, '-')
	if dash < 0 || strings.ContainsAny(address, "=@") {
		return db.Add(address, data)
	}
	left := strings.LastIndexByte(address[:dash], '.') + 1
	right := len(address)
	if dot := strings.IndexByte(address[dash:], '.'); dot >= 0 {
		right = dash + dot
	}
	first, ok1 := number(address[left:dash])
	last, ok2 := number(address[dash+1 : right])
	if !ok1 || !ok2 {
		return SyntaxError(line)
	}
	for n := first; n <= min(last, 255); n++ {
		if err := db.Add(address[:left]+strconv.FormatUint(n, 10)+address[right:], data); err != nil {
			return err
		}
	}
	return nil
}

// number reads digits, none of which is 0. It wraps.
func number(s string) (n uint64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, true
}
