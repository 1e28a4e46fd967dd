//go:build !linux

package maildir

import "os"

// hostName is the first 64 bytes of the host name, or nothing if there is none.
func hostName() string {
	name, _ := os.Hostname()
	return name[:min(64, len(name))]
}
