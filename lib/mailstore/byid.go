package mailstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"goqmail/lib/syncdir"
)

// Since 3.6 Cyrus lays out a partition by the ids of its mailboxes, as in
// uuid/6/9/6924g6syc3mhipj6rmuldzwp, unless mailbox_legacy_dirs is set. Here each has the
// directory of its name.

// byID is the directory, below a partition's, that Cyrus would have given to a mailbox
// by its id; "" if there is none with such an id.
func byID(id string) string {
	isPart := func(r rune) bool { return r == '-' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' }
	if strings.TrimFunc(id, isPart) != "" || len(id) < 2 {
		return ""
	}
	return "uuid/" + id[:1] + "/" + id[1:2] + "/" + id
}

// discoverByID finds the directories of such a partition whose mailboxes are not listed.
func (s *Store) discoverByID(partition string, listed map[string]bool) (found []Entry, err error) {
	base := s.layout.Partitions[partition]
	dirs, err := fs.Glob(os.DirFS(base), "uuid/?/?/*")
	for _, dir := range dirs {
		c := readCyrus(base + "/" + dir)
		name, ok := CyrusName(c.name)
		if ok && name != "" && !listed[name] && !strings.HasPrefix(name, "DELETED.") && byID(c.id) == dir {
			found = append(found, Entry{Name: name, Partition: partition, ACL: c.acl, ID: c.id})
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
