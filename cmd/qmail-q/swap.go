//go:build !openbsd

package main

import (
	"encoding/binary"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shared is a file to which qmail-send may write at any time, mapped into memory,
// where one byte can be compared and exchanged in one step. With reads and writes,
// what qmail-send writes in between would be lost, and a recipient get the message
// twice.
type shared struct{ data []byte }

func share(f *os.File) (shared, error) {
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return shared{}, err
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return shared{data}, err
}

// swap makes the byte at pos new if it is old.
func (s shared) swap(pos int64, old, new byte) bool {
	// Processors exchange words. A page has whole ones, also at the end of a file.
	word := (*uint32)(unsafe.Pointer(&s.data[pos&^3]))
	for {
		seen := atomic.LoadUint32(word)
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], seen)
		if b[pos&3] != old {
			return false
		}
		b[pos&3] = new
		if atomic.CompareAndSwapUint32(word, seen, binary.NativeEndian.Uint32(b[:])) {
			return true
		}
	}
}

func (s shared) close() { unix.Munmap(s.data) }
