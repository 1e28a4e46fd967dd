//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startOurs starts imapd and lmtpd on free ports, with a store of their own and not as
// root. Call end also after an error.
func startOurs(ctx context.Context, bin string) (s imapServer, end func(), err error) {
	ctx, kill := context.WithCancel(ctx)
	var running []*exec.Cmd
	var dir string
	end = func() {
		kill()
		for _, cmd := range running {
			cmd.Wait()
		}
		if dir != "" {
			os.RemoveAll(dir)
		}
	}
	defer caught(&err)
	dir, err = os.MkdirTemp(benchDir(), "goqmail-imap.")
	must(err)
	s = imapServer{name: "ours", address: freePort(), user: "bench", password: "secret", lmtp: freePort()}
	conf := filepath.Join(dir, "imapd.conf")
	must(os.WriteFile(conf, fmt.Appendf(nil, `configdirectory: %[1]s/conf
partition-default: %[1]s/spool
sasl_sasldb_path: %[1]s/sasldb2
servername: localhost
allowplaintext: yes
autocreate_quota: 0
`, dir), 0o644))
	must(os.Mkdir(filepath.Join(dir, "conf"), 0o755))
	must(os.Mkdir(filepath.Join(dir, "spool"), 0o755))
	// The programs may lie where only root may look.
	for _, program := range []string{"imapd", "lmtpd", "saslpasswd2"} {
		b, err := os.ReadFile(filepath.Join(bin, program))
		must(err)
		must(os.WriteFile(filepath.Join(dir, program), b, 0o755))
	}
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		uid, gid := lookup("/etc/passwd", "nobody", 2), lookup("/etc/passwd", "nobody", 3)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		must(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			must(err)
			return os.Chown(path, uid, gid)
		}))
	}
	command := func(program string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(dir, program), args...)
		cmd.Dir, cmd.Stderr, cmd.SysProcAttr = dir, os.Stderr, attr
		return cmd
	}
	password := command("saslpasswd2", "-p", "-c", "-u", "localhost", "-f", dir+"/sasldb2", s.user)
	password.Stdin = strings.NewReader(s.password)
	must(password.Run())
	for _, cmd := range []*exec.Cmd{
		command("imapd", "-C", conf, "-l", s.address),
		command("lmtpd", "-C", conf, "-a", "-l", s.lmtp),
	} {
		must(cmd.Start())
		running = append(running, cmd)
	}
	listens(s.address)
	listens(s.lmtp)
	s.login().logout() // makes the INBOX
	return s, end, nil
}

// freePort returns an address of loopback where nobody listens.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer l.Close()
	return l.Addr().String()
}

// listens waits until somebody listens there.
func listens(address string) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			panic(err)
		}
	}
}

// memory is the PSS, in kB, of those who listen there and of all their children; 0 if
// they cannot be seen.
func memory(address string) (total float64) {
	sockets := listeningSockets(address)
	parent, measured := map[int]int{}, map[int]bool{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		parent[pid] = int(field(dir+"/status", "PPid:"))
		descriptors, _ := filepath.Glob(dir + "/fd/*")
		for _, fd := range descriptors {
			if link, _ := os.Readlink(fd); sockets[link] {
				measured[pid] = true
			}
		}
	}
	for pid := range parent {
		for p := pid; p > 1; p = parent[p] {
			if measured[p] {
				total += field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
				break
			}
		}
	}
	return total
}

// listeningSockets are those of this network at the address's port, as descriptors show
// them.
func listeningSockets(address string) map[string]bool {
	_, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(table)
		for _, line := range splitLines(b) {
			// slot, local and remote address, state (0A is LISTEN), ..., inode
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", number)) {
				sockets["socket:["+f[9]+"]"] = true
			}
		}
	}
	return sockets
}
