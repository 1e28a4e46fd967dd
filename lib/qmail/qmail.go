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
	cmd      child.Cmd     // with the ends of mess and envelope that qmail-queue is to get
	call     Caller        // nil: it was started, or called, or cannot be
	program  *warm.Process // nil: it could not be started
	refused  error         // why not, if that was for want of processes or memory
	mess     *os.File
	envelope *os.File
	refusal  *refusal      // nil: it says nothing
	out      *os.File      // mess, then envelope
	sent     int           // bytes, to out
	buf      *bufio.Writer // for out
	failed   bool
	aborted  bool
}

// Caller makes a call of a program that stays, as warm.Pool.Call does.
type Caller func(child.Cmd) (p warm.Process, ok bool)

// Open starts qmail-queue, or the program that QMAILQUEUE names in env, in the
// home directory, with env as its environment and stderr as its descriptor 2.
// The error is the one of pipe or fork; a program that cannot be executed is
// reported by Close.
func Open(env call.Env, stderr *os.File) (*Queue, error) {
	q, err := open(env, stderr)
	if err != nil {
		return nil, err
	}
	if q.start(); q.refused != nil {
		q.Abort()
		return nil, q.refused
	}
	return q, nil
}

// OpenWarm is Open with a qmail-queue that stays, if it can be called. The call is
// made once there is more than a pipe is sure to have room for, or else with all
// of the message and its envelope: then it waits for nothing. What QMAILQUEUE
// names gets a process for each message.
func OpenWarm(call Caller, env call.Env, stderr *os.File) (*Queue, error) {
	if _, ok := env.Lookup("QMAILQUEUE"); ok {
		return Open(env, stderr)
	}
	q, err := open(env, stderr)
	if err != nil {
		return nil, err
	}
	q.call = call
	return q, nil
}

// room is how many bytes a pipe is sure to have room for.
const room = 4096

func open(env call.Env, stderr *os.File) (*Queue, error) {
	program, ok := env.Lookup("QMAILQUEUE")
	if !ok {
		program = "bin/qmail-queue"
	}
	messIn, mess, err := child.Pipe()
	if err != nil {
		return nil, err
	}
	envelopeIn, envelope, err := child.Pipe()
	if err != nil {
		messIn.Close()
		mess.Close()
		return nil, err
	}
	q := &Queue{mess: mess, envelope: envelope, out: mess, cmd: child.Cmd{
		Path: program, Args: []string{program}, Env: env, Dir: auto.Home,
		Files: []*os.File{messIn, envelopeIn, stderr}, Keep: true,
	}}
	q.buf = bufio.NewWriterSize(pipes{q}, 8192)
	return q, nil
}

// block is how many bytes of a message that never becomes complete are seen together, as ever:
// what fills none is not seen.
const block = 1024

// pipes is what qmail-queue reads, from its message to its envelope.
type pipes struct{ *Queue }

func (p pipes) Write(b []byte) (int, error) {
	if p.aborted {
		b = b[:max(0, (p.sent+len(b)-1)/block*block-p.sent)]
	}
	if p.sent += len(b); p.sent > room {
		p.begin()
	}
	return p.out.Write(b)
}

// begin makes the call, if that was not done yet.
func (q *Queue) begin() {
	if q.call == nil {
		return
	}
	process, ok := q.call(q.cmd)
	q.call = nil
	if !ok {
		q.start()
		return
	}
	q.program = &process
	q.given()
}

// given gives up what qmail-queue has now.
func (q *Queue) given() {
	q.cmd.Files[0].Close()
	q.cmd.Files[1].Close()
}

// start starts a process, which may say why it refuses the message.
func (q *Queue) start() {
	defer q.given()
	in, out, err := child.Pipe()
	if err != nil {
		q.refused = err
		return
	}
	defer out.Close()
	q.refusal = &refusal{in: in}
	cmd := q.cmd
	cmd.Files = refusalFiles(cmd.Files, out, cmd.Env)
	pid, err := cmd.Start()
	switch {
	case child.ForkFailed(err):
		q.refused = err
		return
	case err != nil:
		return // Close says so
	}
	if _, own := cmd.Env.Lookup("QMAILQUEUE"); own {
		q.refusal.collect()
	}
	q.program = &warm.Process{Pid: pid}
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
	q.out, q.sent = q.envelope, 0
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
	if q.failed && q.call != nil {
		q.Abort() // it would see that the message is not to be queued, and end
		return answer(ExitRead)
	}
	q.mess.Close()
	q.envelope.Close()
	q.begin()
	var reason []byte
	if q.refusal != nil {
		reason = q.refusal.reason()
	}
	switch {
	case q.refused != nil:
		return exit.Defer("qqt failure (#4.3.0)", nil)
	case q.program == nil:
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
	if q.program != nil && q.out == q.mess {
		q.aborted = true
		q.buf.Flush()
	}
	q.mess.Close()
	q.envelope.Close()
	if q.call != nil {
		q.given()
	}
	if q.refusal != nil {
		q.refusal.in.Close()
	}
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
