package mailstore

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"goqmail/lib/digest"
)

// Staged is a message on its way in: a file in the stage. directory of a
// partition, which can be put into any number of mailboxes. Remove it in the end.
type Staged struct {
	Path   string
	Size   uint32
	Digest *digest.Digest

	file   *os.File
	w      *bufio.Writer
	synced chan error
}

// Stage begins a message. It is written to what is returned, with CR LF line ends.
func (s *Store) Stage(partition string) (*Staged, error) {
	if partition == "" {
		partition = s.layout.DefaultPartition
	}
	dir := filepath.Join(s.layout.Partitions[partition], "stage.")
	var id [8]byte
	rand.Read(id[:])
	path := filepath.Join(dir, strconv.Itoa(os.Getpid())+"-"+hex.EncodeToString(id[:]))
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsNotExist(err) {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return &Staged{Path: path, file: file, w: bufio.NewWriterSize(file, 32<<10)}, nil
}

// Write takes the next bytes of the message. An error is kept for Finish.
func (m *Staged) Write(p []byte) (int, error) {
	m.Size += uint32(len(p))
	return m.w.Write(p)
}

// Finish ends the message, syncs it and reads its digest.
func (m *Staged) Finish() error {
	if err := m.End(); err != nil {
		return err
	}
	return m.Synced()
}

// End ends the message, begins to sync it and reads its digest. It must not be put into a
// mailbox before Synced, but the next message can be written: many are synced sooner
// together than one after the other.
func (m *Staged) End() error {
	if err := m.w.Flush(); err != nil {
		return err
	}
	m.synced = make(chan error, 1)
	go func() { m.synced <- m.file.Sync() }()
	var err error
	m.Digest, err = digest.Read(m.file, int64(m.Size))
	return err
}

// Synced waits until the message that has ended is synced. Call it once.
func (m *Staged) Synced() error { return <-m.synced }

// Reader returns the file, for reading at any offset after Finish.
func (m *Staged) Reader() *os.File { return m.file }

// Close closes the file. What was staged can be put into mailboxes all the same.
func (m *Staged) Close() error { return m.file.Close() }

// Remove removes the file; what it was linked to stays.
func (m *Staged) Remove() error {
	m.file.Close()
	return os.Remove(m.Path)
}

// fileName is the name of a message's file.
func fileName(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) + "." }

// parseName returns the UID of a file that is named as a message's.
func parseName(name string) (uid uint32, ok bool) {
	digits, ok := strings.CutSuffix(name, ".")
	if !ok || digits == "" || digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && n > 0
}
