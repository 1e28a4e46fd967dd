package control

import "sync"

// Kept is what was made of control files, for a process that would make the same
// again and again. It is good for as long as nothing in the directory changes.
type Kept[T any] struct {
	Files func() []string // returns those whose contents count; nil: only their names do

	mu    sync.Mutex
	value T
	state *state // nil: there is no value
}

// Get returns what make returned before, if that is still good, or returns now.
// What comes with an error is not kept. What is kept belongs to all who get it.
func (k *Kept[T]) Get(make func() (T, error)) (value T, kept bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state != nil && k.state.lasts() {
		return k.value, true, nil
	}
	state := look(k.Files) // before the files are read
	value, err = make()
	if err != nil {
		state = nil
	}
	k.state = state
	if state != nil {
		k.value = value
	}
	return value, state != nil, err
}
