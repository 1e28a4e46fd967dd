package main

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/date822"
	"goqmail/lib/descriptor"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
)

// errRead is what a read error has always been called here.
var errRead = exit.Defer("out of memory", nil)

// records reads records from one file after another. What was read ahead of
// one file comes before the next: should info hold more than the sender, the
// rest is listed as recipients.
type records struct {
	file descriptor.File
	*bufio.Reader
}

func newRecords() *records {
	r := &records{}
	r.Reader = bufio.NewReaderSize((*source)(r), 1024)
	return r
}

// source is the file that records is at.
type source records

func (s *source) Read(p []byte) (int, error) { return s.file.Read(p) }

// open goes on to another file.
func (r *records) open(name queue.Name) (err error) {
	r.file, err = descriptor.Open(name.Path(), syscall.O_RDONLY, 0)
	return err
}

// next returns the next record, without its NUL, and whether it had one. It
// has none at the end of the file.
func (r *records) next() (record string, ended bool, err error) {
	record, err = r.ReadString(0)
	switch err {
	case nil:
		return record[:len(record)-1], true, nil
	case io.EOF:
		return record, false, nil
	}
	return "", false, errRead
}

// message prints what there is of one message.
func (l *lister) message(n queue.Num) error {
	var mess, bounce syscall.Stat_t
	if err := syscall.Stat(l.layout.Mess(n).Path(), &mess); err != nil {
		l.trouble(n, err)
		return nil
	}
	bouncing := syscall.Stat(l.layout.Bounce(n).Path(), &bounce) == nil
	r := newRecords()
	if err := r.open(l.layout.Info(n)); err != nil {
		l.trouble(n, err)
		return nil
	}
	sender, _, err := r.next()
	var info unix.Stat_t
	statErr := unix.Fstat(int(r.file), &info)
	r.file.Close()
	if err != nil {
		return err
	}
	if statErr != nil {
		l.trouble(n, statErr)
		return nil
	}
	arrived := time.Unix(info.Mtim.Unix())
	l.out.WriteString(printable(headline(n, arrived, mess.Size, sender, bouncing)) + "\n")
	if err := l.recipients(n, r, l.layout.Local(n), "\tlocal\t"); err != nil {
		return err
	}
	return l.recipients(n, r, l.layout.Remote(n), "\tremote\t")
}

// headline is the line about the message as a whole. sender is the record.
func headline(n queue.Num, arrived time.Time, size int64, sender string, bouncing bool) string {
	date := strings.TrimSuffix(date822.Format(arrived), " -0000")
	line := date + " GMT  #" + n.String() + "  " + strconv.FormatInt(size, 10) + "  <"
	if sender != "" {
		line += sender[1:]
	}
	line += "> "
	if bouncing {
		line += " bouncing"
	}
	return line
}

// recipients prints the recipients in a file of local or remote.
func (l *lister) recipients(n queue.Num, r *records, name queue.Name, label string) error {
	if err := r.open(name); err != nil {
		if err != syscall.ENOENT {
			l.trouble(n, err)
		}
		return nil
	}
	defer r.file.Close()
	for {
		record, ended, err := r.next()
		if err != nil || !ended {
			return err
		}
		if record == "" {
			continue
		}
		switch record[0] {
		case queue.Done:
			l.out.WriteString("  done" + label + printable(record[1:]) + "\n")
		case queue.Held:
			l.out.WriteString("  held" + label + printable(record[1:]) + "\n")
		case queue.ToDo:
			l.out.WriteString(label + printable(record[1:]) + "\n")
		}
	}
}

// printable replaces what could upset a terminal.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '_'
		}
	}
	return string(b)
}
