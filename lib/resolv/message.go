package resolv

import (
	"encoding/binary"
	"errors"

	"goqmail/lib/ascii"
	"goqmail/lib/ip"
)

// errFormat is the error for a message that is not one.
var errFormat = errors.New("malformed DNS message")

// kind is a type of records (RFC 1035, section 3.2.2; RFC 3596).
type kind uint16

const (
	typeA    kind = 1
	typePTR  kind = 12
	typeAAAA kind = 28
)

const (
	headerLen = 12
	classIN   = 1

	flagResponse      = 1 << 15
	flagAuthoritative = 1 << 10
	flagTruncated     = 1 << 9
	flagRecurse       = 1 << 8 // asked for
	flagRecursion     = 1 << 7 // to be had
	maskCode          = 15

	codeOK             = 0
	codeServer         = 2 // the server cannot answer
	codeNotImplemented = 4
	codeRefused        = 5
)

// question makes a query. ok is false if there is no such name.
func question(id uint16, name Name, t kind) (message []byte, ok bool) {
	message = binary.BigEndian.AppendUint16(make([]byte, 0, 512), id)
	message = binary.BigEndian.AppendUint16(message, flagRecurse)
	message = append(message, 0, 1, 0, 0, 0, 0, 0, 0)
	message, ok = name.append(message)
	message = binary.BigEndian.AppendUint16(message, uint16(t))
	return binary.BigEndian.AppendUint16(message, classIN), ok
}

// answers tells whether a message is a response to the question, as far as
// anybody can tell by what was asked.
func answers(message, question []byte) bool {
	_, end, err := readName(question, headerLen)
	end += 4 // type and class
	return err == nil && len(message) >= end && len(question) >= end &&
		string(message[:2]) == string(question[:2]) &&
		flags(message)&flagResponse != 0 &&
		count(message, 4) == 1 &&
		ascii.Equal(string(message[headerLen:end]), string(question[headerLen:end]))
}

func flags(message []byte) int { return count(message, 2) }

// count is a 16-bit number of the header.
func count(message []byte, at int) int { return int(binary.BigEndian.Uint16(message[at:])) }

// isReferral tells whether a response says nothing but that another server may
// know.
func isReferral(message []byte) bool {
	return flags(message)&(maskCode|flagAuthoritative|flagRecursion) == 0 && count(message, 6) == 0 && count(message, 10) == 0
}

// record is one of the records that were asked for.
type record struct {
	message []byte // all of the response
	at, end int    // where in it the record's data is
}

// records returns the records of type t in the answer section of a response,
// whatever name they belong to: the server has followed the aliases. Those
// before the damage in a damaged message come with the error.
func records(message []byte, t kind) (found []record, err error) {
	_, at, err := readName(message, headerLen)
	if err != nil {
		return nil, err
	}
	at += 4 // type and class of the question
	for range count(message, 6) {
		_, at, err = readName(message, at)
		if err != nil {
			return found, err
		}
		if at+10 > len(message) {
			return found, errFormat
		}
		r := record{message, at + 10, at + 10 + count(message, at+8)}
		if r.end > len(message) {
			return found, errFormat
		}
		if count(message, at) == int(t) {
			found = append(found, r)
		}
		at = r.end
	}
	return found, nil
}

// name reads the data of a PTR record.
func (r record) name() (Name, error) {
	name, next, err := readName(r.message, r.at)
	if err == nil && next > r.end {
		err = errFormat
	}
	return name, err
}

// address reads the data of an A or AAAA record.
func (r record) address() (a ip.Addr, err error) {
	data := r.message[r.at:r.end]
	switch len(data) {
	case 4:
		return ip.V4(data[0], data[1], data[2], data[3]), nil
	case 16:
		return ip.Addr(data), nil
	}
	return a, errFormat
}
