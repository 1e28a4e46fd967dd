//go:build !linux

package warm

import "goqmail/lib/call"

// One is Main for a program that serves one call at a time; see doc.go.
func One(run func(*call.Call) int) { call.Main(run) }

// Stays tells whether the process was started to stay.
func Stays() bool { return false }

// Alone tells whether the process was started to stay and to give up rights.
func Alone() bool { return false }

// NoMore lets the caller know that this process is to get no more calls.
func NoMore() {}

// Many is Main for a program that serves all calls beside each other.
func Many(run func(*call.Call) int) { call.Main(run) }

// Door is Many where there is no door.
func Door(run func(*call.Call) int, _, _ int, _ string) { call.Main(run) }
