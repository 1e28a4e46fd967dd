package main

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/queue"
)

// inventory has the files of messages: by kind and number, where they are.
type inventory struct {
	files  map[string]map[queue.Num]queue.Name
	staged map[queue.Num]map[string]queue.Name // what an interrupted fix left, by the number to be
	extra  []queue.Name                        // directories that should be empty
}

// count lists the files of all messages, and puts aside what is none.
func (f *fixer) count() {
	q := &f.queued
	q.files, q.staged = map[string]map[queue.Num]queue.Name{}, map[queue.Num]map[string]queue.Name{}
	n := 0
	for _, kind := range queue.Kinds() {
		q.files[kind.Name] = map[queue.Num]queue.Name{}
		right := f.layout.Dirs(kind.Name)
		f.countDir(kind, queue.Name(kind.Name), right, &n)
	}
	queue.WalkAll(staging, func(name queue.Name) bool { // most often there is none
		number, kind, _ := strings.Cut(strings.TrimPrefix(string(name), string(staging)+"/"), ".")
		if num, ok := queue.ParseNum(number); ok && q.files[kind] != nil {
			if q.staged[num] == nil {
				q.staged[num] = map[string]queue.Name{}
			}
			q.staged[num][kind] = name
		}
		return true
	})
	f.pid()
}

// countDir lists the files of a kind in a directory and those below.
func (f *fixer) countDir(kind queue.Kind, dir queue.Name, right []queue.Name, n *int) {
	err := queue.WalkAll(dir, func(name queue.Name) bool {
		*n++
		f.progress.tell("files listed:", *n)
		st, err := os.Lstat(name.Path())
		switch {
		case errors.Is(err, fs.ErrNotExist): // a qmail-queue that gave up
		case err != nil:
			f.trouble(name, err)
		case st.IsDir() && string(dir) == kind.Name:
			if !slices.Contains(right, name) {
				f.queued.extra = append(f.queued.extra, name)
			}
			f.countDir(kind, name, right, n)
		default:
			f.countFile(kind, name, st)
		}
		return true
	})
	if err != nil && f.do {
		f.trouble(dir, err)
	}
}

func (f *fixer) countFile(kind queue.Kind, name queue.Name, st fs.FileInfo) {
	base := string(name[strings.LastIndexByte(string(name), '/')+1:])
	num, ok := queue.ParseNum(base)
	if !ok || num.String() != base || !st.Mode().IsRegular() {
		f.astray(name, "no file of a message")
		return
	}
	other, twice := f.queued.files[kind.Name][num]
	if twice {
		// The one that is where it belongs has the number.
		if name == kind.File(f.layout, num) {
			name, other = other, name
		}
		f.queued.files[kind.Name][num] = other
		f.astray(name, "there is also "+string(other))
		return
	}
	f.queued.files[kind.Name][num] = name
	f.rights(name, st, kind.User, kind.Mode, false)
}

// pid removes what dead qmail-queues have left, as qmail-clean does.
func (f *fixer) pid() {
	now := time.Now()
	queue.WalkAll("pid", func(name queue.Name) bool { // entry has told if there is none
		if name.IsOssified(now) {
			f.fault(name, "left by a qmail-queue that died: remove it", func() error { return os.Remove(name.Path()) })
		}
		return true
	})
}

// parts is the files of one message, by kind.
type parts struct {
	num    queue.Num // the name of its mess file
	inode  queue.Num // the number it should have
	files  map[string]queue.Name
	staged bool // some of them are on their way
}

// messages sees to it that each message has one number, that of its mess file's
// inode, and that all its files are where that belongs.
//
// They cannot simply be renamed: the new number of one message may be the old one
// of another. So what has to move goes to the staging directory first, with the
// number to be, and to its place when all the others have gone there, too. If we
// are interrupted, the next fix goes on. A qmail-send that starts in between finds
// messages without info and todo, with mess files just read, and leaves them alone
// for 36 hours.
func (f *fixer) messages() {
	q := &f.queued
	var moving []parts
	claimed := map[string]map[queue.Num]bool{}
	for kind := range q.files {
		claimed[kind] = map[queue.Num]bool{}
	}

	// take makes a message of what has a number, and of what was on its way to one.
	take := func(num, inode queue.Num, named bool) {
		p := parts{num: num, inode: inode, files: map[string]queue.Name{}}
		for kind, files := range q.files {
			if name, ok := files[num]; ok && named {
				p.files[kind] = name
				claimed[kind][num] = true
			}
		}
		for kind, name := range q.staged[inode] {
			p.files[kind], p.staged = name, true
		}
		delete(q.staged, inode)
		if f.sound(&p) {
			moving = append(moving, p)
		}
	}
	for i, num := range slices.Sorted(maps.Keys(q.files["mess"])) {
		f.progress.tell("messages checked:", i)
		var st unix.Stat_t
		if err := unix.Lstat(q.files["mess"][num].Path(), &st); err != nil {
			if err != unix.ENOENT {
				f.trouble(q.files["mess"][num], err)
			}
			continue
		}
		take(num, queue.Num(st.Ino), true)
	}
	for _, num := range slices.Sorted(maps.Keys(q.staged)) {
		// Files with its number are its own unless a mess file has that name.
		_, other := q.files["mess"][num]
		take(num, num, !other)
	}
	for _, kind := range queue.Kinds() {
		for _, num := range slices.Sorted(maps.Keys(q.files[kind.Name])) {
			if !claimed[kind.Name][num] && kind.Name != "mess" {
				f.astray(q.files[kind.Name][num], "there is no such message")
			}
		}
	}
	f.moveAll(moving)
}

