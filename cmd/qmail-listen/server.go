package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/socket"
)

// program is what runs for each connection.
type program interface {
	// start gives the program a connection, as its descriptors 0 and 1, and an
	// environment. It returns the process id that stands for the connection in
	// the log, and a function that waits for its end. conn still belongs to the
	// caller.
	start(conn *os.File, env call.Env) (pid int, wait func() syscall.WaitStatus, err error)
}

// server takes connections and gives them to a program.
type server struct {
	options
	log       logger
	listening *os.File
	env       call.Env // of qmail-listen itself
	program   program
}

// ended is the end of a connection. pid is 0 for one that leaves no line in the
// log.
type ended struct {
	pid    int
	status syscall.WaitStatus
}

// serve runs until term says to stop. It owns the number of connections; each
// connection has a goroutine, which sends its end.
func (s *server) serve(term <-chan os.Signal) {
	var running uint64
	wanted := make(chan struct{}, 1)
	accepted := make(chan *os.File)
	ends := make(chan ended)
	go s.accept(wanted, accepted)
	waiting := false // for accept
	s.log.status(running, s.limit)
	for {
		if !waiting && running < s.limit {
			wanted <- struct{}{}
			waiting = true
		}
		select {
		case conn := <-accepted:
			waiting = false
			running++
			s.log.status(running, s.limit)
			go func() {
				wait := s.handle(conn)
				go func() { ends <- wait() }() // with a small stack, for as long as it takes
			}()
		case end := <-ends:
			running--
			if end.pid != 0 {
				s.log.end(end.pid, end.status)
			}
			s.log.status(running, s.limit)
		case <-term:
			return // connections under way go on
		}
	}
}

// accept takes a connection whenever one is wanted. The system keeps the others
// waiting.
func (s *server) accept(wanted <-chan struct{}, accepted chan<- *os.File) {
	for range wanted {
		for {
			conn, err := socket.Accept(s.listening)
			if err == nil {
				accepted <- conn
				break
			}
			if !errors.Is(err, syscall.ECONNABORTED) {
				time.Sleep(100 * time.Millisecond) // out of descriptors or memory
			}
		}
	}
}
