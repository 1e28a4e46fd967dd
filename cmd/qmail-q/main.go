// Qmail-q shows and changes what waits in the queue, also while qmail-send works
// on it.
//
//	qmail-q list [-l] [choice]
//	qmail-q show choice
//	qmail-q hold | release | delete | retry choice
//	qmail-q bounce [-m text] choice
//	qmail-q fix [-y]
//
// A choice is of message numbers, senders, recipients, ages and sizes; see
// choose.go. It exits 0, 100 if it was called wrongly or something that was asked
// for is not there, and 111 if something could not be done. See qmail-q(8).
//
// What it may touch while qmail-send works, also one that knows nothing of it, is
// little. The first byte of a recipient's record is a state, and is changed in
// place, by compare and exchange (swap.go); bounce/N is only appended to or removed
// as a whole. While the mess file is open, its inode and so its number is not given
// to another message. All else, in delete and fix, happens under qmail-send's own
// lock, so that no qmail-send runs.
package main

import (
	"bufio"
	"io"
	"os"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
	"goqmail/lib/route"
	"goqmail/lib/sig"
)

func main() {
	sig.Default(sig.Swallowed[:]...)
	call.Main(run)
}

const usage = `usage: qmail-q list [-l] [choice]
       qmail-q show choice
       qmail-q hold | release | delete | retry choice
       qmail-q bounce [-m text] choice
       qmail-q fix [-y]
choice: [-a] [-f sender] [-r recipient] [-c local|remote] [-o age] [-n age]
        [-s size] [-S size] [number ...]
`

// tool is one call of the program.
type tool struct {
	order
	layout queue.Layout
	out    *bufio.Writer
	err    io.Writer
	qmails identity
	alone  bool // no qmail-send runs, and none can
	code   int  // to exit with

	touched []queue.Num // messages that were changed
	routes  *route.Table
}

func run(c *call.Call) int {
	o, err := parse(c.Args)
	if err != nil {
		io.WriteString(c.Err(), "qmail-q: fatal: "+err.Error()+"\n"+usage)
		return exit.Perm
	}
	t := &tool{order: o, out: bufio.NewWriter(c.Out()), err: c.Err()}
	err = t.work()
	if flushed := t.out.Flush(); err == nil && flushed != nil {
		err = exit.Defer("unable to write", flushed)
	}
	if err != nil {
		return exit.Report(c.Err(), "qmail-q", err)
	}
	return t.code
}

func (t *tool) work() error {
	if err := t.identify(); err != nil {
		return err
	}
	if err := queue.Reach(); err != nil {
		return exit.Defer("unable to chdir to the queue", err)
	}
	var err error
	if t.layout, err = queue.Look(); err != nil {
		return exit.Defer("unable to look at todo", err)
	}
	switch t.verb {
	case "fix":
		return t.fix()
	case "delete":
		// Root with qmail-send's lock may do what qmail-send and qmail-clean do.
		if mutex, err := lockSend(); err == nil && os.Geteuid() == 0 {
			defer mutex.Close()
			t.alone = true
			return t.each()
		}
	case "bounce":
		if err := t.readRoutes(); err != nil {
			return err
		}
	}
	if err := t.qmails.become(); err != nil {
		return err
	}
	return t.each()
}

// identity is the user and group that the files of qmail-send belong to.
type identity struct{ uid, gid int }

// identify refuses users who may not read the queue.
func (t *tool) identify() (err error) {
	if t.qmails.uid, err = account.Uid(auto.UserS); err == nil {
		t.qmails.gid, err = account.Gid(auto.GroupQmail)
	}
	if err != nil {
		return exit.Defer("unable to find user "+auto.UserS+" and group "+auto.GroupQmail, err)
	}
	switch me := os.Geteuid(); {
	case me == 0:
		return nil
	case t.verb == "fix":
		return exit.Reject("only root may do that", nil)
	case me != t.qmails.uid:
		return exit.Reject("only root and "+auto.UserS+" may do that", nil)
	}
	return nil
}

// become makes root act as qmail-send does: what is made has the right owner, and
// what is not qmail-send's is out of reach.
func (id identity) become() error {
	if os.Geteuid() != 0 {
		return nil
	}
	err := syscall.Setregid(-1, id.gid)
	if err == nil {
		err = syscall.Setreuid(-1, id.uid)
	}
	if err != nil {
		return exit.Defer("unable to become "+auto.UserS, err)
	}
	return nil
}

// unbecome makes who was root be it again, to be told what only root is.
func unbecome() {
	if os.Getuid() == 0 {
		syscall.Setreuid(-1, 0) // without it we are told less
	}
}

// lockSend takes the lock of qmail-send. It fails while that runs.
func lockSend() (*os.File, error) {
	mutex, err := os.OpenFile(queue.SendMutex.Path(), os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(mutex.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		mutex.Close()
		return nil, err
	}
	return mutex, nil
}

// complain tells of a message with which something went wrong.
func (t *tool) complain(n queue.Num, code int, what string) {
	t.out.Flush()
	io.WriteString(t.err, "qmail-q: warning: #"+n.String()+": "+what+"\n")
	t.code = max(t.code, code)
}
