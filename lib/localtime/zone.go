// Package localtime knows the local time zone as the C library does, from an
// environment rather than from the process's own, and with all that may stand
// in TZ. Package time knows the files of zones, but not the rules of POSIX.
package localtime

import (
	"io"
	"os"
	"strings"
	"time"

	"goqmail/lib/call"
)

// Zone is a time zone. The zero Zone is UTC.
type Zone struct {
	location *time.Location // nil: rule
	rule     rule
}

// Load returns the local zone. TZ names a file, in /usr/share/zoneinfo unless
// TZDIR says otherwise, or is a rule of POSIX; without TZ the file is
// /etc/localtime. What is neither counts as UTC.
func Load(env call.Env) Zone {
	name, ok := env.Lookup("TZ")
	if !ok {
		name = "/etc/localtime"
	}
	name = strings.TrimPrefix(name, ":")
	if name == "" {
		return Zone{}
	}
	if location, err := load(env, name); err == nil {
		return Zone{location: location}
	}
	return Zone{rule: parseRule(name)}
}

func load(env call.Env, file string) (*time.Location, error) {
	if file[0] != '/' {
		dir := env.Get("TZDIR")
		if dir == "" {
			dir = "/usr/share/zoneinfo"
		}
		file = dir + "/" + file
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData("", data)
}

// Offset returns how many seconds the zone is east of UTC at t.
func (z Zone) Offset(t time.Time) int {
	if z.location == nil {
		return z.rule.offset(t)
	}
	_, offset := t.In(z.location).Zone()
	return offset
}

// Clock returns the time that a clock in the zone shows at t, as if it were UTC.
func (z Zone) Clock(t time.Time) time.Time {
	return t.UTC().Add(time.Duration(z.Offset(t)) * time.Second)
}
