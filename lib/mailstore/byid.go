package mailstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"goqmail/lib/syncdir"
)

// Since 3.6 Cyrus lays out a partition by the ids of its mailboxes, as in
// uuid/6/9/6924g6syc3mhipj6rmuldzwp, unless mailbox_legacy_dirs is set. Here each has the
// directory of its name.

// byID is the directory that Cyrus would have given to a mailbox by its id, "" if there
// is none with such an id.
func (s *Store) byID(e Entry) string {
	id := strings.TrimFunc(e.ID, func(r rune) bool { return r == '-' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' })
	if id != "" || len(e.ID) < 2 {
		return ""
	}
	return filepath.Join(s.layout.Partitions[e.Partition], "uuid", e.ID[:1], e.ID[1:2], e.ID)
}

// discoverByID finds the directories of such a partition whose mailboxes are not listed.
func (s *Store) discoverByID(partition string, listed map[string]bool) (found []Entry, err error) {
	dirs, err := filepath.Glob(s.layout.Partitions[partition] + "/uuid/?/?/*")
	for _, dir := range dirs {
		c := readCyrus(dir)
		if c.name == "" || listed[c.name] || strings.HasPrefix(c.name, "DELETED.") {
			continue
		}
		e := Entry{Name: c.name, Partition: partition, ACL: c.acl, ID: c.id}
		if s.byID(e) == dir {
			found = append(found, e)
		}
	}
	return found, err
}

// takeOver moves the files of a directory to another one, if it is there. A file whose
// name is taken stays, and is an error.
func takeOver(from, to string) error {
	files, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	taken := 0
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		old, name := from+"/"+f.Name(), to+"/"+f.Name()
		err := os.Link(old, name)
		if errors.Is(err, fs.ErrExist) && !sameFile(old, name) { // the same is what a crash left
			taken++
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := os.Remove(old); err != nil {
			return err
		}
	}
	if err := syncdir.Sync(to); err != nil {
		return err
	}
	if taken > 0 {
		return fmt.Errorf("%d files of %s are in %s already", taken, from, to)
	}
	os.Remove(from) // where something is left it stays
	return nil
}

func sameFile(a, b string) bool {
	one, err := os.Lstat(a)
	if err != nil {
		return false
	}
	other, err := os.Lstat(b)
	return err == nil && os.SameFile(one, other)
}
