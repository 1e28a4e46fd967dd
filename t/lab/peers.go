//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
)

// Where scripts/test-peers unpacks the programs of others that are not to
// become part of the machine.
const peers = "/var/cache/goqmail-peers"

// LayPeers shows, in the host it is called in, the programs that
// scripts/test-peers unpacked where their packages put them, in /usr, and makes
// qmail's sendmail the system's. Debian's packages look for qmail in
// /var/lib/qmail, so it is there as well. /usr/cyrus and /usr/anomy are places to mount on.
func LayPeers() error {
	const own = "/mnt" // what is neither the machine's nor of a package
	usr := own + "/usr"
	if _, err := os.Stat(peers + "/usr"); err == nil {
		usr += ":" + peers + "/usr"
	}
	if err := Tmpfs(own, "755"); err != nil {
		return err
	}
	for _, dir := range []string{"/usr/sbin", "/usr/lib", "/usr/cyrus", "/usr/anomy", "/lib"} {
		if err := os.MkdirAll(own+dir, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(
		os.Symlink("/var/qmail/bin/sendmail", own+"/usr/sbin/sendmail"),
		os.Symlink("/var/qmail/bin/sendmail", own+"/usr/lib/sendmail"),
		os.Symlink("/var/qmail", own+"/lib/qmail"),
		overlay("/usr", "lowerdir="+usr+":/usr"),
		overlay("/var/lib", "lowerdir="+own+"/lib:/var/lib"),
	)
}

// LayPeersEtc is LayPeersAt for /etc: a host must have its own. It comes before LayEtc.
func LayPeersEtc() error { return LayPeersAt("/etc") }

// LayPeersAt is LayPeers for one directory, such as /usr, which can be written.
func LayPeersAt(dir string) error {
	const own = "/mnt"
	lower := dir
	if _, err := os.Stat(peers + dir); err == nil {
		lower += ":" + peers + dir
	}
	return errors.Join(
		Tmpfs(own, "755"), os.Mkdir(own+"/upper", 0o755), os.Mkdir(own+"/work", 0o755),
		overlay(dir, "lowerdir="+lower+",upperdir="+own+"/upper,workdir="+own+"/work"),
	)
}

func overlay(dir, options string) error { return mount("overlay", dir, "overlay", 0, options) }

// Lacks says why a program of a Debian package is not to be had in the host it
// is called in, nothing if it is.
func Lacks(program, pkg string) string {
	// Of a library there is a file that is not to be run.
	if _, err := exec.LookPath(program); err == nil || errors.Is(err, fs.ErrPermission) {
		return ""
	}
	return fmt.Sprintf("%s is not installed (Debian package %s; scripts/test-peers install)", program, pkg)
}
