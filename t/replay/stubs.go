//go:build linux

package replay

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"
	"syscall"

	"goqmail/t/lab"
)

// layHarness mounts the replayer's own directory.
func (r *run) layHarness() error {
	if err := lab.Tmpfs("/mnt", "755"); err != nil {
		return err
	}
	if err := os.MkdirAll(harness+"/stub", 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(harness+"/rec", 0o777); err != nil {
		return err
	}
	for name, from := range map[string]string{stubqueue: r.stubs.Stub, harness + "/limit": r.stubs.Limit} {
		if err := os.WriteFile(name, nil, 0o755); err != nil {
			return err
		}
		if err := lab.BindProgram(from, name); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) layStubs() error {
	if _, ok := r.c.Stubs["stubqueue"]; !ok {
		if err := os.WriteFile(harness+"/stub/stubqueue", []byte("read 0\nread 1\nexit 0\n"), 0o644); err != nil {
			return err
		}
	}
	for name, s := range r.c.Stubs {
		base := path.Base(name)
		if err := os.WriteFile(harness+"/stub/"+base, s.orders(base), 0o644); err != nil {
			return err
		}
		if base == "stubqueue" {
			continue
		}
		if !strings.Contains(name, "/") {
			name = "/var/qmail/bin/" + name
		}
		if _, err := os.Stat(name); err == nil {
			err = lab.Bind(stubqueue, name)
			if err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		if err := copyProgram(stubqueue, name); err != nil {
			return err
		}
	}
	return nil
}

// copyProgram copies an executable file. Meanwhile nobody forks: a child would
// have the file open for writing until its exec, and then nobody could run it.
func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	syscall.ForkLock.RLock()
	err = os.WriteFile(to, data, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	return os.Chmod(to, 0o755)
}

// orders is what the stand-in program reads, see stub/stub.c.
func (s stub) orders(name string) []byte {
	var b bytes.Buffer
	read := s.Read
	if read == nil {
		read = []int{0}
		if name == "stubqueue" {
			read = []int{0, 1}
		}
	}
	for _, fd := range read {
		fmt.Fprintf(&b, "read %d\n", fd)
	}
	for _, v := range s.Env {
		fmt.Fprintf(&b, "env %s\n", v)
	}
	for _, v := range s.Note {
		fmt.Fprintf(&b, "note %s\n", v)
	}
	for _, w := range s.Write {
		fmt.Fprintf(&b, "write %d %x\n", w.Fd, string(w.Data))
	}
	if s.Sleep != 0 {
		fmt.Fprintf(&b, "sleep %g\n", s.Sleep)
	}
	if s.Signal != 0 {
		fmt.Fprintf(&b, "signal %d\n", s.Signal)
	}
	for _, code := range s.Exit {
		fmt.Fprintf(&b, "exit %d\n", code)
	}
	return b.Bytes()
}
