//go:build linux && amd64

package crash

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// File is what a name leads to.
type File struct {
	Inode uint64
	Data  string // of a regular file
}

// View is all files below a directory, by their names relative to it.
type View map[string]File

// Scan looks at a directory as it is.
func Scan(root string) (View, error) {
	v := View{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := look(path)
		v[strings.TrimPrefix(path, root+"/")] = f
		return err
	})
	return v, err
}

func look(path string) (File, error) {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return File{}, err
	}
	f := File{Inode: st.Ino}
	if st.Mode&syscall.S_IFMT == syscall.S_IFREG {
		data, err := os.ReadFile(path)
		f.Data = string(data)
		return f, err
	}
	return f, nil
}

// Disk follows what programs do below a directory, as a Tracer reports it, and
// knows what of that is durable. Directories themselves are taken to last.
type Disk struct {
	root   string
	kept   string            // a directory with names for files that lost theirs
	now    map[string]uint64 // inodes by name, as the programs see it
	synced map[uint64]string // contents that survive a power cut, by inode
	// What is durable where the sync of a directory makes all durable that came
	// before its last change, and where it does no more than it must.
	journal, wild names
}

// names is what is known of the names on a file system.
type names struct {
	durable map[string]uint64 // what certainly survives a power cut
	pending []Change
}

// Change is a change of a name that a power cut may undo.
type Change struct {
	Name  string
	Inode uint64 // that the name leads to now, 0: none
}

func (c Change) String() string {
	if c.Inode == 0 {
		return "without " + c.Name
	}
	return "with " + c.Name
}

// NewDisk starts with what there is below root, all of it durable. kept is an
// empty directory on the same file system.
func NewDisk(root, kept string) (*Disk, error) {
	v, err := Scan(root)
	d := &Disk{root: root, kept: kept, now: map[string]uint64{}, synced: map[uint64]string{}}
	d.journal.durable, d.wild.durable = map[string]uint64{}, map[string]uint64{}
	for name, f := range v {
		d.now[name], d.journal.durable[name], d.wild.durable[name] = f.Inode, f.Inode, f.Inode
		d.synced[f.Inode] = f.Data
	}
	return d, err
}

// Before is for a Tracer's Before, with what becomes of the call.
func (d *Disk) Before(op *Op, action Action) {
	if action != (Action{}) || !strings.HasPrefix(op.Path, d.root) {
		return
	}
	switch op.Call {
	case "unlink":
		d.keep(d.rel(op.Path))
	case "rename":
		d.keep(d.rel(op.To))
	}
}

// keep keeps a file that is about to lose a name, for Restore, and keeps its
// inode number from being used again.
func (d *Disk) keep(name string) {
	if inode := d.now[name]; inode != 0 {
		os.Link(d.root+"/"+name, d.keptName(inode)) // may be there from another name
	}
}

func (d *Disk) keptName(inode uint64) string { return fmt.Sprint(d.kept, "/", inode) }

// After is for a Tracer's After.
func (d *Disk) After(op *Op) {
	if op.Ret < 0 || !strings.HasPrefix(op.Path, d.root) {
		return
	}
	name, to := d.rel(op.Path), d.rel(op.To)
	switch op.Call {
	case "open":
		if op.Flags&syscall.O_CREAT != 0 && d.now[name] == 0 {
			f, err := look(op.Path)
			if err != nil {
				panic(err) // the program is stopped, so the file is there
			}
			delete(d.synced, f.Inode) // left by a file that is no more
			d.change(name, f.Inode)
		}
	case "link":
		d.change(to, d.now[name])
	case "rename":
		d.change(to, d.now[name])
		d.change(name, 0)
	case "unlink":
		d.change(name, 0)
	case "fsync":
		d.fsync(op, name)
	case "syncfs":
		d.syncNames(func(string) bool { return true })
		for name, inode := range d.now {
			if f, err := look(d.root + "/" + name); err == nil {
				d.synced[inode] = f.Data
			}
		}
	}
}

func (d *Disk) rel(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, d.root), "/")
}

