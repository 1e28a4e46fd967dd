package main

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/cdb"
	"goqmail/lib/control"
	"goqmail/lib/exit"
)

// What the patches that the lists come from reply.
var (
	errNotValid = exit.Reject("553 sorry, this recipient is not in my validrcptto list (#5.7.1)", nil)
	errNotGood  = exit.Reject("550 sorry, no mailbox here by that name (#5.1.1)", nil)
)

// split takes an address apart in front of its last @.
func split(address string) (local, at string) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address, ""
	}
	return address[:i], address[i:]
}

// validRcptTo asks control/validrcptto and control/morevalidrcptto.cdb: an
// address stands there, or its @domain, to be accepted, or with - in front to be
// refused. What is not listed is accepted. Addresses count before domains.
func (q *question) validRcptTo() error {
	l, err := open(q.name("VALIDRCPTTO", "control/validrcptto"), q.name("MOREVALIDRCPTTO_CDB", "control/morevalidrcptto.cdb"))
	if err != nil || !l.there {
		return err
	}
	defer l.close()
	keys := []struct {
		key    string
		refuse bool
	}{{q.address, false}, {"-" + q.address, true}, {q.at, false}, {"-" + q.at, true}}
	if q.at == "" {
		keys = keys[:1]
	}
	for _, k := range keys {
		found, err := l.has(k.key)
		if err != nil {
			return err
		}
		if found {
			if k.refuse {
				return errNotValid
			}
			return nil
		}
	}
	return nil
}

// goodRcptTo asks control/goodrcptto and control/moregoodrcptto.cdb, in which
// the addresses and @domains stand that are accepted. Others are not.
func (q *question) goodRcptTo() error {
	if _, accept := q.call.Env.Lookup("ACCEPTCLIENT"); accept {
		return nil
	}
	l, err := open("control/goodrcptto", "control/moregoodrcptto.cdb")
	if err != nil || !l.there {
		return err
	}
	defer l.close()
	for _, key := range []string{q.address, q.at} {
		found, err := l.has(key)
		if found || err != nil {
			return err
		}
	}
	return errNotGood
}

// validRcptToCDB asks the database that VALIDRCPTTO_CDB names: for the address,
// for user-default@domain with shorter and shorter users, for @domain. The first
// that is there refuses if its value starts with -. What is not listed is refused.
func (q *question) validRcptToCDB() error {
	path := q.call.Env.Get("VALIDRCPTTO_CDB")
	if path == "" {
		return nil
	}
	db, err := os.Open(path)
	if err != nil {
		return exit.Defer("unable to read "+path, err)
	}
	defer db.Close()
	for _, key := range q.defaults() {
		value, found, err := cdb.Get(db, key)
		if err != nil {
			return exit.Defer("unable to read "+path, err)
		}
		if found && (len(value) == 0 || value[0] != '-') {
			return nil
		}
		if found {
			break
		}
	}
	return errNotValid
}

func (q *question) defaults() []string {
	keys := []string{q.address}
	if q.at == "" {
		return keys
	}
	for user := q.local; ; {
		i := strings.LastIndex(user, auto.Break)
		if i < 0 {
			return append(keys, q.at)
		}
		user = user[:i]
		keys = append(keys, user+auto.Break+"default"+q.at)
	}
}

// name is a variable's value or the name of the file that it replaces.
func (q *question) name(variable, file string) string {
	if value, ok := q.call.Env.Lookup(variable); ok {
		return value
	}
	return file
}

// list is what stands in a file and in a database, whose keys are in lower case.
type list struct {
	there bool // one of the two is
	lines []string
	name  string // of the database
	db    *os.File
}

// open opens a list. What is not there is empty.
func open(file, database string) (l list, err error) {
	if l.lines, l.there, err = control.LinesOf(file); err != nil {
		return l, exit.Defer("unable to read "+file, err)
	}
	l.name = database
	if l.db, err = os.Open(database); err != nil && !errors.Is(err, syscall.ENOENT) {
		return l, exit.Defer("unable to read "+database, err)
	}
	l.there = l.there || l.db != nil
	return l, nil
}

// has tells whether key is listed, which nothing never is.
func (l *list) has(key string) (bool, error) {
	if key == "" {
		return false, nil
	}
	for _, line := range l.lines {
		if len(line) == len(key) && ascii.Lower(line) == key {
			return true, nil
		}
	}
	if l.db == nil {
		return false, nil
	}
	found, err := cdb.Has(l.db, key)
	if err != nil {
		return false, exit.Defer("unable to read "+l.name, err)
	}
	return found, nil
}

func (l *list) close() {
	if l.db != nil {
		l.db.Close()
	}
}
