package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"goqmail/lib/exit"
	"goqmail/lib/rcptd"
	"goqmail/lib/socket"
)

const (
	atOnce      = 20              // addresses looked for at a time
	connections = 500             // questions under way; more wait in the system
	patience    = 8 * time.Second // for a question, and again until there is an answer
)

// server answers questions. A look that hangs, as on a file server that is
// away, keeps its place until it ends, but nobody waits longer than patience.
type server struct {
	look     func(local string) rcptd.Answer
	patience time.Duration
	places   chan struct{} // as many as there may be looks
	open     chan struct{} // as many as there may be connections
}

func newServer(m *mailboxes, patience time.Duration) *server {
	return &server{m.look, patience, make(chan struct{}, atOnce), make(chan struct{}, connections)}
}

// serve answers until it cannot take connections any more.
func (s *server) serve(listening *os.File) error {
	for {
		s.open <- struct{}{}
		conn, err := socket.Accept(listening)
		if err != nil {
			<-s.open
			if err := temporary(err); err != nil {
				return err
			}
			continue
		}
		go func() {
			s.answer(conn)
			conn.Close()
			<-s.open
		}()
	}
}

// temporary waits a moment if the system was out of descriptors or memory, or
// the client gone, and returns other errors.
func temporary(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNABORTED):
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		time.Sleep(time.Second / 10)
	default:
		return exit.Defer("unable to accept a connection", err)
	}
	return nil
}

func (s *server) answer(conn *os.File) {
	conn.SetDeadline(time.Now().Add(s.patience))
	local, err := rcptd.ReadQuestion(conn)
	if err != nil {
		return
	}
	answer := s.find(local)
	conn.SetDeadline(time.Now().Add(s.patience))
	conn.Write([]byte{byte(answer)}) // if that fails, nobody waits for it
}

// find looks for an address, once there is a place.
func (s *server) find(local string) rcptd.Answer {
	timeout := time.NewTimer(s.patience)
	defer timeout.Stop()
	select {
	case s.places <- struct{}{}:
	case <-timeout.C:
		return rcptd.Unsure
	}
	found := make(chan rcptd.Answer, 1)
	go func() {
		found <- s.look(local)
		<-s.places
	}()
	select {
	case answer := <-found:
		return answer
	case <-timeout.C:
		return rcptd.Unsure
	}
}
