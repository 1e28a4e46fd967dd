package owner

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/call"
	"goqmail/lib/users"
	"goqmail/lib/warm"
)

// recent is what qmail-getpw said within this second, so that a list of many
// recipients or a flood of mail to few does not ask it the same over and over.
// An answer holds as long as /etc/passwd stays what it is and the home directory
// is its user's.
type recent struct {
	mu    sync.Mutex
	of    moment
	users map[string]users.User // by local part
}

// moment is a second with one /etc/passwd.
type moment struct {
	second        int64
	device, inode uint64
	size          int64
	changed       unix.Timespec
}

func now() moment {
	var st unix.Stat_t
	unix.Stat("/etc/passwd", &st)
	return moment{time.Now().Unix(), uint64(st.Dev), st.Ino, st.Size, st.Ctim}
}

// mayRemember tells whether qmail-getpw is the one whose rules are known here.
// What stands in its place may have other ones, and is asked each time.
func mayRemember(env call.Env, program string) bool {
	_, off := env.Lookup(warm.Variable)
	return !off && warm.Marked(program)
}

// findAt returns the answer for local, if there is one that holds at a moment.
func (r *recent) findAt(local string, at moment) (user users.User, ok bool) {
	r.mu.Lock()
	if r.of == at {
		user, ok = r.users[local]
	}
	r.mu.Unlock()
	if !ok {
		return user, false
	}
	var home unix.Stat_t
	return user, unix.Stat(user.Home, &home) == nil && home.Uid == user.Uid
}

// add remembers an answer to what was asked at some moment, if that lasts.
func (r *recent) add(local string, user users.User, asked moment) {
	if asked != now() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of != asked {
		r.of, r.users = asked, map[string]users.User{}
	}
	r.users[local] = user
}
