// Package resolv asks the machine's name servers for the names of addresses
// and the addresses of names. It is for programs that must stay too small for
// package net or a whole DNS library: one question at a time, no cache, and it
// trusts the servers of resolv.conf(5) as the C library does.
package resolv

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"goqmail/lib/ip"
	"goqmail/lib/socket"
)

// ErrNone is the error for a name that does not exist, or has no record of the
// type that was asked for.
var ErrNone = errors.New("no such record")

// ErrTemp is the error when no server gives an answer that makes sense.
var ErrTemp = errors.New("temporary DNS error")

// port is where name servers answer.
const port = 53

// PTR returns the name of an address, the first if it has several.
func (c *Config) PTR(a ip.Addr) (Name, error) {
	found, err := c.ask(Reverse(a), typePTR)
	if len(found) == 0 {
		return nil, err
	}
	name, err := found[0].name()
	if err != nil {
		return nil, ErrTemp
	}
	return name, nil
}

// Addresses returns the IPv4 addresses of a name, or with v4 false its IPv6
// addresses.
func (c *Config) Addresses(name Name, v4 bool) ([]ip.Addr, error) {
	t := typeAAAA
	if v4 {
		t = typeA
	}
	found, err := c.ask(name, t)
	if err != nil {
		return nil, err
	}
	addresses := make([]ip.Addr, len(found))
	for i, r := range found {
		if addresses[i], err = r.address(); err != nil || addresses[i].Is4() != v4 {
			return nil, ErrTemp
		}
	}
	return addresses, nil
}

// ask returns records of type t, at least one, or ErrNone or ErrTemp. Beside
// ErrTemp there may be some of the records.
func (c *Config) ask(name Name, t kind) ([]record, error) {
	q, ok := question(uint16(rand.Uint32()), name, t)
	if !ok {
		return nil, ErrNone
	}
	response, err := c.Exchange(q)
	if err != nil {
		return nil, err
	}
	if flags(response)&maskCode != codeOK {
		return nil, ErrNone
	}
	found, err := records(response, t)
	if err != nil {
		return found, ErrTemp
	}
	if len(found) == 0 {
		return nil, ErrNone
	}
	return found, nil
}

// Exchange asks a question, a whole message in wire format, and returns the
// first response that is more than a server's excuse, also in wire format. The
// error is ErrTemp when there is none.
func (c *Config) Exchange(question []byte) (response []byte, err error) {
	for range c.Attempts {
		for _, server := range c.Servers {
			response, err := exchange(socket.UDP, server, question, c.Timeout)
			if err == nil && flags(response)&flagTruncated != 0 {
				response, err = exchange(socket.TCP, server, question, c.Timeout)
			}
			if err != nil || isReferral(response) {
				continue
			}
			switch flags(response) & maskCode {
			case codeServer, codeNotImplemented, codeRefused:
				continue
			}
			return response, nil
		}
	}
	return nil, ErrTemp
}

// exchange sends the question to a server and waits for the response.
func exchange(kind socket.Kind, server ip.Addr, question []byte, limit time.Duration) ([]byte, error) {
	end := time.Now().Add(limit)
	f, err := socket.Connect(kind, nil, server, port, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.SetDeadline(end); err != nil {
		return nil, err
	}
	if kind == socket.TCP {
		return exchangeTCP(f, question)
	}
	if _, err := f.Write(question); err != nil {
		return nil, err
	}
	for buf := make([]byte, 4096); ; {
		n, err := f.Read(buf)
		if err != nil && err != io.EOF { // an empty datagram looks like an end
			return nil, err
		}
		if answers(buf[:n], question) {
			return buf[:n], nil
		}
	}
}

// exchangeTCP does it over a stream, where each message has its length before
// it (RFC 1035, section 4.2.2).
func exchangeTCP(f *os.File, question []byte) ([]byte, error) {
	message := binary.BigEndian.AppendUint16(nil, uint16(len(question)))
	if _, err := f.Write(append(message, question...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(f, length[:]); err != nil {
		return nil, err
	}
	response := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(f, response); err != nil {
		return nil, err
	}
	if !answers(response, question) {
		return nil, errFormat
	}
	return response, nil
}
