//go:build linux

package replay

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
)

// tree lists the files that the case captures. What is exactly as in a fresh
// home is left out.
func (r *run) tree() ([]any, error) {
	fresh := freshHome()
	if r.c.Bigtodo {
		for _, e := range splitTodo() {
			fresh["/var/qmail/"+e.Path] = e
		}
	}
	t := &lister{fresh: fresh, nodata: r.c.Nodata, out: []any{}}
	for _, pattern := range r.c.Capture {
		name := r.sub(pattern)
		if !strings.HasPrefix(name, "/") {
			name = "/var/qmail/" + name
		}
		if !strings.ContainsAny(name, "*?[") {
			if _, err := os.Lstat(name); err != nil {
				t.out = append(t.out, map[string]any{"path": name, "type": "absent"})
				continue
			}
			if err := t.visit(name); err != nil {
				return nil, err
			}
			continue
		}
		names, err := filepath.Glob(name)
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		for _, found := range names {
			if err := t.visit(found); err != nil {
				return nil, err
			}
		}
	}
	return t.out, nil
}

// freshHome is what a case starts with.
func freshHome() map[string]lab.Entry {
	fresh := map[string]lab.Entry{}
	for _, e := range recordedHome() {
		fresh["/var/qmail/"+e.Path] = e
	}
	for _, a := range accounts.Accounts {
		if mode, ok := homeMode(a); ok {
			owner := userName(homeOwner(a))
			fresh[a.Home] = lab.Entry{Type: 'd', Owner: owner, Group: groupName(a.Gid), Mode: mode}
		}
	}
	return fresh
}

type lister struct {
	fresh  map[string]lab.Entry
	nodata []string
	out    []any
}

func (t *lister) visit(name string) error {
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return fmt.Errorf("lstat %s: %w", name, err)
	}
	kind := fileType(st.Mode)
	now := lab.Entry{Type: kind[0], Owner: userName(int(st.Uid)), Group: groupName(int(st.Gid)), Mode: os.FileMode(st.Mode & 0o7777)}
	e := map[string]any{"path": name, "type": kind, "mode": fmt.Sprintf("%04o", st.Mode&0o7777), "owner": now.Owner, "group": now.Group}
	data := ""
	switch kind {
	case "l":
		target, err := os.Readlink(name)
		if err != nil {
			return err
		}
		e["target"], e["mode"] = target, "0777"
	case "f":
		var err error
		if data, err = readSome(name); err != nil {
			return err
		}
		if !slices.ContainsFunc(t.nodata, func(p string) bool { return matches(p, name) }) {
			e["data"] = data
		}
		if st.Nlink > 1 {
			e["nlink"] = float64(st.Nlink)
		}
	}
	if !unchanged(t.fresh[name], now, data) {
		t.out = append(t.out, e)
	}
	if kind != "d" {
		return nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	for _, entry := range entries { // sorted by name
		if err := t.visit(path.Join(name, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// readSome reads the first 4 MiB of a file.
func readSome(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4<<20))
	return string(data), err
}

func unchanged(was, now lab.Entry, data string) bool {
	if was.Type == 'z' {
		was.Type = 'f'
		// The recording did not look into the file that starts empty, a lock.
		if was.Size > 0 && data != strings.Repeat("\x00", was.Size) {
			return false
		}
	}
	return was.Type == now.Type && was.Mode == now.Mode && was.Owner == now.Owner && was.Group == now.Group
}

func fileType(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "d"
	case unix.S_IFLNK:
		return "l"
	case unix.S_IFIFO:
		return "p"
	case unix.S_IFSOCK:
		return "s"
	case unix.S_IFREG:
		return "f"
	}
	return "?"
}

// userName is the first account with this number.
func userName(uid int) string {
	for _, a := range accounts.Accounts {
		if a.Uid == uid {
			return a.Name
		}
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	for _, g := range accounts.Groups {
		if g.Gid == gid {
			return g.Name
		}
	}
	return strconv.Itoa(gid)
}

// matches is fnmatch without flags for * and ?: a * takes slashes too.
func matches(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	switch pattern[0] {
	case '*':
		return matches(pattern[1:], name) || name != "" && matches(pattern, name[1:])
	case '?':
		return name != "" && matches(pattern[1:], name[1:])
	}
	return name != "" && name[0] == pattern[0] && matches(pattern[1:], name[1:])
}
