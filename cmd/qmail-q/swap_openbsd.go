package main

import "os"

// shared is a file to which qmail-send may write at any time. Here what is mapped
// into memory and what is written are not the same, so there is a moment between
// the look and the change.
type shared struct{ f *os.File }

func share(f *os.File) (shared, error) { return shared{f}, nil }

// swap makes the byte at pos new if it is old.
func (s shared) swap(pos int64, old, new byte) bool {
	var b [1]byte
	if _, err := s.f.ReadAt(b[:], pos); err != nil || b[0] != old {
		return false
	}
	_, err := s.f.WriteAt([]byte{new}, pos)
	return err == nil
}

func (s shared) close() {}
