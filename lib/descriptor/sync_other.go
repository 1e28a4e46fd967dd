//go:build !linux

package descriptor

// StartSync does nothing where there is no such call.
func (f File) StartSync() {}
