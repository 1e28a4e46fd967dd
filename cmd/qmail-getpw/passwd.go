package main

import (
	"bufio"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// account is what we want to know of a line in the form of passwd(5).
type account struct {
	name     string
	uid, gid uint32
	home     string
}

// passwd is the accounts found in such lines, by name.
type passwd struct {
	accounts map[string]account
	yp       bool // there were lines that stand for accounts kept elsewhere
}

// parse reads lines and keeps the first account for each name that is wanted.
// A line that is no account counts for nothing.
func parse(text io.Reader, wanted []string) (p passwd, err error) {
	p.accounts = make(map[string]account)
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, 1<<14), 1<<20)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "\x00")
		line = strings.TrimLeft(line, " \t\v\f")
		name, rest, _ := strings.Cut(line, ":")
		if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
			p.yp = true
			continue
		}
		if _, known := p.accounts[name]; known || !slices.Contains(wanted, name) || strings.HasPrefix(name, "#") {
			continue
		}
		if a, ok := parseRest(rest); ok {
			a.name = name
			p.accounts[name] = a
		}
	}
	return p, lines.Err()
}

// parseRest reads a line from behind its first colon: password, uid, gid,
// full name, home directory, shell. What should follow the gid may be missing.
func parseRest(rest string) (a account, ok bool) {
	field := strings.SplitN(rest, ":", 6)
	if len(field) < 3 {
		return a, false
	}
	uid, uidOK := number(field[1])
	gid, gidOK := number(field[2])
	if len(field) > 4 {
		a.home = field[4]
	}
	a.uid, a.gid = uid, gid
	return a, uidOK && gidOK
}

// number reads a uid or gid as the C library does: blanks and a sign may stand
// before the digits, and what is too big or negative counts as the biggest.
func number(s string) (uint32, bool) {
	s = strings.TrimLeft(s, " \t\v\f\r")
	digits := strings.TrimPrefix(s, "+")
	if digits == s {
		digits = strings.TrimPrefix(s, "-")
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if errors.Is(err, strconv.ErrRange) || err == nil && n > 0 && s[0] == '-' {
		return math.MaxUint32, true
	}
	return uint32(n), err == nil
}

// open opens a file without os.Open's preparations for files that one may have
// to wait for, which cost a short life dear.
func open(path string) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return os.NewFile(uintptr(fd), path), err
		}
	}
}
