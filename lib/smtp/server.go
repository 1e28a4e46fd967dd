package smtp

import (
	"goqmail/lib/badlist"
	"goqmail/lib/call"
	"goqmail/lib/control"
)

// Server leads any number of dialogues. For them all it reads the control files
// once, and again when one has changed.
type Server struct {
	queue    Opener
	controls control.Kept[*controls]
}

// NewServer makes a server with this qmail-queue.
func NewServer(queue Opener) *Server {
	return &Server{queue: queue, controls: control.Kept[*controls]{Files: control.All}}
}

// Serve is the function of that name.
func (s *Server) Serve(c *call.Call) int { return serve(c, s.queue, s.read) }

func (s *Server) read() (*controls, bool, error) {
	// What rcptHosts holds open goes with the last dialogue that knows it.
	return s.controls.Get(func() (*controls, error) {
		c, _, err := readControls()
		c.badLists = new(badlist.Read)
		return c, err
	})
}