func (d *Disk) change(name string, inode uint64) {
	if inode == 0 {
		delete(d.now, name)
	} else {
		d.now[name] = inode
	}
	d.journal.pending = append(d.journal.pending, Change{name, inode})
	d.wild.pending = append(d.wild.pending, Change{name, inode})
}

// fsync makes what a descriptor is open on durable: a directory's names or a
// file's contents.
func (d *Disk) fsync(op *Op, name string) {
	path := fmt.Sprintf("/proc/%d/fd/%d", op.Pid, op.Fd)
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		panic(err) // the program is stopped with the descriptor open
	}
	if st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		d.syncNames(func(changed string) bool { return filepath.Dir("/"+changed) == filepath.Join("/", name) })
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	d.synced[st.Ino] = string(data)
}

// syncNames makes pending changes of the names that which selects durable.
func (d *Disk) syncNames(which func(name string) bool) {
	last := -1
	for i, c := range d.journal.pending {
		if which(c.Name) {
			last = i
		}
	}
	for _, c := range d.journal.pending[:last+1] {
		apply(d.journal.durable, c)
	}
	d.journal.pending = d.journal.pending[last+1:]

	var rest []Change
	for _, c := range d.wild.pending {
		if which(c.Name) {
			apply(d.wild.durable, c)
		} else {
			rest = append(rest, c)
		}
	}
	d.wild.pending = rest
}

func apply(names map[string]uint64, c Change) {
	if c.Inode == 0 {
		delete(names, c.Name)
	} else {
		names[c.Name] = c.Inode
	}
}

// A Cut is what is left after a power cut.
type Cut struct {
	Story string
	View  View
}

// Cuts returns what a power cut may leave on a file system whose journal keeps
// changes of names in order: any number of the first ones. Of files it leaves
// what was synced.
func (d *Disk) Cuts() []Cut {
	n := d.journal
	cuts := []Cut{d.cut("nothing unsynced", n.durable, nil)}
	for i := range n.pending {
		cuts = append(cuts, d.cut(fmt.Sprint("up to ", n.pending[i]), n.durable, n.pending[:i+1]))
	}
	return cuts
}

// WildCuts returns what a power cut may leave on one that does not keep an
// order: what was synced, with each change alone, and with all but one.
func (d *Disk) WildCuts() []Cut {
	n := d.wild
	cuts := []Cut{d.cut("only what was synced", n.durable, nil)}
	for i, c := range n.pending {
		rest := append(append([]Change(nil), n.pending[:i]...), n.pending[i+1:]...)
		cuts = append(cuts, d.cut(fmt.Sprint("only ", c), n.durable, n.pending[i:i+1]), d.cut(fmt.Sprint("all but ", c), n.durable, rest))
	}
	return cuts
}

func (d *Disk) cut(story string, durable map[string]uint64, changes []Change) Cut {
	names := map[string]uint64{}
	for name, inode := range durable {
		names[name] = inode
	}
	for _, c := range changes {
		apply(names, c)
	}
	v := View{}
	for name, inode := range names {
		v[name] = File{inode, d.synced[inode]}
	}
	return Cut{story, v}
}

// Restore makes the directory what a power cut left, so that the system can be
// started again. All programs must have ended, and the Disk is of no use then.
func (d *Disk) Restore(cut Cut) error {
	for name, inode := range d.now {
		if cut.View[name].Inode != inode {
			d.keep(name)
			if err := os.Remove(d.root + "/" + name); err != nil {
				return err
			}
		}
	}
	for name, f := range cut.View {
		if d.now[name] != f.Inode {
			if err := os.MkdirAll(filepath.Dir(d.root+"/"+name), 0o700); err != nil { // its directory was removed since
				return err
			}
			if err := os.Link(d.keptName(f.Inode), d.root+"/"+name); err != nil {
				return err
			}
		}
		if err := d.restoreData(d.root+"/"+name, f); err != nil {
			return err
		}
	}
	return nil
}

func (d *Disk) restoreData(path string, f File) error {
	is, err := look(path)
	if err != nil || is.Data == f.Data {
		return err
	}
	return os.WriteFile(path, []byte(f.Data), 0o600) // the file is there and keeps its mode
}
