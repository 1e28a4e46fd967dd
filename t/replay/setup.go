//go:build linux

package replay

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
)

// What a case sees of the replayer: its own directory and, in there, the
// stand-in that is always present.
const (
	harness   = "/mnt/h"
	stubqueue = harness + "/stubqueue"
)

var variable = regexp.MustCompile(`@@[NS]\d+@@`)

// sub fills in the numbers of the case's messages.
func (r *run) sub(t Text) string {
	return variable.ReplaceAllStringFunc(string(t), func(v string) string {
		i, _ := strconv.Atoi(v[3 : len(v)-2])
		if i < 1 || i > len(r.nums) {
			return v
		}
		num := r.nums[i-1]
		if v[2] == 'S' {
			num %= lab.Split
		}
		return strconv.FormatUint(num, 10)
	})
}

// build makes the surroundings of the case, in the host.
func (r *run) build() error {
	c := r.c
	unix.Umask(0)
	if err := lab.LayHome(r.programs, accounts, recordedHome()); err != nil {
		return err
	}
	if c.Bigtodo {
		for _, e := range splitTodo() {
			if err := e.Lay("/var/qmail", accounts); err != nil {
				return err
			}
		}
	}
	if err := r.layHarness(); err != nil {
		return err
	}
	// What the harness is made of may lie in /tmp.
	for _, dir := range []struct{ path, mode string }{{"/home", "755"}, {"/tmp", "1777"}} {
		if err := lab.Tmpfs(dir.path, dir.mode); err != nil {
			return err
		}
	}
	for _, step := range []func() error{r.layStubs, layHomes, r.laySyslog, r.layQueue} {
		if err := step(); err != nil {
			return err
		}
	}
	for name, what := range c.Control {
		f := what.file
		f.Path = Text("/var/qmail/control/" + name)
		if f.Group == "" {
			f.Group = "qmail"
		}
		if err := r.put(f); err != nil {
			return err
		}
	}
	for _, f := range c.Files {
		if err := r.put(f); err != nil {
			return err
		}
	}
	for _, command := range c.Setup {
		r.shell(command)
	}
	return nil
}

// splitTodo are the directories of a split todo.
func splitTodo() []lab.Entry {
	var out []lab.Entry
	for i := range lab.Split {
		out = append(out,
			lab.Entry{Type: 'd', Path: fmt.Sprintf("queue/todo/%d", i), Owner: "qmailq", Group: "qmail", Mode: 0o750},
			lab.Entry{Type: 'd', Path: fmt.Sprintf("queue/intd/%d", i), Owner: "qmailq", Group: "qmail", Mode: 0o700})
	}
	return out
}

func layHomes() error {
	for _, a := range accounts.Accounts {
		mode, ok := homeMode(a)
		if !ok {
			continue
		}
		if err := os.Mkdir(a.Home, 0o700); err != nil {
			return err
		}
		if err := lab.Own(a.Home, homeOwner(a), a.Gid, mode); err != nil {
			return err
		}
	}
	return os.WriteFile("/home/filehome", nil, 0o666)
}

// laySyslog gives the case a /dev of its own, with a log socket in it or not.
func (r *run) laySyslog() error {
	if r.c.Syslog == "" {
		return nil
	}
	if err := os.Mkdir(harness+"/dev", 0o755); err != nil {
		return err
	}
	if err := lab.Dev(harness + "/dev"); err != nil {
		return err
	}
	if r.c.Syslog != "dgram" {
		return nil
	}
	// The records are read when all is over.
	if err := os.WriteFile("/proc/sys/net/unix/max_dgram_qlen", []byte("1000"), 0o644); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	r.syslog = os.NewFile(uintptr(fd), "syslog")
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "/dev/log"}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.Chmod("/dev/log", 0o666)
}

// shell runs a command as root; it must succeed.
func (r *run) shell(command Text) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", r.sub(command))
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/var/qmail/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "QMAILQUEUE=" + stubqueue, "H=" + harness}
	// Not a pipe: a process left in the background may keep it open.
	out, err := os.CreateTemp(harness, "shell")
	if err != nil {
		r.fail("%v", err)
		return
	}
	defer out.Close()
	os.Remove(out.Name())
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said := make([]byte, 300)
		n, _ := out.ReadAt(said, 0)
		r.fail("setup %q: %v: %s", command, err, said[:n])
	}
}
