package calltest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// AsNobody runs the calling test once more in a process of user nobody, if this
// one is root's, to whom no file is closed. It tells whether it did: then the
// test is done here.
func AsNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	const nobody = 65534
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR=/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if os.IsNotExist(err) {
		t.Skip("no /proc/self/exe to run as nobody")
	}
	if err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
	return true
}
