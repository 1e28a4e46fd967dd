// Package rcpthosts tells which domains mail from the network may be for: those
// in control/rcpthosts and control/morercpthosts.cdb, see qmail-smtpd(8).
package rcpthosts

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/cdb"
	"goqmail/lib/control"
)

// Hosts is what the control files said when they were opened.
type Hosts struct {
	all  bool // there is no rcpthosts
	some control.Set
	more *os.File // morercpthosts.cdb; nil if there is none
}

// Open reads rcpthosts. Close the result.
func Open() (*Hosts, error) {
	lines, ok, err := control.Lines("rcpthosts")
	if !ok || err != nil {
		return &Hosts{all: true}, err
	}
	more, err := control.Open("morercpthosts.cdb")
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return &Hosts{some: control.NewSet(lines), more: more}, err
}

// Close gives up the database.
func (h *Hosts) Close() {
	if h.more != nil {
		h.more.Close()
	}
}

// Allow tells whether mail for the address is to be accepted: its domain is
// listed, or a parent of its domain is listed with a dot in front. An address
// without a domain is always fine. The error is one of reading the database.
func (h *Hosts) Allow(address string) (bool, error) {
	at := strings.LastIndexByte(address, '@')
	if h.all || at < 0 {
		return true, nil
	}
	host := ascii.Lower(address[at+1:])
	for _, name := range suffixes(host) {
		if h.some.Has(name) {
			return true, nil
		}
	}
	if h.more == nil {
		return false, nil
	}
	for _, name := range suffixes(host) {
		if ok, err := cdb.Has(h.more, name); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// suffixes lists host and what follows each of its dots, with the dot; nothing
// for an empty host.
func suffixes(host string) []string {
	var list []string
	for i := range len(host) {
		if i == 0 || host[i] == '.' {
			list = append(list, host[i:])
		}
	}
	return list
}
