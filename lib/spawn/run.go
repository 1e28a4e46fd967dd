package spawn

import (
	"errors"
	"os"
	"syscall"

	"goqmail/lib/child"
	"goqmail/lib/sig"
	"goqmail/lib/warm"
)

// Ended is how a delivery program ended.
type Ended struct {
	Output  []byte
	Code    int  // exit code
	Crashed bool // a signal ended it
}

// errPipe is the error for a pipe that could not be made.
var errPipe = errors.New("unable to create pipe")

// Start starts a program. A cmd without Path is looked for along its PATH.
type Start func(child.Cmd) (warm.Process, error)

// Classic is a Start that gives each program a process of its own.
func Classic(cmd child.Cmd) (warm.Process, error) {
	var pid int
	err := found(cmd, func(cmd child.Cmd) (err error) {
		pid, err = start(cmd)
		return err
	})
	return warm.Process{Pid: pid}, err
}

// Warm is a Start by a pool.
func Warm(pool *warm.Pool) Start {
	pool.Classic = start
	return func(cmd child.Cmd) (p warm.Process, err error) {
		err = found(cmd, func(cmd child.Cmd) (err error) {
			p, err = pool.Start(cmd)
			return err
		})
		return p, err
	}
}

func found(cmd child.Cmd, start func(child.Cmd) error) error {
	if cmd.Path == "" {
		return cmd.Find(start)
	}
	return start(cmd)
}

// Run runs a program and waits until it has ended and nothing that it started
// still holds its descriptor 1. That is a pipe; descriptor 0 is in, such as a
// message, which Run closes, and 2 is cmd.Files[2] or else the pipe as well.
// collect adds more to the output so far and may bound it.
//
// When the program could not be started the error says why; see Refused.
func (start Start) Run(cmd child.Cmd, in *os.File, collect func(output, more []byte) []byte) (Ended, error) {
	r, w, err := os.Pipe()
	if err != nil {
		in.Close()
		return Ended{}, errPipe
	}
	defer r.Close()
	w.Fd() // in blocking mode again, as programs expect; to wait at the other end costs no thread
	files := []*os.File{in, w, w}
	if len(cmd.Files) > 2 {
		files[2] = cmd.Files[2]
	}
	cmd.Files = files
	process, err := start(cmd)
	w.Close()
	in.Close()
	if err != nil {
		return Ended{}, err
	}
	output := slurp(r, collect)
	status, err := process.Wait()
	crashed := err != nil || status.Signaled() || status.ExitStatus() == gaveUp && warm.Marked(cmd.Path)
	return Ended{Output: output, Code: status.ExitStatus(), Crashed: crashed}, nil
}

// gaveUp is the exit code of a program of ours for which there were not enough
// threads or memory to begin. Package call would make a crash of it, had it begun.
// Mail must not bounce for that, as it does for other programs that exit so.
const gaveUp = 2

// Refused is the report for an error of Run that has nothing to do with the
// program: the system had no pipe or no process left. It is "" for others.
func Refused(err error) string {
	switch {
	case errors.Is(err, errPipe):
		return "Zqmail-spawn unable to create pipe. (#4.3.0)\n"
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		return "Zqmail-spawn unable to fork. (#4.3.0)\n"
	}
	return ""
}

// AtMost is for Run: it keeps the first n bytes of the output.
func AtMost(n int) func(output, more []byte) []byte {
	return func(output, more []byte) []byte {
		return append(output, more[:min(len(more), n-len(output))]...)
	}
}

// start starts cmd with SIGCHLD blocked, as the spawns have always done; some
// programs came to unblock it themselves.
func start(cmd child.Cmd) (pid int, err error) {
	sig.Blocked(func() { pid, err = cmd.Start() }, syscall.SIGCHLD)
	return pid, err
}

// slurp reads to the end. The size of its reads can be seen in reports that
// are cut, so it is part of the behaviour.
func slurp(r *os.File, collect func(output, more []byte) []byte) (output []byte) {
	buf := make([]byte, 128)
	for {
		n, err := r.Read(buf)
		output = collect(output, buf[:n])
		if err != nil {
			return output
		}
	}
}
