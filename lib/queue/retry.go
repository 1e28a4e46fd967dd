package queue

import (
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Retry is the file in which qmail-q asks qmail-send to try messages now: their
// numbers, each on a line. It is locked while it is written, and while qmail-send
// reads it and makes it empty. Where it is missing nobody can ask.
const Retry Name = "lock/retry"

// AskRetries asks qmail-send to try messages now. Pull comes next.
func AskRetries(path string, nums []Num) error {
	f, err := openRetry(path, os.O_WRONLY|os.O_APPEND, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer f.Close()
	var lines []byte
	for _, n := range nums {
		lines = append(lines, n.String()+"\n"...)
	}
	_, err = f.Write(lines)
	return err
}

// TakeRetries returns the messages that are asked for, and empties the file. It
// costs little if there are none, and waits for nobody: who has the file locked
// will pull the trigger.
func TakeRetries(path string) (nums []Num) {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil || st.Size == 0 {
		return nil
	}
	f, err := openRetry(path, os.O_RDWR, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return nil
	}
	defer f.Close()
	lines, err := io.ReadAll(f)
	if err != nil || f.Truncate(0) != nil {
		return nil
	}
	for line := range strings.Lines(string(lines)) {
		if n, ok := ParseNum(strings.TrimSuffix(line, "\n")); ok {
			nums = append(nums, n)
		}
	}
	return nums
}

// openRetry opens and locks the file.
func openRetry(path string, flags, lock int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), lock); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
