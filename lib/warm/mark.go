package warm

import "os"

// The size of a file that tells that its program can stay: its remainder.
const (
	markUnit  = 1 << 16
	remainder = 0x9a11
)

// marked tells whether a file of some size has the mark.
func marked(size int64) bool { return size%markUnit == remainder }

// Marked tells whether a file has the mark.
func Marked(name string) bool {
	info, err := os.Stat(name)
	return err == nil && marked(info.Size())
}

// Mark gives a program's file the mark: zeros at its end, which nobody reads.
func Mark(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	size := info.Size()
	return os.Truncate(name, size+(remainder-size%markUnit+markUnit)%markUnit)
}
