package main

import (
	"bufio"
	"errors"
	"io"
	"os"

	"goqmail/lib/qmail"
	"goqmail/lib/skip"
)

// envelope is an envelope, see envelopes(5), in a file like a message's.
type envelope struct {
	file       *os.File
	sender     string
	recipients []string // the first few
	more       bool     // there are others
}

const (
	maxAddress    = 1002 // qmail-queue's
	maxRecipients = 1000 // that are looked at
)

// takeEnvelope reads an envelope up to the NUL that ends it.
func takeEnvelope(r io.Reader) (*envelope, error) {
	file, err := newFile()
	if err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	e := &envelope{file: file}
	in, out := bufio.NewReader(r), bufio.NewWriter(file)
	letter := byte('F')
	for {
		first, err := in.ReadByte()
		if err != nil {
			return nil, readFailure(err)
		}
		out.WriteByte(first)
		if first == 0 && letter == 'T' {
			break // what follows nobody will read
		}
		if first != letter {
			return nil, failure{qmail.ExitEnvelope, errors.New("no envelope")}
		}
		address, err := takeAddress(out, in)
		if err != nil {
			return nil, err
		}
		switch {
		case letter == 'F':
			e.sender, letter = address, 'T'
		case len(e.recipients) < maxRecipients:
			e.recipients = append(e.recipients, address)
		default:
			e.more = true
		}
	}
	if err := out.Flush(); err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	return e, nil
}

// isIn tells whether mail with this envelope may pass.
func (e *envelope) isIn(rules skip.Rules) bool {
	return rules.Sender(e.sender) || !e.more && rules.Recipients(e.recipients)
}

// takeAddress copies an address and the NUL behind it.
func takeAddress(out *bufio.Writer, in *bufio.Reader) (string, error) {
	var address []byte
	for {
		c, err := in.ReadByte()
		if err != nil {
			return "", readFailure(err)
		}
		if err := out.WriteByte(c); err != nil {
			return "", failure{qmail.ExitWrite, err}
		}
		if c == 0 {
			return string(address), nil
		}
		if address = append(address, c); len(address) > maxAddress {
			return "", failure{qmail.ExitLong, errors.New("address too long")}
		}
	}
}

// readFailure is the failure for an error of reading an envelope. A caller that
// has changed its mind leaves it without an end.
func readFailure(err error) error {
	if err == io.EOF {
		err = errors.New("the envelope ends early")
	}
	return failure{qmail.ExitRead, err}
}
