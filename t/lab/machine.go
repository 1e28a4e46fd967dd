//go:build linux

package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// In does f inside the host. An error ends the test.
func (h *Host) In(t T, f func() error) {
	t.Helper()
	var err error
	h.Do(func() { err = f() })
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// Write writes a file that belongs to a user, and makes its directory.
func (h *Host) Write(t T, u Users, path, text, owner string) {
	t.Helper()
	h.In(t, func() error {
		// A child that another test forks now would hold it open, busy.
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		return errors.Join(
			os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte(text), 0o644),
			os.Chown(path, u.Uid(owner), u.PrimaryGid(owner)),
		)
	})
}

// Background starts a program that says what it does to a file below /var/log. It ends
// with the host at the latest.
func (h *Host) Background(t T, log string, cmd *exec.Cmd) {
	t.Helper()
	h.In(t, func() error {
		out, err := os.Create("/var/log/" + log)
		if err != nil {
			return err
		}
		defer out.Close()
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			return err
		}
		go cmd.Wait()
		return nil
	})
}

// environment is that of the programs of a site: its own come first.
var environment = []string{"PATH=/var/qmail/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}

// As has a program run as a user, in the user's home directory, with more variables in
// its environment.
func (u Users) As(user string, cmd *exec.Cmd, env ...string) *exec.Cmd {
	account := u.Account(user)
	cmd.Dir = "/"
	if strings.HasPrefix(account.Home, "/home/") {
		cmd.Dir = account.Home
	}
	cmd.Env = append(slices.Concat(environment, env), "USER="+user, "LOGNAME="+user, "HOME="+cmd.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(account.Uid), Gid: uint32(account.Gid)}}
	return cmd
}
