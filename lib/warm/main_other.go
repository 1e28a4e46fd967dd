//go:build !linux

package warm

import "goqmail/lib/call"

// One is Main for a program that serves one call at a time; see doc.go.
func One(run func(*call.Call) int) { call.Main(run) }

// Many is Main for a program that serves all calls beside each other.
func Many(run func(*call.Call) int) { call.Main(run) }
