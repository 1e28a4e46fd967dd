package queue

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/auto"
)

// ReachHome returns an error if the home directory cannot be worked in: it is
// not there, or it may not be searched. The error is a syscall.Errno.
func ReachHome() error { return reach(auto.Home) }

// Reach is ReachHome for the queue directory, which lies below.
func Reach() error { return reach(auto.Home + "/queue") }

func reach(dir string) error {
	var st syscall.Stat_t
	return syscall.Stat(dir+"/.", &st)
}

// IsOssified tells whether the file was last read at least Ossified ago, and
// false if that cannot be known.
func (n Name) IsOssified(now time.Time) bool {
	var st unix.Stat_t
	if unix.Stat(n.Path(), &st) != nil {
		return false
	}
	sec, nsec := st.Atim.Unix()
	return !now.Before(time.Unix(sec, nsec).Add(Ossified))
}
