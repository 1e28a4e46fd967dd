package mbox

import (
	"bufio"
	"bytes"
	"strconv"
	"time"

	"goqmail/lib/date822"
)

// From is the line that starts each message: "From SENDER DATE", with blanks in
// the sender as dashes. The date is UTC in the form of asctime(3), but for the 0
// in front of a day below 10. The sender of a bounce is MAILER-DAEMON.
func From(sender string, when time.Time) string {
	line := []byte("From " + sender)
	for i := len("From "); i < len(line); i++ {
		if c := line[i]; c == ' ' || c == '\t' || c == '\n' {
			line[i] = '-'
		}
	}
	d := date822.UTC(when)
	day := strconv.Itoa(100 + d.Day)[1:]
	return string(line) + " " + d.WeekdayName() + " " + d.MonthName() + " " + day + " " + d.Clock() + " " + strconv.Itoa(d.Year) + "\n"
}

// mark is what starts a message, and so needs a > before it inside of one.
const mark = "From "

// Quoter copies one message into an mbox. A line that starts with "From ", or
// with that behind any number of >, gets another > in front, so that readers
// can tell it from the start of a message.
type Quoter struct {
	w       *bufio.Writer
	matched int  // bytes of mark that have been seen and not yet written
	inside  bool // beyond what could be quoted of this line
	open    bool // the last line has no newline yet
}

// NewQuoter copies to w, which it does not flush.
func NewQuoter(w *bufio.Writer) *Quoter { return &Quoter{w: w} }

// Write adds a part of the message, of any length. The error is that of an
// earlier write of w.
func (q *Quoter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		q.open = true
		if !q.inside {
			p = q.start(p)
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			q.w.Write(p)
			break
		}
		q.w.Write(p[:end+1])
		p = p[end+1:]
		q.inside, q.open = false, false
	}
	_, err := q.w.Write(nil) // a bufio.Writer keeps its first error
	return n, err
}

// start takes one byte at the start of a line. Every > goes straight on: the
// one to add is as good behind them as before them.
func (q *Quoter) start(p []byte) []byte {
	switch {
	case q.matched == 0 && p[0] == '>':
		q.w.WriteByte('>')
		return p[1:]
	case p[0] == mark[q.matched]:
		if q.matched++; q.matched == len(mark) {
			q.w.WriteByte('>')
			q.release()
		}
		return p[1:]
	}
	q.release()
	return p
}

// release writes what was held back.
func (q *Quoter) release() {
	q.w.WriteString(mark[:q.matched])
	q.matched, q.inside = 0, true
}

// Close ends the message: with the newline its last line may lack, and with the
// blank line that stands between messages. It does not flush.
func (q *Quoter) Close() error {
	q.release()
	if q.open {
		q.w.WriteByte('\n')
	}
	_, err := q.w.WriteString("\n")
	return err
}
