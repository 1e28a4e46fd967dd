//go:build linux && amd64

package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Inside has a process of the machine make a system call, as a defect in it might, and
// returns its result, negative for an error. A string among the arguments is passed by its
// address. The process must not be a child of this one: who waits for its end would be told
// of its stops.
func Inside(pid int, call uintptr, args ...any) (result int, err error) {
	runtime.LockOSThread() // a process has one thread that traces it
	defer runtime.UnlockOSThread()
	if err := unix.PtraceAttach(pid); err != nil {
		return 0, fmt.Errorf("unable to trace %d: %w", pid, err)
	}
	defer unix.PtraceDetach(pid)
	if err := stopped(pid, unix.SIGSTOP); err != nil {
		return 0, err
	}
	var was unix.PtraceRegs
	if err := atCall(pid, &was); err != nil {
		return 0, err
	}
	defer unix.PtraceSetRegs(pid, &was)

	// Between the stack and what functions without a check of it may use.
	const room = 256
	at := uintptr(was.Rsp) - room
	old := make([]byte, room)
	if _, err := unix.PtracePeekData(pid, at, old); err != nil {
		return 0, err
	}
	defer unix.PtracePokeData(pid, at, old)
	var values [6]uint64
	var data []byte
	for i, arg := range args {
		switch arg := arg.(type) {
		case int:
			values[i] = uint64(arg)
		case string:
			values[i] = uint64(at) + uint64(len(data))
			data = append(data, arg...)
			data = append(data, make([]byte, 8-len(arg)%8)...)
		}
	}
	if len(data) > room {
		return 0, errors.New("too much to pass")
	}
	if _, err := unix.PtracePokeData(pid, at, data); err != nil {
		return 0, err
	}
	now := was
	now.Rip -= uint64(len(instruction))
	now.Rax, now.Orig_rax = uint64(call), ^uint64(0)
	now.Rdi, now.Rsi, now.Rdx, now.R10, now.R8, now.R9 = values[0], values[1], values[2], values[3], values[4], values[5]
	if err := unix.PtraceSetRegs(pid, &now); err != nil {
		return 0, err
	}
	if err := unix.PtraceSingleStep(pid); err != nil {
		return 0, err
	}
	if err := stopped(pid, unix.SIGTRAP); err != nil {
		return 0, err
	}
	if err := unix.PtraceGetRegs(pid, &now); err != nil {
		return 0, err
	}
	return int(now.Rax), nil
}

// instruction is what makes a system call.
var instruction = [2]byte{0x0f, 0x05}

// atCall waits until the process is stopped in a system call, and gives its registers.
func atCall(pid int, regs *unix.PtraceRegs) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if err := unix.PtraceGetRegs(pid, regs); err != nil {
			return err
		}
		var code [2]byte
		if _, err := unix.PtracePeekText(pid, uintptr(regs.Rip)-2, code[:]); err == nil && code == instruction && int64(regs.Orig_rax) >= 0 {
			return nil
		}
		if err := unix.PtraceCont(pid, 0); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
		if err := unix.Tgkill(pid, pid, unix.SIGSTOP); err != nil {
			return err
		}
		if err := stopped(pid, unix.SIGSTOP); err != nil {
			return err
		}
	}
	return errors.New(strconv.Itoa(pid) + " makes no system call")
}

// stopped waits until a signal has stopped the process; others have no effect.
func stopped(pid int, by unix.Signal) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return err
		}
		if !strings.Contains(string(status), "\nState:\tt") {
			continue
		}
		var info unix.Siginfo
		if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETSIGINFO, uintptr(pid), 0, uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 {
			return os.NewSyscallError("ptrace", errno)
		}
		switch {
		case unix.Signal(info.Signo) == by:
			return nil
		case by == unix.SIGTRAP:
			err = unix.PtraceSingleStep(pid)
		default:
			err = unix.PtraceCont(pid, 0)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%d does not stop", pid)
}
