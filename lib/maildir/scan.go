package maildir

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/exit"
)

// abandoned is how long, in seconds, nobody has read a file in tmp that no
// delivery can still be working on: timeout, and half as much again.
const abandoned = 36 * 60 * 60

// Clean removes from directory tmp of the maildir dir the files that were left
// behind by deliveries that did not end. It is done when there is time, and
// fails silently.
func Clean(dir string) {
	names, _ := list(dir + "/tmp")
	now := time.Now().Unix()
	for _, name := range names {
		name = dir + "/tmp/" + name
		var st unix.Stat_t
		if unix.Stat(name, &st) == nil && now > int64(st.Atim.Sec)+abandoned {
			unix.Unlink(name)
		}
	}
}

// Message is a message in a maildir.
type Message struct {
	Name    string // with its directory: new/NAME or cur/NAME
	Arrived int64  // in seconds: the time of last change
	Size    int64  // in bytes
}

// Scan lists the messages in subdirectories of the maildir dir, oldest first.
// It leaves out those that are not a second old yet, so that two scans agree on
// the order, and names that start with a dot. The error speaks of the maildir
// as $MAILDIR, where its readers are told about it.
func Scan(dir string, subdirs ...string) ([]Message, error) {
	var q queue
	now := time.Now().Unix()
	for _, sub := range subdirs {
		names, err := list(dir + "/" + sub)
		if err != nil {
			return nil, exit.Defer("unable to scan $MAILDIR/"+sub, err)
		}
		for _, name := range names {
			name = sub + "/" + name
			var st unix.Stat_t
			if unix.Stat(dir+"/"+name, &st) == nil && int64(st.Mtim.Sec) < now {
				q.insert(Message{name, int64(st.Mtim.Sec), st.Size})
			}
		}
	}
	return q.drain(), nil
}

// list returns the names in directory dir that do not start with a dot, in the
// order in which the file system has them.
func list(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	visible := names[:0]
	for _, name := range names {
		if name[0] != '.' {
			visible = append(visible, name)
		}
	}
	return visible, err
}
