//go:build linux

package replay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
)

// put makes a file.
func (r *run) put(f file) error {
	name := r.sub(f.Path)
	if !strings.HasPrefix(name, "/") {
		name = "/var/qmail/" + name
	}
	perm := os.FileMode(0o644)
	if f.Type == "d" {
		perm = 0o755
	}
	if f.Mode != nil {
		perm = os.FileMode(*f.Mode)
	}
	if strings.HasPrefix(name, "/etc/") {
		return r.replaceEtc(name, r.sub(f.Data), perm)
	}
	if f.Type != "-" {
		if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
	}
	uid, gid, err := f.ids()
	if err != nil {
		return err
	}
	if done, err := r.make(f, name, uid, gid); done || err != nil {
		return err
	}
	if err := lab.Own(name, uid, gid, perm); err != nil {
		return err
	}
	return setTime(name, f.Mtime, f.Age)
}

func (f file) ids() (uid, gid int, err error) {
	if f.Owner == "" {
		f.Owner = "root"
	}
	if uid, err = uidOf(f.Owner); err != nil {
		return 0, 0, err
	}
	if f.Group != "" {
		gid, err = gidOf(f.Group)
	} else {
		gid = max(0, accounts.PrimaryGid(string(f.Owner)))
	}
	return uid, gid, err
}

// make makes the file as such; done means that it gets no owner and mode.
func (r *run) make(f file, name string, uid, gid int) (done bool, err error) {
	switch f.Type {
	case "d":
		return false, os.MkdirAll(name, 0o755)
	case "l":
		if err := os.Symlink(r.sub(f.Target), name); err != nil {
			return true, err
		}
		return true, os.Lchown(name, uid, gid)
	case "p":
		err := unix.Mkfifo(name, 0o666)
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
		return false, err
	case "s":
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return false, err
		}
		defer unix.Close(fd)
		return false, unix.Bind(fd, &unix.SockaddrUnix{Name: name})
	case "c":
		return false, unix.Mknod(name, unix.S_IFCHR|0o666, int(unix.Mkdev(f.Dev[0], f.Dev[1])))
	case "h":
		return true, os.Link(r.sub(f.Target), name)
	case "-":
		return true, os.RemoveAll(name)
	}
	return false, os.WriteFile(name, []byte(r.sub(f.Data)), 0o666)
}

func (r *run) replaceEtc(name, data string, perm os.FileMode) error {
	own := harness + "/etc-" + path.Base(name)
	if err := os.WriteFile(own, []byte(data), perm); err != nil {
		return err
	}
	if err := os.Chmod(own, perm); err != nil {
		return err
	}
	return lab.Bind(own, name)
}

func setTime(name string, mtime, age *float64) error {
	var t time.Time
	switch {
	case mtime != nil:
		t = time.Unix(0, 0).Add(time.Duration(*mtime * 1e9))
	case age != nil:
		t = time.Now().Add(-time.Duration(*age * 1e9))
	default:
		return nil
	}
	return os.Chtimes(name, t, t)
}

// layQueue makes the messages of the case. A message is named by the inode of
// its mess file, with files of the same number elsewhere.
func (r *run) layQueue() error {
	for _, m := range r.c.Queue {
		if err := r.layMessage(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) layMessage(m message) error {
	const queue = "/var/qmail/queue/"
	const fresh = queue + "pid/harness"
	if err := os.WriteFile(fresh, nil, 0o666); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(fresh, &st); err != nil {
		return err
	}
	num := st.Ino
	if m.Num != "" && m.Num != "0" {
		n, err := strconv.ParseUint(string(m.Num), 10, 64)
		if err != nil {
			return err
		}
		num = n
	}
	r.nums = append(r.nums, num)
	for _, part := range []struct {
		name  string
		what  *contents
		owner string
		mode  os.FileMode
	}{
		{"mess", m.Mess, "qmailq", 0o644}, {"intd", m.Intd, "qmailq", 0o644}, {"todo", m.Todo, "qmailq", 0o644},
		{"info", m.Info, "qmails", 0o600}, {"local", m.Local, "qmails", 0o600}, {"remote", m.Remote, "qmails", 0o600},
		{"bounce", m.Bounce, "qmails", 0o600},
	} {
		if part.what == nil {
			continue
		}
		name := fmt.Sprintf("%s%s/%d/%d", queue, part.name, num%lab.Split, num)
		if part.name == "bounce" || (part.name == "todo" || part.name == "intd") && !r.c.Bigtodo {
			name = fmt.Sprintf("%s%s/%d", queue, part.name, num)
		}
		if part.name == "mess" {
			if err := os.Rename(fresh, name); err != nil {
				return err
			}
		}
		if err := os.WriteFile(name, []byte(r.sub(part.what.Data)), 0o666); err != nil {
			return err
		}
		if part.what.Mode != nil {
			part.mode = os.FileMode(*part.what.Mode)
		}
		if err := lab.Own(name, accounts.Uid(part.owner), accounts.Gid("qmail"), part.mode); err != nil {
			return err
		}
		mtime, age := part.what.Mtime, part.what.Age
		if mtime == nil {
			mtime = m.Mtime
		}
		if age == nil {
			age = m.Age
		}
		if err := setTime(name, mtime, age); err != nil {
			return err
		}
	}
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
