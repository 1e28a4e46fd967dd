package maildir

import "syscall"

// hostName is the host name, at most 64 bytes, or nothing if there is none.
// os.Hostname does the same with all that it takes to read files.
func hostName() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return ""
	}
	var name []byte
	for _, c := range u.Nodename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	return string(name[:min(64, len(name))])
}
