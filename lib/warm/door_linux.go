package warm

import (
	"encoding/binary"
	"os"
	"sync/atomic"
	"syscall"

	"goqmail/lib/call"
)

// visits are how many calls of visitors are under way, at most. Each may keep a
// thread waiting for its input.
const visits = 100

// unwanted is the answer that tells a visitor to do the work itself. The others
// are exit codes.
const unwanted = 256

// door is where visitors come to: processes that were started the classic way and
// hand their call to this one. See Door.
type door struct {
	listener int
	files    int    // descriptors of a visitor
	file     string // of the program
	version  version
	visits   atomic.Int32
}

// open lets visitors in until the door is shut.
func (w *worker) open(d *door) {
	defer syscall.Close(d.listener)
	for {
		conn, _, err := syscall.Accept4(d.listener, syscall.SOCK_CLOEXEC)
		switch err {
		case nil:
			w.running.Go(func() { w.visit(d, conn) })
		case syscall.EINTR, syscall.ECONNABORTED:
		case syscall.EINVAL: // it is shut
			return
		default: // too many descriptors
			d.leave()
			return
		}
	}
}

// shut lets nobody connect any more. Those who have are served.
func (d *door) shut() { syscall.Shutdown(d.listener, syscall.SHUT_RD) }

// leave ends this process after the calls under way. Our caller may start another.
func (d *door) leave() {
	d.shut()
	syscall.Shutdown(socketFD, syscall.SHUT_RDWR)
}

// visit serves a visitor.
func (w *worker) visit(d *door, conn int) {
	defer syscall.Close(conn)
	// Anyone may connect, but only this program can as its owner: whoever runs it
	// has no say in what it sends.
	peer, err := syscall.GetsockoptUcred(conn, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil || int(peer.Uid) != os.Geteuid() {
		return
	}
	n := d.visits.Add(1)
	defer d.visits.Add(-1)
	fds, who := hello(conn)
	now, err := look(d.file)
	changed := err != nil || now != d.version
	if changed {
		d.leave()
	}
	if changed || n > visits || len(fds) != d.files || who.Pid == 0 {
		for _, fd := range fds {
			syscall.Close(fd)
		}
		reply(conn, unwanted)
		return
	}
	r := request{args: []string{d.file}}
	for i := range fds {
		r.fds = append(r.fds, i)
	}
	status := w.call(r, fds, func(c *call.Call) {
		c.Pid, c.Uid = int(who.Pid), int(who.Uid)
		c.Gone = func() bool {
			n, _, err := syscall.Recvfrom(conn, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return n == 0 && err == nil
		}
	})
	if status.Exited() { // otherwise the visitor sees that there is no answer
		reply(conn, uint32(status.ExitStatus()))
	}
}

// hello receives what a visitor's descriptors are to be, from 0 on, and its
// credentials, of which the kernel has made sure.
func hello(conn int) (fds []int, who syscall.Ucred) {
	syscall.SetsockoptTimeval(conn, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 10}) // it may be stopped
	rights := make([]byte, syscall.CmsgSpace(4*maxFiles)+syscall.CmsgSpace(syscall.SizeofUcred))
	_, n, _, _, err := syscall.Recvmsg(conn, make([]byte, 1), rights, syscall.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, who
	}
	messages, _ := syscall.ParseSocketControlMessage(rights[:n])
	for _, m := range messages {
		if c, err := syscall.ParseUnixCredentials(&m); err == nil {
			who = *c
		}
	}
	return received(rights[:n]), who
}

func reply(conn int, answer uint32) {
	syscall.Sendmsg(conn, binary.NativeEndian.AppendUint32(nil, answer), nil, nil, syscall.MSG_NOSIGNAL)
}
