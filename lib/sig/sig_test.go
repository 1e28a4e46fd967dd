package sig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The test binary plays the programs whose signals are tested: it does what
// the variable says, says "ready" and waits for the end of its input.
func TestMain(m *testing.M) {
	switch os.Getenv("SIG_TEST") {
	case "":
		os.Exit(m.Run())
	case "exit":
		Exit(52, syscall.SIGALRM)
		Exit(81, Fatal[:]...)
	case "bug":
		Exit(81, Fatal[:]...)
		var nothing *int
		fmt.Println(*nothing)
	case "default":
		Default(Swallowed[:]...)
		Default(syscall.SIGPIPE)
	case "ignore":
		Ignore(Misc[:]...)
	case "alarm":
		Exit(52, syscall.SIGALRM)
		Alarm(10 * time.Millisecond)
	case "blocked":
		Exit(52, syscall.SIGALRM)
	case "unblocked":
		Unblock()
		Exit(52, syscall.SIGALRM)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// run starts the test binary as such a program, sends it a signal once it is
// ready and returns how it ended. Where it should outlive the signal, its
// input is closed then.
func run(t *testing.T, mode string, signal syscall.Signal, lives bool) syscall.WaitStatus {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SIG_TEST="+mode)
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	start := func() { inErr = errors.Join(inErr, outErr, cmd.Start()) }
	if mode == "blocked" || mode == "unblocked" {
		Blocked(start, syscall.SIGALRM)
	} else {
		start()
	}
	if inErr != nil {
		t.Fatal(inErr)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line == "ready\n" && signal != 0 {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	if lives {
		in.Close()
	}
	cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestSignals(t *testing.T) {
	for _, c := range []struct {
		mode   string
		signal syscall.Signal
		want   string
	}{
		{"exit", syscall.SIGALRM, "exit 52"},
		{"exit", syscall.SIGABRT, "exit 81"},
		{"exit", syscall.SIGFPE, "exit 81"},
		{"exit", syscall.SIGSEGV, "exit 81"},
		{"exit", syscall.SIGTERM, "signal 15"},
		{"exit", syscall.SIGKILL, "signal 9"},
		{"exit", 0, "exit 0"},
		{"bug", 0, "exit 81"},
		{"default", syscall.SIGALRM, "signal 14"},
		{"default", syscall.SIGUSR1, "signal 10"},
		{"default", syscall.SIGPROF, "signal 27"},
		{"default", syscall.SIGQUIT, "signal 3"},
		{"default", syscall.SIGPIPE, "signal 13"},
		{"ignore", syscall.SIGHUP, "exit 0"},
		{"ignore", syscall.SIGQUIT, "exit 0"},
		{"ignore", syscall.SIGXFSZ, "exit 0"},
		{"alarm", 0, "exit 52"},
		{"blocked", syscall.SIGALRM, "exit 0"},
		{"unblocked", syscall.SIGALRM, "exit 52"},
	} {
		if runtime.GOOS != "linux" && c.mode != "exit" {
			continue // numbers and defaults differ, and os/signal does the work
		}
		status := run(t, c.mode, c.signal, c.want == "exit 0")
		got := fmt.Sprintf("exit %d", status.ExitStatus())
		if status.Signaled() {
			got = fmt.Sprintf("signal %d", status.Signal())
		}
		if got != c.want {
			t.Errorf("%s, %v: %s, want %s", c.mode, c.signal, got, c.want)
		}
	}
}
