// Package cdb reads and writes constant databases (Bernstein, "A structure for
// constant databases"): users/cdb, control/morercpthosts.cdb and tcpserver's
// rules.
//
// A cdb is 256 pairs (position, length) of hash tables, the records (key length,
// data length, key, data), and the tables of (hash, position) slots. All
// numbers are 32 bits, little-endian, so a file holds less than 4 GiB.
package cdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// ErrFormat is the error for a file that is not a cdb or has been damaged.
var ErrFormat = errors.New("not a constant database")

func hash(key string) uint32 {
	h := uint32(5381)
	for i := range len(key) {
		h = h<<5 + h ^ uint32(key[i])
	}
	return h
}

// Get returns the data of the first record with the given key, and whether
// there is one. It reads only what it needs of r. The error is r's, or
// ErrFormat where positions in the file lead out of it.
func Get(r io.ReaderAt, key string) (data []byte, ok bool, err error) {
	at, n, ok, err := find(r, key)
	if !ok || err != nil {
		return nil, false, err
	}
	data, err = read(r, at, n)
	return data, err == nil, err
}

// Has is Get where only the key matters. It does not read the data.
func Has(r io.ReaderAt, key string) (ok bool, err error) {
	_, _, ok, err = find(r, key)
	return ok, err
}

// find returns where the data of the first record with the given key starts,
// and its length.
func find(r io.ReaderAt, key string) (at, n uint32, ok bool, err error) {
	h := hash(key)
	table, slots, err := pair(r, 8*(h&255))
	if err != nil || slots == 0 {
		return 0, 0, false, err
	}
	slot := h >> 8 % slots
	for range slots {
		slotHash, record, err := pair(r, table+8*slot)
		if err != nil || record == 0 {
			return 0, 0, false, err
		}
		if slotHash == h {
			at, n, ok, err := open(r, record, key)
			if ok || err != nil {
				return at, n, ok, err
			}
		}
		if slot++; slot == slots {
			slot = 0
		}
	}
	return 0, 0, false, nil
}

// open returns where the data of a record starts and its length, if the record
// has the given key.
func open(r io.ReaderAt, record uint32, key string) (at, n uint32, ok bool, err error) {
	keyLen, dataLen, err := pair(r, record)
	if err != nil || keyLen != uint32(len(key)) {
		return 0, 0, false, err
	}
	at = record + 8
	for len(key) > 0 {
		// In pieces, because past a difference the file may be damaged.
		piece := key[:min(len(key), 32)]
		found, err := read(r, at, uint32(len(piece)))
		if err != nil || string(found) != piece {
			return 0, 0, false, err
		}
		at, key = at+uint32(len(piece)), key[len(piece):]
	}
	return at, dataLen, true, nil
}

func pair(r io.ReaderAt, at uint32) (a, b uint32, err error) {
	p, err := read(r, at, 8)
	if err != nil {
		return 0, 0, err
	}
	return binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:]), nil
}

// read returns n bytes. It grows with what is there, so that a damaged length
// costs no more memory than the file is long.
func read(r io.ReaderAt, at, n uint32) ([]byte, error) {
	if n <= 4096 {
		p := make([]byte, n)
		got, err := r.ReadAt(p, int64(at))
		if got == len(p) {
			return p, nil
		}
		return nil, short(err)
	}
	var b bytes.Buffer
	got, err := b.ReadFrom(io.NewSectionReader(r, int64(at), int64(n)))
	if err != nil || got < int64(n) {
		return nil, short(err)
	}
	return b.Bytes(), nil
}

// short is the error for a read that gave too little.
func short(err error) error {
	if err == nil || err == io.EOF {
		return ErrFormat
	}
	return err
}
