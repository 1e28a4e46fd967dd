// Qmail-qmqpd takes mail by QMQP from machines that have no queue of their own
// and hands it to qmail-queue. It is started for each connection, by tcpserver
// or qmail-listen, with the connection on descriptors 0 and 1 and the variables
// of tcp-environ(5). It sends mail anywhere for whoever may connect.
//
// It takes no arguments, and exits 0 when it has answered or the client has gone,
// 100 when the client does not speak QMQP, and 111 when there is trouble here.
// See qmail-qmqpd(8).
package main

import (
	"errors"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/netstring"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

// patience is how long a connection may last.
const patience = time.Hour

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE) // here and in qmail-queue
	sig.Default(sig.Swallowed[:]...)
	sig.Exit(exit.Temp, syscall.SIGALRM)
	sig.Alarm(patience)

	answer, err := serve(c)
	switch {
	case err == nil:
		c.Out().Write(netstring.Append(nil, answer))
	case errors.Is(err, netstring.ErrFormat):
		return exit.Perm
	case errors.Is(err, netstring.ErrTooLong), errors.Is(err, errTrouble):
		return exit.Temp
	}
	return exit.OK // a client that has gone cannot be told more
}

// errTrouble is what we have of our own: the client may try again later.
var errTrouble = errors.New("trouble")

// serve takes one message, which is all that a connection brings, and returns
// what to answer.
func serve(c *call.Call) (answer string, err error) {
	in := newInput(c.In())
	n, err := in.start()
	if err != nil {
		return "", err
	}
	if qmail.CheckHome() != nil {
		return "", errTrouble
	}
	queue, err := qmail.Open(c.Env, c.Err())
	if err != nil {
		return "", errTrouble
	}
	m := mail{Queue: queue, env: c.Env}
	if err := m.receive(in, n); err != nil {
		queue.Abort()
		return "", err
	}
	err = queue.Close()
	switch {
	case m.odd:
		return "Dsorry, I can't accept addresses like that (#5.1.3)", nil
	case err == nil:
		return "Kok " + strconv.FormatInt(time.Now().Unix(), 10) + " qp " + strconv.Itoa(queue.Pid()), nil
	case exit.Code(err) == exit.Perm:
		return "D" + err.Error(), nil
	}
	return "Z" + err.Error(), nil
}
