// Package control reads the files of /var/qmail/control; see qmail-control(5).
//
// Each reader tells three cases apart: the file is there, the file is not
// there, and the file cannot be read. An empty file is there. Names are relative to
// the control directory.
package control

import (
	"bytes"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
)

// Path is the path of the control file name.
func Path(name string) string { return auto.Home + "/control/" + name }

// Named tells whether there may be a file, or a link, wherever it leads.
func Named(name string) bool {
	var st syscall.Stat_t
	return syscall.Lstat(Path(name), &st) != syscall.ENOENT
}

// Line reads the first line of a file, without trailing blanks. ok is false
// when there is no such file.
func Line(name string) (line string, ok bool, err error) {
	data, ok, err := read(Path(name))
	first, _, _ := bytes.Cut(data, []byte{'\n'})
	return trim(first), ok, err
}

// LineOr is Line with a value for when there is no such file.
func LineOr(name, missing string) (string, error) {
	line, ok, err := Line(name)
	if !ok && err == nil {
		line = missing
	}
	return line, err
}

// Int is Number with a value for when there is none.
func Int(name string, missing int) (int, error) {
	n, ok, err := Number(name)
	if !ok {
		n = missing
	}
	return n, err
}

// Number reads the number at the start of a file's first line. ok is false when
// there is no such file, or it does not start with a digit. Numbers wrap at 32
// bits, as they always have.
func Number(name string) (n int, ok bool, err error) {
	line, ok, err := Line(name)
	if !ok || err != nil || line == "" || line[0] < '0' || line[0] > '9' {
		return 0, false, err
	}
	var u uint64
	for i := 0; i < len(line) && '0' <= line[i] && line[i] <= '9'; i++ {
		u = u*10 + uint64(line[i]-'0')
	}
	return int(int32(u)), true, nil
}

// Lines reads the lines of a file, without trailing blanks, empty lines and
// lines that start with #. ok is false when there is no such file. A NUL ends a
// line as a newline does, but for the blanks before it.
func Lines(name string) (lines []string, ok bool, err error) { return LinesOf(Path(name)) }

// LinesOf is Lines for a file that may stand anywhere.
func LinesOf(path string) (lines []string, ok bool, err error) {
	data, ok, err := read(path)
	if !ok || err != nil {
		return nil, ok, err
	}
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte{'\n'})
		if s := trim(line); s != "" && s[0] != 0 && s[0] != '#' {
			lines = append(lines, strings.Split(s, "\x00")...)
		}
	}
	return lines, true, nil
}

// read takes no notice of a FIFO that nobody writes to: it is empty.
func read(path string) (data []byte, ok bool, err error) {
	fd, err := open(path, syscall.O_NONBLOCK)
	if err != nil {
		if err == syscall.ENOENT {
			err = nil
		}
		return nil, false, err
	}
	defer syscall.Close(fd)
	var block [1024]byte
	for {
		n, err := syscall.Read(fd, block[:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, false, err
		case n == 0:
			return data, true, nil
		default:
			data = append(data, block[:n]...)
		}
	}
}

// Open opens a file for reading at any place, as a database is read. A FIFO is not
// awaited; reading it fails.
func Open(name string) (*os.File, error) {
	fd, err := open(Path(name), syscall.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	syscall.SetNonblock(fd, false) // or else the poller is set up for it
	return os.NewFile(uintptr(fd), name), nil
}

// open does without os.Open, which makes the runtime set up its poller: two
// descriptors and five system calls, for files that need none.
func open(path string, flags int) (fd int, err error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|flags, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

func trim(line []byte) string { return string(bytes.TrimRight(line, " \t\n")) }

// Set is a set of names that differ in more than case.
type Set map[string]struct{}

// NewSet makes a set of the lines of a file.
func NewSet(lines []string) Set {
	s := make(Set, len(lines))
	for _, line := range lines {
		s[ascii.Lower(line)] = struct{}{}
	}
	return s
}

// Has tells whether name is in the set.
func (s Set) Has(name string) bool {
	_, ok := s[ascii.Lower(name)]
	return ok
}

// Map maps names, whatever their case, to the rest of their lines.
type Map map[string]string

// NewMap makes a map of lines "name:rest". A line without a colon counts for
// nothing, and of several lines for one name the last counts.
func NewMap(lines []string) Map {
	m := make(Map, len(lines))
	for _, line := range lines {
		if name, rest, ok := strings.Cut(line, ":"); ok {
			m[ascii.Lower(name)] = rest
		}
	}
	return m
}

// Get returns what stands behind name, and whether there is such a line.
func (m Map) Get(name string) (string, bool) {
	rest, ok := m[ascii.Lower(name)]
	return rest, ok
}
