// Package tcpto keeps qmail-remote's notes on hosts that do not answer, so that
// the deliveries to such a host need not all wait for it: the files
// queue/lock/tcpto for IPv4 and queue/lock/tcpto6 for IPv6.
//
// Each has room for 64 records: the IP address, and 12 bytes, of which the first
// counts recent timeouts, and four at 4 are the time of the last one, in
// little-endian order. A count of 0 is a free record. The rest is zero. Whoever
// reads or writes a record holds a lock on the file.
//
// The notes only ever save time, so trouble with a file is nobody's trouble:
// it is as if there were none. Plain qmail has no tcpto6, and its absence is no
// trouble at all.
package tcpto

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/exit"
	"goqmail/lib/ip"
)

const (
	records  = 64 // in a file
	noteSize = 12 // what a record has beside the address
)

// Family is a kind of address, by its length in bytes. Each has its file.
type Family int

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 16
)

func family(a ip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// Name is the name of the family's file.
func (f Family) Name() string {
	if f == IPv4 {
		return "tcpto"
	}
	return "tcpto6"
}

// Path is the path of the family's file.
func (f Family) Path() string { return auto.Home + "/queue/lock/" + f.Name() }

func (f Family) recordSize() int { return int(f) + noteSize }

// Record is the note on one address, as it is in the file.
type Record []byte

// Addr is the address.
func (r Record) Addr() ip.Addr {
	if len(r) == IPv4.recordSize() {
		return ip.V4(r[0], r[1], r[2], r[3])
	}
	return ip.Addr(r)
}

func (r Record) name(a ip.Addr) {
	if quad := a.As4(); a.Is4() {
		copy(r, quad[:])
	} else {
		copy(r, a[:])
	}
}

func (r Record) note() []byte { return r[len(r)-noteSize:] }

// Count is the number of recent timeouts, at most 10. One that is below 1
// makes the record free; the byte has a sign.
func (r Record) Count() int8 { return int8(r.note()[0]) }

// Age is the time in seconds since the last timeout; below 0 if the clock was
// set back. The four bytes of the file begin anew in 2106. They mean a time of
// the present turn, or of the last if that would be far in the future.
func (r Record) Age(now time.Time) int64 {
	const turn = 1 << 32
	seconds := now.Unix()
	last := seconds&^(turn-1) + int64(binary.LittleEndian.Uint32(r.note()[4:]))
	if last > seconds+turn/2 && last >= turn {
		last -= turn
	}
	return seconds - last
}

func (r Record) set(count int8, now time.Time) {
	r.note()[0] = byte(count)
	binary.LittleEndian.PutUint32(r.note()[4:], uint32(now.Unix()))
}

// Table is the file of a family, locked, and its records.
type Table struct {
	Records []Record
	family  Family
	file    *os.File // for writing
}

// Load waits for the lock on the file at path and reads it. Close the table
// soon. The error says what could not be done with tcpto.
func (f Family) Load(path string) (*Table, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, f.unable("open", err)
	}
	t := &Table{family: f, file: file}
	from, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Close()
		return nil, f.unable("open", err)
	}
	defer from.Close()
	if err := Lock(file); err != nil {
		t.Close()
		return nil, f.unable("lock", err)
	}
	size := f.recordSize()
	buf := make([]byte, records*size)
	n, err := from.Read(buf)
	if err != nil && err != io.EOF {
		t.Close()
		return nil, f.unable("read", err)
	}
	for ; n >= size; n -= size {
		t.Records = append(t.Records, buf[:size])
		buf = buf[size:]
	}
	return t, nil
}

func (f Family) unable(what string, err error) error {
	return exit.Defer("unable to "+what+" "+f.Name(), err)
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

func (t *Table) write(i int) {
	t.file.WriteAt(t.Records[i], int64(i)*int64(t.family.recordSize()))
}

// Clear makes all records of the file at path free. IPv6 may be without one.
func (f Family) Clear(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if f == IPv6 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return exit.Defer("unable to write "+f.Path(), err)
	}
	defer file.Close()
	if err := Lock(file); err != nil {
		return exit.Defer("unable to lock "+f.Path(), err)
	}
	if err := f.erase(file); err != nil {
		return exit.Defer("unable to clear "+f.Path(), err)
	}
	return nil
}

// Forgive makes all records of both files free: much may have changed since
// mail last flowed. It does not wait for a lock, and it is no harm if it fails.
func Forgive() {
	for _, f := range []Family{IPv4, IPv6} {
		if file, err := os.OpenFile(f.Path(), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.erase(file)
			file.Close()
		}
	}
}

func (f Family) erase(file *os.File) error {
	_, err := file.Write(make([]byte, records*f.recordSize()))
	return err
}
