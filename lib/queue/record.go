package queue

import (
	"bufio"
	"io"
)

// Record types. In todo and intd stand u, p, F and then any number of T, in
// info one F, in local and remote T, D and H. Other implementations do not know H: a
// qmail-send of theirs stops at it, warns, and tries the message again later, for
// as long as it is there.
const (
	Uid    = 'u' // decimal uid of the user who ran qmail-queue
	Pid    = 'p' // decimal process id of that qmail-queue
	Sender = 'F' // envelope sender
	ToDo   = 'T' // envelope recipient
	Done   = 'D' // envelope recipient that needs no further delivery
	Held   = 'H' // envelope recipient that waits until an administrator lets it go
)

// Record is a typed string from a file of the queue, ended there by a NUL.
type Record struct {
	Type byte   // 0 if there is nothing before the NUL
	Text string // the rest: a number or an address
	Pos  int64  // offset of the type in the file, where T becomes D or H
}

// Reader reads the records of a file.
type Reader struct {
	r   *bufio.Reader
	pos int64
}

// NewReader returns a Reader of the file that r reads from its start.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 1024)}
}

// Next returns the next record, and io.EOF at the end of the file. A last
// record without its NUL is left out.
func (r *Reader) Next() (Record, error) {
	s, err := r.r.ReadString(0)
	if err != nil {
		return Record{}, err
	}
	rec := Record{Pos: r.pos}
	r.pos += int64(len(s))
	if len(s) > 1 {
		rec.Type, rec.Text = s[0], s[1:len(s)-1]
	}
	return rec, nil
}

// AppendRecord appends a record of the given type, with its NUL, to b.
func AppendRecord(b []byte, kind byte, text string) []byte {
	b = append(b, kind)
	b = append(b, text...)
	return append(b, 0)
}
