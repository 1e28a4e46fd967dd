package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// queue checks that the files of all messages fit together. While qmail works they come
// and go, so what looks wrong is looked at twice.
func (c *checker) queue() {
	layout, err := queue.Look()
	if err != nil {
		c.hidden("queue", err)
		return
	}
	q := &queueChecker{layout: layout, found: map[string]*finding{}}
	owners := map[string]string{"mess": auto.UserQ, "intd": auto.UserQ, "todo": auto.UserQ}
	for _, kind := range []string{"mess", "todo", "intd", "info", "local", "remote", "bounce"} {
		owner := owners[kind]
		if owner == "" {
			owner = auto.UserS
		}
		if q.uid, err = account.Uid(owner); err != nil {
			q.uid = -1 // which the check of accounts tells of
		}
		q.owner = owner
		for _, dir := range layout.Dirs(kind) {
			err := queue.WalkAll(dir, func(name queue.Name) bool {
				q.file(kind, dir, name)
				return true
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // of what is missing the check of files tells
				c.hidden("queue/"+string(dir), err)
				break // the others are alike
			}
		}
	}
	for _, what := range q.order {
		f := q.found[what]
		more := ""
		if f.more > 0 {
			more = " (and " + strconv.Itoa(f.more) + " like it)"
		}
		c.wrong("queue/"+string(f.first), what+more, auto.Home+"/bin/qmail-q fix")
	}
}

// queueChecker collects what is wrong: one line is enough for a whole queue that was
// copied.
type queueChecker struct {
	layout queue.Layout
	owner  string // of the files that are being looked at
	uid    int
	found  map[string]*finding
	order  []string
}

type finding struct {
	first queue.Name
	more  int
}

func (q *queueChecker) wrong(name queue.Name, what string) {
	var st syscall.Stat_t
	if syscall.Lstat(name.Path(), &st) == syscall.ENOENT {
		return // it was on its way
	}
	if f := q.found[what]; f != nil {
		f.more++
		return
	}
	q.found[what] = &finding{first: name}
	q.order = append(q.order, what)
}

func (q *queueChecker) file(kind string, dir, name queue.Name) {
	var st syscall.Stat_t
	if syscall.Lstat(name.Path(), &st) != nil {
		return
	}
	base := string(name[len(dir)+1:])
	n, ok := queue.ParseNum(base)
	switch {
	case kind != "mess" && st.Mode&syscall.S_IFMT == syscall.S_IFDIR && (kind == "todo" || kind == "intd"):
		return // of a split that is not in use
	case !ok || n.String() != base || st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		q.wrong(name, "is no file of a message")
		return
	}
	if split, ok := strings.CutPrefix(string(dir), kind+"/"); ok && split != strconv.FormatUint(uint64(n)%q.layout.Split, 10) {
		q.wrong(name, "is in another directory than its number says")
		return
	}
	if kind == "mess" && uint64(st.Ino) != uint64(n) {
		q.wrong(name, "has a number that is not its inode's, as after a copy")
	}
	if q.uid >= 0 && int(st.Uid) != q.uid {
		q.wrong(name, fmt.Sprintf("does not belong to %s", q.owner))
	}
	if st.Mode&0o022 != 0 {
		q.wrong(name, "may be written by others than its owner")
	}
	switch kind {
	case "info", "todo", "intd":
		if !exists(q.layout.Mess(n)) {
			q.wrong(name, "is about a message that is not there")
		}
	case "local", "remote":
		if !exists(q.layout.Info(n)) && !exists(q.layout.Todo(n)) {
			q.wrong(name, "has recipients of a message that is not there")
		}
	case "bounce":
		if !exists(q.layout.Info(n)) {
			q.wrong(name, "is about failures of a message that is not there")
		}
	}
}

func exists(name queue.Name) bool {
	var st syscall.Stat_t
	return syscall.Lstat(name.Path(), &st) != syscall.ENOENT
}
