package main

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"

	"goqmail/lib/auto"
	"goqmail/lib/cdb"
	"goqmail/lib/tcprules"
	"goqmail/lib/users"
)

// databases checks that what programs made of files is as new as these.
func (c *checker) databases() {
	for _, d := range []struct{ text, cdb, make string }{
		{"users/assign", "users/cdb", "qmail-newu"},
		{"control/morercpthosts", "control/morercpthosts.cdb", "qmail-newmrh"},
		{"control/moregoodrcptto", "control/moregoodrcptto.cdb", "qmail-newmgrt"},
		{"control/morevalidrcptto", "control/morevalidrcptto.cdb", "qmail-newmvrt"},
		{"control/smtp", "control/smtp.cdb", "tcprules " + auto.Home + "/control/smtp.cdb " + auto.Home + "/control/smtp.tmp <" + auto.Home + "/control/smtp"},
	} {
		c.database(d.text, d.cdb, auto.Home+"/bin/"+d.make)
	}
	c.assign()
	c.rules()
}

// rules checks those for SMTP clients.
func (c *checker) rules() {
	text, err := os.ReadFile(auto.Home + "/control/smtp")
	if err != nil {
		return // there are none, or it has been told of
	}
	db, err := cdb.NewWriter(nowhere{})
	if err == nil {
		err = tcprules.Compile(bytes.NewReader(text), db)
	}
	if err != nil {
		c.wrong("control/smtp", "cannot be compiled: "+err.Error(), "")
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, ":allow") && strings.Contains(line, `,RELAYCLIENT=`) {
			c.wrong("control/smtp", "anybody in the world may send through this host to anywhere: there is RELAYCLIENT in the rule for all", "")
		}
	}
}

func (c *checker) database(source, cdb, remake string) {
	a, errA := os.Stat(auto.Home + "/" + source)
	b, errB := os.Stat(auto.Home + "/" + cdb)
	switch {
	case errB == nil && errors.Is(errA, fs.ErrNotExist):
		c.doubt(cdb, "is in force, but what it was made of, "+source+", is gone", "")
	case errA != nil:
	case errors.Is(errB, fs.ErrNotExist):
		c.doubt(source, "is not in force: there is no "+cdb, remake)
	case errB == nil && a.ModTime().After(b.ModTime()):
		c.wrong(cdb, "is older than "+source+", whose last changes are not in force", remake)
	}
}

// nowhere takes what is written, and forgets it.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error)         { return len(p), nil }
func (nowhere) Seek(at int64, _ int) (int64, error) { return at, nil }

// assign checks that users/assign can be compiled.
func (c *checker) assign() {
	f, err := os.Open(auto.Home + "/users/assign")
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.hidden("users/assign", err)
		}
		return
	}
	defer f.Close()
	table, err := users.NewTable(nowhere{})
	if err != nil {
		return
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if line == "." {
			return
		}
		if err := table.Add(line); err != nil {
			c.wrong("users/assign", `"`+line+`" is no assignment`, "man -M "+auto.Home+"/man qmail-users")
			return
		}
		if strings.HasSuffix(line, "\r") {
			c.wrong("users/assign", "lines end in CR LF", `sed -i 's/\r$//' `+auto.Home+"/users/assign")
			return
		}
	}
	c.wrong("users/assign", "lacks the line with a dot at its end, and so cannot be compiled", "echo . >>"+auto.Home+"/users/assign")
}
