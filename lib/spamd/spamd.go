// Package spamd asks spamd, the daemon of SpamAssassin, what it thinks of a
// message: the command SYMBOLS of the protocol that spamc(1) speaks.
package spamd

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// Report is what spamd says. The words in it have no other bytes than they
// should.
type Report struct {
	Spam            bool
	Score, Required string // decimal numbers
	Tests           string // the tests that hit, with commas between
}

// Value is the score as a number.
func (r Report) Value() float64 { v, _ := Number(r.Score); return v }

// Number reads a score: digits, perhaps with a sign before and a fraction behind.
func Number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && len(s) < 20 && strings.Trim(s, "-.0123456789") == ""
}

const (
	maxLine  = 1024 // of the answer's head
	maxTests = 64 << 10
)

// Check sends a message of size bytes to a spamd that was just connected to. An
// answer that is none, or does not come to its end, is an error.
func Check(conn io.ReadWriter, mess io.Reader, size int64) (Report, error) {
	var r Report
	err := send(conn, mess, size)
	if err == nil {
		r, err = read(bufio.NewReaderSize(conn, maxLine))
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return r, err
}

func send(w io.Writer, mess io.Reader, size int64) error {
	if _, err := io.WriteString(w, "SYMBOLS SPAMC/1.5\r\nContent-length: "+strconv.FormatInt(size, 10)+"\r\n\r\n"); err != nil {
		return err
	}
	buf := make([]byte, 32<<10)
	for size > 0 {
		n, err := mess.Read(buf[:min(size, int64(len(buf)))])
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		size -= int64(n)
		if err != nil && size > 0 {
			return err
		}
	}
	return nil
}

func read(in *bufio.Reader) (r Report, err error) {
	status, err := line(in)
	if err != nil {
		return r, err
	}
	// SPAMD/1.1 0 EX_OK
	if word := strings.Fields(status); len(word) < 2 || !strings.HasPrefix(word[0], "SPAMD/") || word[1] != "0" {
		return r, unexpected(status)
	}
	length := -1
	for {
		field, err := line(in)
		if err != nil {
			return r, err
		}
		if field == "" {
			break
		}
		name, value, _ := strings.Cut(field, ":")
		switch strings.ToLower(name) {
		case "spam":
			if !r.parse(value) {
				return r, unexpected(field)
			}
		case "content-length":
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > maxTests {
				return r, unexpected(field)
			}
		}
	}
	if r.Score == "" || length < 0 {
		return r, errors.New("incomplete answer")
	}
	tests := make([]byte, length)
	if _, err := io.ReadFull(in, tests); err != nil {
		return r, err
	}
	r.Tests = strings.TrimSpace(string(tests))
	if i := strings.IndexFunc(r.Tests, notInTests); i >= 0 {
		return r, unexpected(r.Tests[i:])
	}
	return r, nil
}

// parse reads what the field Spam says, such as "True ; 15.0 / 5.0".
func (r *Report) parse(value string) bool {
	word := strings.Fields(value)
	if len(word) != 5 || word[1] != ";" || word[3] != "/" {
		return false
	}
	_, score := Number(word[2])
	_, required := Number(word[4])
	r.Spam, r.Score, r.Required = word[0] == "True", word[2], word[4]
	return score && required && (r.Spam || word[0] == "False")
}

func notInTests(c rune) bool {
	return !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == ',')
}

// line reads a line of the answer's head.
func line(in *bufio.Reader) (string, error) {
	b, err := in.ReadSlice('\n')
	return strings.TrimRight(string(b), "\r\n"), err
}

func unexpected(what string) error {
	return errors.New("unexpected answer " + strconv.QuoteToASCII(what[:min(len(what), 100)]))
}
