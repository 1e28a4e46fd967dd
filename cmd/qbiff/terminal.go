package main

import (
	"os"
	"strings"
	"syscall"
)

// tell writes news to a terminal, a name in /dev, if it belongs to this user
// and its owner's x bit says that messages are welcome. It never waits for a
// terminal that is stopped, which os.File would do.
func tell(line, news string) {
	if line == "" || line[0] == '/' || strings.Contains(line, ".") {
		return
	}
	const flags = syscall.O_WRONLY | syscall.O_NONBLOCK | syscall.O_APPEND | syscall.O_CREAT
	fd, err := syscall.Open("/dev/"+line, flags|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&0o100 == 0 || int(st.Uid) != os.Getuid() {
		return
	}
	for news != "" {
		n, err := syscall.Write(fd, []byte(news))
		if err != nil {
			return
		}
		news = news[n:]
	}
}
