//go:build !linux

package warm

import "goqmail/lib/child"

// Only is a process that was started in advance; see doc.go.
type Only struct{}

// Begin starts none.
func Begin(child.Cmd) (o *Only, ok bool) { return nil, false }

// Start is for none.
func (o *Only) Start(child.Cmd) (Process, error) { panic("warm: there is no process") }

// Over is for none.
func (o *Only) Over() <-chan struct{} { return nil }
