// Package notls keeps qmail-remote's notes on hosts that offer TLS but fail at
// it, so that a later try can do without: the file queue/lock/notls.
//
// It has room for 64 records of 24 bytes: 16 of the address, as package ip has
// it, and the time of the last failure in seconds, eight bytes in big-endian
// order. The time 0 is a free record. Whoever reads or writes a record holds a
// lock on the file.
//
// Only where TLS is a matter of chance do the notes count, so trouble with the
// file is nobody's trouble: it is as if there were none.
package notls

import (
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/ip"
	"goqmail/lib/tcpto"
)

const (
	records    = 64
	recordSize = 24
)

// lasts is how long a failure counts: long enough for some tries of a message,
// and short enough for a host that is repaired to have TLS again soon.
const lasts = 24 * time.Hour

// Path is the path of the file.
func Path() string { return auto.Home + "/queue/lock/notls" }

// Failed tells whether TLS with a host failed lately.
func Failed(a ip.Addr, now time.Time) bool {
	t, err := load()
	if err != nil {
		return false
	}
	defer t.file.Close()
	at := t.failure(t.find(a))
	return at != 0 && at <= now.Unix() && now.Unix()-at < int64(lasts/time.Second)
}

// Note notes that TLS with a host failed.
func Note(a ip.Addr, now time.Time) {
	t, err := load()
	if err != nil {
		return
	}
	defer t.file.Close()
	record := binary.BigEndian.AppendUint64(a[:], uint64(now.Unix()))
	t.file.WriteAt(record, int64(t.find(a))*recordSize)
}

// table is the file, locked.
type table struct {
	file *os.File
	data [records * recordSize]byte
}

func load() (*table, error) {
	file, err := os.OpenFile(Path(), os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	t := &table{file: file}
	if err := tcpto.Lock(file); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := file.ReadAt(t.data[:], 0); err != nil && err != io.EOF {
		file.Close()
		return nil, err
	}
	return t, nil
}

// find returns the number of the record for an address, or else of the one to
// use for it: a free one, or the oldest.
func (t *table) find(a ip.Addr) int {
	oldest := 0
	for i := range records {
		if t.failure(i) != 0 && t.addr(i) == a {
			return i
		}
		if t.failure(i) < t.failure(oldest) {
			oldest = i
		}
	}
	if t.addr(oldest) != a {
		clear(t.data[oldest*recordSize:][:recordSize])
	}
	return oldest
}

func (t *table) addr(i int) ip.Addr { return ip.Addr(t.data[i*recordSize:]) }

func (t *table) failure(i int) int64 {
	return int64(binary.BigEndian.Uint64(t.data[i*recordSize+len(ip.Addr{}):]))
}
