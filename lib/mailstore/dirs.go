package mailstore

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Dirs are the directories where the store has its files: those of the layout, which are
// made if they are not there, and where symbolic links lead that somebody has put in the
// place of a user's directory, of one above, or of a file of the configuration directory.
func (l Layout) Dirs() []string {
	dirs := linked(l.ConfigDir, linkDepth)
	for _, partition := range l.Partitions {
		makeDir(partition) // or it is made once a mailbox is, or cannot be
		dirs = append(dirs, linked(partition, linkDepth)...)
	}
	return dirs
}

// linkDepth is how deep links are looked for: in PARTITION and PARTITION/user.
const linkDepth = 2

// linked is dir and where links lead in it and below, so deep.
func linked(dir string, depth int) []string {
	dirs := []string{dir}
	if depth == 0 {
		return dirs
	}
	f, err := os.Open(dir)
	if err != nil {
		return dirs
	}
	defer f.Close()
	entries, _ := f.ReadDir(-1)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() && len(e.Name()) == 1: // of hashimapspool
			dirs = append(dirs, linked(path, depth)[1:]...)
		case e.IsDir() && depth > 1:
			dirs = append(dirs, linked(path, depth-1)[1:]...)
		case e.Type() == fs.ModeSymlink:
			to, err := filepath.EvalSymlinks(path)
			if err != nil {
				continue
			}
			if info, err := os.Stat(to); err == nil && info.IsDir() {
				dirs = append(dirs, linked(to, depth-1)...)
			} else {
				dirs = append(dirs, filepath.Dir(to))
			}
		}
	}
	return dirs
}
