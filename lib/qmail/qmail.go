// Package qmail hands messages to qmail-queue: the message on descriptor 0,
// the envelope on descriptor 1, and the answer in the exit code. See
// qmail-queue(8) and envelopes(5).
package qmail

import (
	"bufio"
	"io"
	"os"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/warm"
)

// Queue is one message on its way into the queue. Write the message to it,
// then call From once, To for each recipient, and Close.
type Queue struct {
	program  *warm.Process // nil: it could not be started
	mess     *os.File
	envelope *os.File
	refusal  *refusal
	buf      *bufio.Writer // for mess, then for envelope
	failed   bool
}

// Open starts qmail-queue, or the program that QMAILQUEUE names in env, in the
// home directory, with env as its environment and stderr as its descriptor 2.
// The error is the one of pipe or fork; a program that cannot be executed is
// reported by Close.
func Open(env call.Env, stderr *os.File) (*Queue, error) { return open(classic, env, stderr) }

// OpenWarm is Open with a start for qmail-queue, such as a pool's; see package
// warm. What QMAILQUEUE names gets a process for each message.
func OpenWarm(start func(child.Cmd) (warm.Process, error), env call.Env, stderr *os.File) (*Queue, error) {
	if _, ok := env.Lookup("QMAILQUEUE"); ok {
		return open(classic, env, stderr)
	}
	return open(start, env, stderr)
}

func classic(cmd child.Cmd) (warm.Process, error) {
	pid, err := cmd.Start()
	return warm.Process{Pid: pid}, err
}

func open(start func(child.Cmd) (warm.Process, error), env call.Env, stderr *os.File) (*Queue, error) {
	program, ok := env.Lookup("QMAILQUEUE")
	if !ok {
		program = "bin/qmail-queue"
	}
	messIn, messOut, err := child.Pipe()
	if err != nil {
		return nil, err
	}
	defer messIn.Close()
	envelopeIn, envelopeOut, err := child.Pipe()
	if err != nil {
		messOut.Close()
		return nil, err
	}
	defer envelopeIn.Close()
	refusalIn, refusalOut, err := child.Pipe()
	if err != nil {
		messOut.Close()
		envelopeOut.Close()
		return nil, err
	}
	defer refusalOut.Close()

	q := &Queue{mess: messOut, envelope: envelopeOut, refusal: &refusal{in: refusalIn}, buf: bufio.NewWriterSize(messOut, 8192)}
	cmd := child.Cmd{
		Path: program, Args: []string{program}, Env: env, Dir: auto.Home,
		Files: refusalFiles([]*os.File{0: messIn, 1: envelopeIn, 2: stderr}, refusalOut, env), Keep: true,
	}
	process, err := start(cmd)
	switch {
	case err == syscall.EAGAIN || err == syscall.ENOMEM:
		messOut.Close()
		envelopeOut.Close()
		refusalIn.Close()
		return nil, err
	case err != nil:
		return q, nil // Close says so
	case ok:
		q.refusal.collect()
	}
	q.program = &process
	return q, nil
}

// Pid is the process id that stands for qmail-queue, the "qp" of logs.
func (q *Queue) Pid() int {
	if q.program == nil {
		return 0
	}
	return q.program.Pid
}

// Fail makes sure that the message is not queued: qmail-queue will see a
// truncated envelope.
func (q *Queue) Fail() { q.failed = true }

// Write adds p to the message. It never fails: Close reports what went wrong.
func (q *Queue) Write(p []byte) (int, error) {
	if !q.failed {
		_, err := q.buf.Write(p)
		q.failed = err != nil
	}
	return len(p), nil
}

// ReadFrom adds all that r holds to the message. The error is one of reading.
// Call it rather than io.Copy, which would look for quicker ways to copy and so
// make a small program a tenth bigger.
func (q *Queue) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, 8192)
	for {
		got, err := r.Read(buf)
		q.Write(buf[:got])
		n += int64(got)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// WriteString is Write for a string.
func (q *Queue) WriteString(s string) (int, error) { return q.Write([]byte(s)) }

// From ends the message and starts the envelope with its sender.
func (q *Queue) From(sender string) {
	if q.buf.Flush() != nil { // after Fail, too: all that was written shall be seen
		q.failed = true
	}
	q.mess.Close()
	q.buf.Reset(q.envelope)
	q.WriteString("F" + sender + "\x00")
}

// To adds a recipient to the envelope.
func (q *Queue) To(recipient string) { q.WriteString("T" + recipient + "\x00") }

// Close ends the envelope and waits for qmail-queue. It returns nil once the
// message is safely queued, and otherwise an *exit.Error: exit.Perm when the
// queue refuses the message, exit.Temp when it may be tried again.
func (q *Queue) Close() error {
	q.WriteString("\x00")
	if !q.failed {
		q.failed = q.buf.Flush() != nil
	}
	q.mess.Close()
	q.envelope.Close()
	reason := q.refusal.reason()
	if q.program == nil {
		return answer(notStarted())
	}
	status, err := q.program.Wait()
	switch {
	case err != nil:
		return exit.Defer("qq waitpid surprise (#4.3.0)", nil)
	case status.Signaled():
		return exit.Defer("qq crashed (#4.3.0)", nil)
	case status.ExitStatus() == 0 && q.failed:
		return answer(ExitRead)
	case (status.ExitStatus() == exitCustom || status.ExitStatus() == exitIndimail) && len(reason) > 2:
		return custom(reason)
	}
	return answer(status.ExitStatus())
}

// Abort gives the message up at any point before Close. It does not wait for
// qmail-queue, which sees a truncated message and ends by itself.
func (q *Queue) Abort() {
	q.mess.Close()
	q.envelope.Close()
	q.refusal.in.Close()
	if q.program != nil {
		go q.program.Wait() // for processes that live on
	}
}

// notStarted is the code of a process that could not become qmail-queue.
func notStarted() int {
	if CheckHome() != nil {
		return ExitHome
	}
	return ExitNoExec
}

// CheckHome tells whether the home directory can be entered. Programs that need
// it to be their working directory no more still refuse to run without.
func CheckHome() error { return syscall.Access(auto.Home+"/.", 0) }
