// Package spawn is what qmail-send, qmail-lspawn and qmail-rspawn have in
// common: the protocol on the pipes between them, and the loop by which the
// two spawns serve it.
//
// When it starts, a spawn sends a greeting, the number of deliveries it can have
// under way at once. From then on qmail-send sends requests,
//
//	NUM mess NUL sender NUL recipient NUL
//
// where NUM is the delivery's number and mess is the name of the message file
// below queue/mess, such as 7/2345. For each request there comes,
// sooner or later and in any order, one report,
//
//	NUM STATUS text NUL
//
// where STATUS is K for success, Z for a failure that may pass and D for one
// that will not. Qmail-send may use a number again once it has the report.
//
// The greeting and NUM are one byte or, where the programs are built for more
// than 255 deliveries, two, the lower one first.
package spawn

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/timeout"
)

// ReportMax is how much qmail-send keeps of a report, with its number. It does
// not trust qmail-rspawn to keep reports short.
const ReportMax = 10000

// TextMax is how much of that is left for the text, after number and status.
func TextMax() int { return ReportMax - int(builtIn()) - 1 }

// width is how many bytes a number has on the pipes.
type width int

// builtIn is the width for the limit that is built in.
func builtIn() width {
	if auto.Spawn() > 255 {
		return 2
	}
	return 1
}

func (w width) append(b []byte, n int) []byte {
	b = append(b, byte(n))
	if w > 1 {
		b = append(b, byte(n>>8))
	}
	return b
}

// number is the number that b starts with.
func (w width) number(b []byte) int {
	n := int(b[0])
	if w > 1 {
		n += int(b[1]) << 8
	}
	return n
}

// ErrMixed is the error for a spawn that greets in the other width.
var ErrMixed = errors.New("built with another spawn limit")

// ReadGreeting reads a spawn's greeting. A greeting is written at once: one
// byte without the next, or one too many, is ErrMixed.
func ReadGreeting(from *os.File) (limit int, err error) { return builtIn().readGreeting(from) }

func (w width) readGreeting(from *os.File) (limit int, err error) {
	const patience = 5 * time.Second
	var greeting [3]byte
	n, err := from.Read(greeting[:w+1])
	if n == 0 {
		return 0, err
	}
	if n < int(w) {
		rest := timeout.Reader{File: from, Limit: patience}
		more, err := io.ReadFull(rest, greeting[n:w])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, ErrMixed
		}
		if err != nil {
			return 0, err
		}
		n += more
	}
	if n > int(w) {
		return 0, ErrMixed
	}
	return w.number(greeting[:]), nil
}

// NoLogin is what qmail-remote prints, NUL after it, before its reports on a
// relay that it has a login for but offers no way it knows to use it. For all
// its K, it says nothing about the message.
const NoLogin = "Kno supported AUTH method found, continuing without authentication.\n"

// Request asks for one delivery.
type Request struct {
	Num       int    // from 0, below the spawn limit
	Mess      string // file below queue/mess
	Sender    string
	Recipient string
}

// Address splits the recipient at its last @, of which there must be one.
func (r Request) Address() (local, host string) {
	at := strings.LastIndexByte(r.Recipient, '@')
	return r.Recipient[:at], r.Recipient[at+1:]
}

// AppendRequest appends a request in the form it has on the pipe. No string
// may hold a NUL.
func AppendRequest(b []byte, r Request) []byte { return builtIn().appendRequest(b, r) }

func (w width) appendRequest(b []byte, r Request) []byte {
	b = w.append(b, r.Num)
	b = append(append(b, r.Mess...), 0)
	b = append(append(b, r.Sender...), 0)
	return append(append(b, r.Recipient...), 0)
}

// Requests takes a stream of requests apart. The zero value is at its start.
type Requests struct {
	width  width // 0: the one that is built in
	next   Request
	fields int // of next that are complete: number, mess, sender
	text   []byte
}

// Parse takes the next piece of the stream and calls do for each request that
// it completes.
func (p *Requests) Parse(data []byte, do func(Request)) {
	if p.width == 0 {
		p.width = builtIn()
	}
	for len(data) > 0 {
		if p.fields == 0 {
			p.text, data = append(p.text, data[0]), data[1:]
			if len(p.text) == int(p.width) {
				p.next.Num = p.width.number(p.text)
				p.fields, p.text = 1, p.text[:0]
			}
			continue
		}
		text, rest, whole := bytes.Cut(data, []byte{0})
		p.text = append(p.text, text...)
		if !whole {
			return
		}
		data = rest
		p.field(string(p.text), do)
		p.text = p.text[:0]
	}
}

func (p *Requests) field(text string, do func(Request)) {
	switch p.fields {
	case 1:
		p.next.Mess = text
	case 2:
		p.next.Sender = text
	case 3:
		p.next.Recipient = text
		do(p.next)
		p.next, p.fields = Request{}, 0
		return
	}
	p.fields++
}

// AppendReport appends a report in the form it has on the pipe. report is its
// status and text; a NUL ends it early.
func AppendReport(b []byte, num int, report string) []byte {
	return builtIn().appendReport(b, num, report)
}

func (w width) appendReport(b []byte, num int, report string) []byte {
	b = w.append(b, num)
	for i := 0; i < len(report) && report[i] != 0; i++ {
		b = append(b, report[i])
	}
	return append(b, 0)
}

// Reports takes a stream of reports apart, once the greeting is read. The zero
// value is at the start of a report.
type Reports struct {
	width width // 0: the one that is built in
	next  []byte
}

// Parse takes the next piece of the stream and calls do for each report that
// it completes, with its number and with its status and text. Of a long report
// it keeps the start, so that all is at most ReportMax long. do must not keep
// report.
func (p *Reports) Parse(data []byte, do func(num int, report []byte)) {
	if p.width == 0 {
		p.width = builtIn()
	}
	for _, c := range data {
		if c == 0 && len(p.next) >= int(p.width) {
			do(p.width.number(p.next), p.next[p.width:])
			p.next = p.next[:0]
		} else if len(p.next) < ReportMax {
			p.next = append(p.next, c)
		}
	}
}
