//go:build linux

// Package arm64 starts programs that were built for arm64, under an emulator:
// the entry points in assembly are what could break there and nowhere else.
package arm64

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const emulator = "qemu-aarch64-static"

// build builds programs of this tree for arm64, with the home in dir, to start at
// an entry point.
func build(t *testing.T, dir, bin, entry string, programs ...string) {
	t.Helper()
	args := []string{"build", "-trimpath", "-o", bin, "-ldflags", "-s -w -E " + entry + " -X goqmail/lib/auto.Home=" + dir}
	for _, p := range programs {
		args = append(args, "goqmail/cmd/"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// needEmulator skips the test where nothing can run such programs.
func needEmulator(t *testing.T) {
	if _, err := exec.LookPath(emulator); err != nil && runtime.GOARCH != "arm64" {
		t.Skip("no " + emulator + " (Debian package qemu-user-static)")
	}
}

// command is one for the emulator.
func command(program string, args ...string) *exec.Cmd {
	if runtime.GOARCH == "arm64" {
		return exec.Command(program, args...)
	}
	return exec.Command(emulator, append([]string{program}, args...)...)
}

// run runs a program with input and returns what it wrote.
func run(t *testing.T, input, program string, args ...string) string {
	t.Helper()
	cmd := command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", filepath.Base(program), err, &out)
	}
	return out.String()
}

func TestProgramsStartOnArm64(t *testing.T) {
	needEmulator(t)
	home := t.TempDir()
	if err := os.Mkdir(home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/control/me", []byte("arm.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, entry := range []string{"_goqmail_entry", "_goqmail_brief", "_goqmail_one"} {
		bin := home + "/" + entry + "/"
		build(t, home, bin, entry, "qmail-inject", "maildirmake", "preline")
		maildir := bin + "Maildir"
		run(t, "", bin+"maildirmake", maildir)
		if fi, err := os.Stat(maildir + "/new"); err != nil || !fi.IsDir() {
			t.Errorf("maildirmake: %v", err)
		}
		out := run(t, "To: joe\n\nhello\n", bin+"qmail-inject", "-n")
		if !strings.Contains(out, "To: joe@arm.example\n") || !strings.HasSuffix(out, "\n\nhello\n") {
			t.Errorf("qmail-inject printed %q", out)
		}
		// preline starts a program: fork and exec, and the limits around them.
		t.Setenv("UFLINE", "From joe\n")
		t.Setenv("RPLINE", "Return-Path: <joe>\n")
		t.Setenv("DTLINE", "Delivered-To: sue\n")
		if out := run(t, "hello\n", bin+"preline", "/bin/cat"); out != "From joe\nReturn-Path: <joe>\nDelivered-To: sue\nhello\n" {
			t.Errorf("preline /bin/cat printed %q", out)
		}
	}
}

// A qmail-queue hands its work to one that listens, and does it itself where that
// does not want it.
func TestWorkIsHandedOnByArm64(t *testing.T) {
	needEmulator(t)
	home := t.TempDir()
	if err := os.MkdirAll(home+"/queue/pid", 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, home, home+"/", "_goqmail_queue", "qmail-queue")
	var st syscall.Stat_t
	if err := syscall.Stat(home+"/queue", &st); err != nil {
		t.Fatal(err)
	}
	address := binary.NativeEndian.AppendUint64([]byte("@goqmail"), uint64(st.Dev))
	address = binary.NativeEndian.AppendUint64(address, st.Ino)
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Net: "unixpacket", Name: string(address)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1) })

	for _, c := range []struct {
		answer uint32
		code   int
	}{{0, 0}, {31, 31}, {256, 62}} { // there is no queue any more then
		cmd := command(home + "/qmail-queue")
		cmd.Stdin = strings.NewReader("the message")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := listener.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		oob := make([]byte, 256)
		_, n, _, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
		if err != nil {
			t.Fatal(err)
		}
		messages, _ := syscall.ParseSocketControlMessage(oob[:n])
		var files []*os.File
		for _, m := range messages {
			if fds, err := syscall.ParseUnixRights(&m); err == nil {
				for _, fd := range fds {
					files = append(files, os.NewFile(uintptr(fd), ""))
				}
			}
			if who, err := syscall.ParseUnixCredentials(&m); err == nil && (int(who.Pid) != cmd.Process.Pid || int(who.Uid) != os.Getuid()) {
				t.Errorf("it says that it is %+v", who)
			}
		}
		if len(files) != 5 {
			t.Fatalf("%d files came", len(files))
		}
		if got, err := io.ReadAll(files[0]); string(got) != "the message" {
			t.Errorf("message %q, %v", got, err)
		}
		for _, f := range files[3:] {
			if _, err := f.WriteString("x"); err != nil {
				t.Error(err)
			}
		}
		for _, f := range files {
			f.Close()
		}
		if c.answer == 256 {
			os.RemoveAll(home + "/queue")
		}
		conn.Write(binary.NativeEndian.AppendUint32(nil, c.answer))
		conn.Close()
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("exit code %d after the answer %d", code, c.answer)
		}
	}
}
