package cdb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// ErrTooBig is the error for a database that would pass 4 GiB.
var ErrTooBig = errors.New("constant database too big")

// headLen is the length of the 256 pairs at the start.
const headLen = 256 * 8

// Writer makes a cdb. Call Add for each record, then Close.
type Writer struct {
	file   io.WriteSeeker
	buf    *bufio.Writer
	pos    uint32
	tables [256][]slot
}

type slot struct{ hash, record uint32 }

// NewWriter starts a database in file, which must be empty. The file is not
// readable as a cdb until Close has returned.
func NewWriter(file io.WriteSeeker) (*Writer, error) {
	_, err := file.Seek(headLen, io.SeekStart)
	return &Writer{file: file, buf: bufio.NewWriterSize(file, 1024), pos: headLen}, err
}

// Add appends a record. Several records may have one key; Get finds the first.
// After an error the Writer is of no more use.
func (w *Writer) Add(key, data string) error {
	start := w.pos
	if err := w.advance(8 + uint64(len(key)) + uint64(len(data))); err != nil {
		return err
	}
	h := hash(key)
	w.tables[h&255] = append(w.tables[h&255], slot{h, start})
	w.pair(uint32(len(key)), uint32(len(data)))
	w.put(key)
	return w.put(data)
}

// Close writes the tables and then the head. It does not sync or close the
// file.
func (w *Writer) Close() error {
	head := make([]byte, 0, headLen)
	for _, table := range w.tables {
		slots := make([]slot, 2*len(table))
		head = binary.LittleEndian.AppendUint32(head, w.pos)
		head = binary.LittleEndian.AppendUint32(head, uint32(len(slots)))
		for _, s := range table {
			i := s.hash >> 8 % uint32(len(slots))
			for slots[i].record != 0 {
				i = (i + 1) % uint32(len(slots))
			}
			slots[i] = s
		}
		if err := w.advance(8 * uint64(len(slots))); err != nil {
			return err
		}
		for _, s := range slots {
			w.pair(s.hash, s.record)
		}
	}
	if err := w.buf.Flush(); err != nil {
		return err
	}
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := w.file.Write(head)
	return err
}

func (w *Writer) advance(n uint64) error {
	if uint64(w.pos)+n > 1<<32-1 {
		return ErrTooBig
	}
	w.pos += uint32(n)
	return nil
}

func (w *Writer) pair(a, b uint32) {
	var p [8]byte
	binary.LittleEndian.PutUint32(p[:], a)
	binary.LittleEndian.PutUint32(p[4:], b)
	w.put(string(p[:]))
}

// put appends s. What does not fit into the buffer starts a new one, as it
// always did: the debris of a program that stops half-way looks the same. The
// buffer remembers an error, so only the last put needs to be asked.
func (w *Writer) put(s string) error {
	if w.buf.Available() < len(s) {
		w.buf.Flush()
	}
	_, err := w.buf.WriteString(s)
	return err
}
