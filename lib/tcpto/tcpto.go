// Package tcpto keeps qmail-remote's notes on hosts that do not answer, so that
// the deliveries to such a host need not all wait for it: the file
// queue/lock/tcpto.
//
// It has room for 64 records of 16 bytes: four of the IP address, one that
// counts recent timeouts, and at 8 the time of the last one, four bytes in
// little-endian order. A count of 0 is a free record. The rest is zero.
// Whoever reads or writes a record holds a lock on the file.
//
// The notes only ever save time, so trouble with the file is nobody's trouble:
// it is as if there were none. IPv6 addresses have no place here.
package tcpto

import (
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/exit"
)

const (
	size       = 1024 // of the file
	recordSize = 16
)

// Path is the path of the file.
func Path() string { return auto.Home + "/queue/lock/tcpto" }

// Record is the note on one address.
type Record [recordSize]byte

// IP is the address, in network order.
func (r *Record) IP() [4]byte { return [4]byte(r[:4]) }

// Count is the number of recent timeouts, at most 10. One that is below 1
// makes the record free; the byte has a sign.
func (r *Record) Count() int8 { return int8(r[4]) }

// Age is the time in seconds since the last timeout; below 0 if the clock was
// set back. The four bytes of the file begin anew in 2106. They mean a time of
// the present turn, or of the last if that would be far in the future.
func (r *Record) Age(now time.Time) int64 {
	const turn = 1 << 32
	seconds := now.Unix()
	last := seconds&^(turn-1) + int64(binary.LittleEndian.Uint32(r[8:]))
	if last > seconds+turn/2 && last >= turn {
		last -= turn
	}
	return seconds - last
}

func (r *Record) set(count int8, now time.Time) {
	r[4] = byte(count)
	binary.LittleEndian.PutUint32(r[8:], uint32(now.Unix()))
}

// Table is the file, locked, and its records.
type Table struct {
	Records []Record
	file    *os.File // for writing
}

// Load waits for the lock on the file at path and reads it. Close the table
// soon. The error says what could not be done with tcpto.
func Load(path string) (*Table, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, exit.Defer("unable to open tcpto", err)
	}
	t := &Table{file: file}
	from, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Close()
		return nil, exit.Defer("unable to open tcpto", err)
	}
	defer from.Close()
	if err := Lock(file); err != nil {
		t.Close()
		return nil, exit.Defer("unable to lock tcpto", err)
	}
	buf := make([]byte, size)
	n, err := from.Read(buf)
	if err != nil && err != io.EOF {
		t.Close()
		return nil, exit.Defer("unable to read tcpto", err)
	}
	for ; n >= recordSize; n -= recordSize {
		t.Records = append(t.Records, Record(buf))
		buf = buf[recordSize:]
	}
	return t, nil
}

// Lock waits for the lock on the file.
func Lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			return err
		}
	}
}

// Close gives up the lock.
func (t *Table) Close() { t.file.Close() }

func (t *Table) write(i int) { t.file.WriteAt(t.Records[i][:], int64(i)*recordSize) }

// Clear makes all records free. It does not wait for the lock.
func Clear(file *os.File) error {
	_, err := file.Write(make([]byte, size))
	return err
}
