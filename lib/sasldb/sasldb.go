// Package sasldb keeps the passwords of saslpasswd2(8): /etc/sasldb2.
//
// A record is a property of a user in a realm: userPassword is the password as it
// is, cmusaslsecretOTP the state of one-time passwords. The file is a cdb, whose
// keys are user NUL realm NUL property. The Berkeley DB hash that Cyrus SASL keeps
// under the same name is read as well; the first change that does not fit in its
// place makes a cdb of it, and the old file stays beside it, as NAME.bdb.
package sasldb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/cdb"
	"goqmail/lib/syncdir"
)

// Default is where the file is unless sasl_sasldb_path says otherwise.
const Default = "/etc/sasldb2"

// The properties.
const (
	Password = "userPassword"
	OTP      = "cmusaslsecretOTP"
)

// ErrFormat is the error for a file that is neither a cdb nor a hash of Berkeley DB,
// or is damaged.
var ErrFormat = errors.New("not a file of passwords")

// Key names a property of a user.
type Key struct{ User, Realm, Property string }

// String returns the key as it is in the file.
func (k Key) String() string { return k.User + "\x00" + k.Realm + "\x00" + k.Property }

// valid tells whether the key has only one meaning.
func (k Key) valid() bool { return strings.Count(k.String(), "\x00") == 2 }

// Record is a property and its value.
type Record struct {
	Key
	Value string
	at    int64 // where the value is in the file, 0 if it is in pieces
}

// Get returns the value of a property. ok is false if there is none.
func Get(path string, key Key) (value string, ok bool, err error) {
	if !key.valid() {
		return "", false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	return get(f, key)
}

func get(f *os.File, key Key) (value string, ok bool, err error) {
	head := make([]byte, bdbHead)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF || n == 0 {
		return "", false, ignoreEOF(err)
	}
	if !isBDB(head[:n]) {
		data, ok, err := cdb.Get(f, key.String())
		return string(data), ok, err
	}
	records, err := read(f)
	for _, r := range records {
		if r.Key == key {
			return r.Value, true, nil
		}
	}
	return "", false, err
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// List returns all records in the order of the file.
func List(path string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

// maxSize is the size of a file beyond which it is somebody's mistake.
const maxSize = 256 << 20

func read(f *os.File) ([]Record, error) {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxSize))
	if err != nil || len(data) == 0 { // saslpasswd2 has just made it
		return nil, err
	}
	return parse(data)
}

func parse(data []byte) ([]Record, error) {
	if isBDB(data) {
		return parseBDB(data)
	}
	return parseCDB(data)
}

// parseCDB takes the records of a cdb one after the other.
func parseCDB(data []byte) (records []Record, err error) {
	const head = 2048
	if len(data) < head {
		return nil, ErrFormat
	}
	// The records end where the first table starts.
	end := uint64(len(data))
	for i := 0; i < head; i += 8 {
		end = min(end, uint64(binary.LittleEndian.Uint32(data[i:])))
	}
	for at := uint64(head); at < end; {
		if end-at < 8 {
			return nil, ErrFormat
		}
		klen, dlen := uint64(binary.LittleEndian.Uint32(data[at:])), uint64(binary.LittleEndian.Uint32(data[at+4:]))
		at += 8
		if klen > end-at || dlen > end-at-klen {
			return nil, ErrFormat
		}
		r, ok := record(string(data[at:at+klen]), string(data[at+klen:at+klen+dlen]), int64(at+klen))
		if !ok {
			return nil, ErrFormat
		}
		records = append(records, r)
		at += klen + dlen
	}
	return records, nil
}

// record takes a key of the file apart.
func record(key, value string, at int64) (Record, bool) {
	parts := strings.Split(key, "\x00")
	if len(parts) != 3 {
		return Record{}, false
	}
	return Record{Key{parts[0], parts[1], parts[2]}, value, at}, true
}

// Update changes the file: change gets all records and returns those that are to be
// there. Nobody else changes the file meanwhile, and who reads it finds all of the
// change or nothing. The file keeps owner, group and mode; one that is not there is
// made.
func Update(path string, change func([]Record) []Record) error {
	return update(path, true, func(f *os.File, path string, old []Record) error {
		return replace(f, path, change(slices.Clone(old)))
	})
}

// ErrNone is the error for a property that is not there.
var ErrNone = errors.New("no such property")

// Advance replaces the value of a property by what next makes of it, before anybody
// else sees it. A value of the same length is written in its place, for which the
// directory need not be writable. An error of next changes nothing.
func Advance(path string, key Key, next func(value string) (string, error)) error {
	return update(path, false, func(f *os.File, path string, records []Record) error {
		i := slices.IndexFunc(records, func(r Record) bool { return r.Key == key })
		if i < 0 {
			return ErrNone
		}
		r := &records[i]
		value, err := next(r.Value)
		if err != nil || value == r.Value {
			return err
		}
		if len(value) != len(r.Value) || r.at == 0 {
			r.Value = value
			return replace(f, path, records)
		}
		if _, err := f.WriteAt([]byte(value), r.at); err != nil {
			return err
		}
		return f.Sync()
	})
}

// update opens a file and reads it while nobody else can change it.
func update(path string, create bool, do func(f *os.File, path string, records []Record) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := lock(path, create)
	if err != nil {
		return err
	}
	defer f.Close()
	records, err := read(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return do(f, path, records)
}

// lock opens the file that has the name once nobody else changes it: one that
// another has put in its place meanwhile is the one to lock.
func lock(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	for {
		// What is no file, such as /dev/null, is not to make way for one.
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: %w", path, ErrFormat)
		}
		f, err := os.OpenFile(path, flags, 0o640)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			f.Close()
			return nil, err
		}
		own, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if named, err := os.Stat(path); err == nil && os.SameFile(own, named) {
			return f, nil
		}
		f.Close()
	}
}

// replace puts a new file in the place of f, which is locked.
func replace(f *os.File, path string, records []Record) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	fresh := path + ".new"
	os.Remove(fresh) // of one who was killed; we hold the lock
	to, err := os.OpenFile(fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := fill(to, info, records); err != nil {
		os.Remove(fresh)
		return err
	}
	if err := keep(f, path); err != nil {
		os.Remove(fresh)
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		os.Remove(fresh)
		return err
	}
	// From here on the lock is no longer ours: it is on a file without a name.
	return syncdir.Sync(filepath.Dir(path))
}

// fill makes a new file what another was, but for the records.
func fill(to *os.File, info os.FileInfo, records []Record) error {
	if err := write(to, records); err != nil {
		return err
	}
	// Owner first: it takes setuid bits away, and the mode gives nobody anything yet.
	if was, ok := info.Sys().(*syscall.Stat_t); ok && (int(was.Uid) != os.Geteuid() || int(was.Gid) != os.Getegid()) {
		if err := to.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return err
		}
	}
	if err := to.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	return to.Sync()
}

func write(f *os.File, records []Record) error {
	w, err := cdb.NewWriter(f)
	if err != nil {
		return err
	}
	for _, r := range records {
		if !r.Key.valid() {
			return fmt.Errorf("%q has a NUL", r.Key)
		}
		if err := w.Add(r.Key.String(), r.Value); err != nil {
			return err
		}
	}
	return w.Close()
}

// keep keeps a file of Berkeley DB under another name.
func keep(f *os.File, path string) error {
	head := make([]byte, bdbHead)
	if n, err := f.ReadAt(head, 0); err != nil || !isBDB(head[:n]) {
		return ignoreEOF(err)
	}
	old := path + ".bdb"
	os.Remove(old)
	return os.Link(path, old)
}
