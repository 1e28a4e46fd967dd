package descriptor

import "syscall"

// StartSync has the file's data written to the disk without waiting for it, so
// that a file system with a journal can make several files durable at once. It
// is a hint: Sync reports what goes wrong.
func (f File) StartSync() {
	const write = 2 // SYNC_FILE_RANGE_WRITE
	syscall.SyncFileRange(int(f), 0, 0, write)
}
