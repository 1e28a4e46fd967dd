// Package users knows who controls which local address: the lines of
// users/assign, the constant database users/cdb that qmail-newu makes of them,
// and the answer of qmail-getpw. See qmail-users(5).
//
// In users/cdb an assignment to one address has the key "!address NUL", a
// wildcard has "!start"; addresses are in lower case. The data is what a line
// of users/assign has between the address and the last colon, with NULs for
// colons. The empty key has the characters with which wildcards end, so that a
// look-up need not try every start of an address.
package users

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/cdb"
)

// User is who controls an address.
type User struct {
	Name     string // of the account
	Uid, Gid uint32
	Home     string // home directory
	Dash     string // deliveries follow Home/.qmail, then Dash, then Ext
	Ext      string
}

// ErrRecord is the error for a description of a user that lacks a field.
var ErrRecord = errors.New("bad user record")

// Parse reads a user as qmail-getpw writes it: name, uid, gid, home, dash and
// ext, each followed by NUL. What comes after is ignored. A number ends at the
// first byte that is no digit, and wraps.
func Parse(record []byte) (User, error) {
	field := bytes.SplitN(record, []byte{0}, 7)
	if len(field) < 7 {
		return User{}, ErrRecord
	}
	return User{
		Name: string(field[0]), Uid: number(field[1]), Gid: number(field[2]),
		Home: string(field[3]), Dash: string(field[4]), Ext: string(field[5]),
	}, nil
}

func number(digits []byte) (n uint32) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint32(c-'0')
	}
	return n
}

// ErrDatabase is the error for a users/cdb that cannot be read or that
// qmail-newu did not make.
var ErrDatabase = errors.New("unable to read users/cdb")

// Find looks for the user who controls address local in a users/cdb. found is
// false when nobody does. The error is ErrDatabase, or ErrRecord.
func Find(db io.ReaderAt, local string) (u User, found bool, err error) {
	record, found, err := find(db, local)
	if err != nil {
		return User{}, false, ErrDatabase
	}
	if !found {
		return User{}, false, nil
	}
	u, err = Parse(append(record, 0))
	return u, err == nil, err
}

// find tries the whole address, then as wildcards all starts of it, from the
// longest to the empty one.
func find(db io.ReaderAt, local string) (record []byte, found bool, err error) {
	ends, ok, err := cdb.Get(db, "")
	if err != nil || !ok {
		return nil, false, ErrDatabase
	}
	key := "!" + ascii.Lower(local)
	if record, found, err = cdb.Get(db, key+"\x00"); found || err != nil {
		return record, found, err
	}
	for n := len(local); n >= 0; n-- {
		if n > 0 && bytes.IndexByte(ends, key[n]) < 0 {
			continue
		}
		if record, found, err = cdb.Get(db, key[:n+1]); found || err != nil {
			return append(record, local[n:]...), found, err
		}
	}
	return nil, false, nil
}

// ErrFormat is the error for a line of users/assign that is no assignment.
var ErrFormat = errors.New("bad format in users/assign")

// Table collects assignments into a users/cdb.
type Table struct {
	db   *cdb.Writer
	ends []byte
}

// NewTable starts a users/cdb in an empty file.
func NewTable(file io.WriteSeeker) (*Table, error) {
	db, err := cdb.NewWriter(file)
	return &Table{db: db}, err
}

// Add adds a line of users/assign. The error is ErrFormat, or one of writing.
// A line that starts with anything but + means what = would.
func (t *Table) Add(line string) error {
	address, record, err := split(line)
	if err != nil {
		return err
	}
	key := "!" + ascii.Lower(address)
	if line[0] != '+' {
		return t.db.Add(key+"\x00", record)
	}
	// The character counts as written. So a wildcard that ends with a capital
	// applies only where another one ends with the small letter.
	if n := len(address); n > 0 && bytes.IndexByte(t.ends, address[n-1]) < 0 {
		t.ends = append(t.ends, address[n-1])
	}
	return t.db.Add(key, record)
}

// split takes a line apart, into the address behind its first character and
// the record it gets.
func split(line string) (address, record string, err error) {
	at := strings.IndexByte(line, ':')
	if at < 1 || strings.IndexByte(line, 0) >= 0 {
		return "", "", ErrFormat
	}
	field := strings.SplitN(line[at+1:], ":", 7)
	if len(field) < 7 {
		return "", "", ErrFormat
	}
	return line[1:at], strings.Join(field[:6], "\x00"), nil
}

// Close completes the database. It does not sync or close the file.
func (t *Table) Close() error {
	if err := t.db.Add("", string(t.ends)); err != nil {
		return err
	}
	return t.db.Close()
}
