// Package netstring reads and writes strings with their length before them
// (Bernstein, Netstrings, 1997): "5:hello,". QMTP and QMQP are made of them.
package netstring

import (
	"errors"
	"io"
	"strconv"
)

// ErrFormat is the error for what is not a netstring.
var ErrFormat = errors.New("not a netstring")

// ErrTooLong is the error for a length that nobody can mean.
var ErrTooLong = errors.New("netstring too long")

// tooLong bounds what a length may be when its last digit comes.
const tooLong = 200000000

// Length reads what stands before the string: digits and a colon. Zeros at the
// start count for nothing, as do missing digits. The length is below 2^31. The
// error is ErrFormat, ErrTooLong, or r's.
func Length(r io.ByteReader) (int, error) {
	n := 0
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c == ':':
			return n, nil
		case n > tooLong:
			return 0, ErrTooLong
		case c < '0' || c > '9':
			return 0, ErrFormat
		}
		n = 10*n + int(c-'0')
	}
}

// Comma reads what stands behind the string. The error is ErrFormat or r's.
func Comma(r io.ByteReader) error {
	c, err := r.ReadByte()
	if err == nil && c != ',' {
		err = ErrFormat
	}
	return err
}

// Append adds s as a netstring to dst and returns the result.
func Append(dst []byte, s string) []byte {
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	dst = append(dst, ':')
	dst = append(dst, s...)
	return append(dst, ',')
}