// sound tells whether a message is whole and has to move. What is not whole goes
// astray, unless a qmail-queue may be at work on it.
func (f *fixer) sound(p *parts) (move bool) {
	has := func(kind string) bool { return p.files[kind] != "" }
	wrong := p.staged || p.num != p.inode
	for _, kind := range queue.Kinds() {
		if has(kind.Name) && p.files[kind.Name] != kind.File(f.layout, p.inode) {
			wrong = true
		}
	}
	var why string
	var err error
	switch {
	case !has("mess"):
		why = "there is no such message"
	case has("todo"):
		why, err = damage(p.files["todo"], "upFT")
	case has("info"):
		why, err = damage(p.files["info"], "F")
		for _, kind := range []string{"local", "remote"} {
			if why == "" && err == nil && has(kind) {
				why, err = damage(p.files[kind], "TDH")
			}
		}
	case has("local") || has("remote") || has("bounce"):
		why = "info is missing"
	case wrong:
		why = "was not queued yet" // by a qmail-queue that is not at work here
	default:
		return false
	}
	if err != nil {
		f.trouble(p.files["mess"], err) // it may be whole
		return false
	}
	if why != "" {
		atWork := !wrong && !has("todo") && !has("info") && young(p.files["mess"])
		for _, kind := range queue.Kinds() {
			if has(kind.Name) && !(atWork && (kind.Name == "mess" || kind.Name == "intd")) {
				f.astray(p.files[kind.Name], why)
			}
		}
		return false
	}
	if has("todo") && has("bounce") {
		f.astray(p.files["bounce"], "left by another message")
		delete(p.files, "bounce")
	}
	return wrong
}

// young tells whether the qmail-queue that made a file may still live.
func young(mess queue.Name) bool {
	st, err := os.Lstat(mess.Path())
	return err == nil && time.Since(st.ModTime()) < queue.Death
}

// damage says what is wrong with a file of records. Of types, F must be there if
// it is among them.
func damage(name queue.Name, types string) (what string, err error) {
	file, err := openFile(name, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sender, read := !strings.Contains(types, "F"), int64(0)
	records := queue.NewReader(file)
	record, err := records.Next()
	for ; err == nil; record, err = records.Next() {
		if strings.IndexByte(types, record.Type) < 0 {
			return "damaged: there is a record of no known type in " + string(name), nil
		}
		sender = sender || record.Type == queue.Sender
		read = record.Pos + int64(len(record.Text)) + 2
	}
	if err != io.EOF {
		return "", err
	}
	st, err := file.Stat()
	if err == nil && (st.Size() != read || !sender) {
		what = "damaged: " + string(name) + " is cut off"
	}
	return what, err
}

// moveAll gives messages their numbers and places.
func (f *fixer) moveAll(moving []parts) {
	if f.do && len(moving) > 0 {
		if err := os.Mkdir(staging.Path(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			f.trouble(staging, err)
			return
		}
	}
	ready := moving[:0]
	for i, p := range moving {
		f.progress.tell("messages on the way:", i)
		what := "is not in its place: move it there"
		if p.num != p.inode {
			what = "has inode " + p.inode.String() + ": make that the number of the message"
		}
		ok := true
		f.fault(p.files["mess"], what, func() error {
			err := f.stage(p)
			ok = err == nil
			return err
		})
		if ok {
			ready = append(ready, p)
		}
	}
	if !f.do || len(moving) == 0 {
		return
	}
	if err := syncQueue(); err != nil {
		f.trouble(staging, err)
		return
	}
	for i, p := range ready {
		f.progress.tell("messages in their places:", i)
		if name, err := f.place(p); err != nil {
			f.trouble(name, err)
		}
	}
	if err := os.Remove(staging.Path()); err != nil {
		f.trouble(staging, err)
	}
}

// stage takes a message out of the queue. The mess file comes last: its name and
// inode tell what belongs together.
func (f *fixer) stage(p parts) error {
	// Should a qmail-send start, the message is young.
	now := time.Now()
	st, err := os.Lstat(p.files["mess"].Path())
	if err == nil {
		err = os.Chtimes(p.files["mess"].Path(), now, st.ModTime())
	}
	for _, kind := range []string{"info", "todo", "intd", "bounce", "local", "remote", "mess"} {
		name, ok := p.files[kind]
		to := staging + "/" + queue.Name(p.inode.String()+"."+kind)
		switch {
		case err != nil || !ok || name == to:
		case kind == "intd":
			err = ignoreGone(os.Remove(name.Path())) // it is todo's twin
		default:
			if err = move(name, to); err == nil {
				p.files[kind] = to
			}
		}
	}
	delete(p.files, "intd")
	return err
}

// place brings a message back. What puts it in the queue comes last: todo, and with
// todo there, info does not count.
func (f *fixer) place(p parts) (queue.Name, error) {
	l, n := f.layout, p.inode
	for _, to := range []queue.Name{l.Bounce(n), l.Local(n), l.Remote(n), l.Mess(n), l.Todo(n), l.Info(n)} {
		kind, _, _ := strings.Cut(string(to), "/")
		if name, ok := p.files[kind]; ok {
			if err := move(name, to); err != nil {
				return name, err
			}
		}
	}
	return "", nil
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return err
}

// emptyDirs removes directories that another split had.
func (f *fixer) emptyDirs() {
	for _, dir := range f.queued.extra {
		f.fault(dir, "is not a directory of this split: remove it", func() error { return os.Remove(dir.Path()) })
	}
}
