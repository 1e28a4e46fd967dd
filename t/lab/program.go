//go:build linux

package lab

// What a program that is no test needs, which has no Main to run it.

// RemoveShared removes what SharedDir made, as Main does.
func RemoveShared() { removeShared() }

// Pid is the number that process 1 of the host has on the machine.
func (h *Host) Pid() int { return h.init.Process.Pid }
