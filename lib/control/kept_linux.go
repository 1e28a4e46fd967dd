package control

import (
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// state is the directory and the files in it as they were at some time. The
// directory changes with the names in it.
type state struct {
	paths    []string
	versions []version
}

// version changes whenever a file is replaced or written to.
type version struct {
	device, inode uint64
	size          int64
	changed       syscall.Timespec
}

// All are all control files.
func All() []string {
	dir, err := os.Open(Path(""))
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return names
}

// look returns nil if there is something of which a change may not show.
func look(files func() []string) *state {
	s := &state{paths: []string{Path("")}}
	if files != nil {
		names := files()
		if names == nil {
			return nil
		}
		for _, name := range names {
			s.paths = append(s.paths, Path(name))
		}
	}
	now := time.Now()
	for _, path := range s.paths {
		var st syscall.Stat_t
		if syscall.Stat(path, &st) != nil || !settled(st.Ctim, now) || !local(path) {
			return nil
		}
		if kind := st.Mode & syscall.S_IFMT; kind != syscall.S_IFREG && kind != syscall.S_IFDIR {
			return nil
		}
		s.versions = append(s.versions, versionOf(&st))
	}
	return s
}

// lasts tells whether all is as it was.
func (s *state) lasts() bool {
	for i, path := range s.paths {
		var st syscall.Stat_t
		if syscall.Stat(path, &st) != nil || versionOf(&st) != s.versions[i] {
			return false
		}
	}
	return true
}

func versionOf(st *syscall.Stat_t) version { return version{st.Dev, st.Ino, st.Size, st.Ctim} }

// settled tells whether the next change of a file will have another time. Times
// go by a clock that ticks every few milliseconds, and some filesystems keep
// seconds alone.
func settled(changed syscall.Timespec, now time.Time) bool {
	tick := 100 * time.Millisecond
	if changed.Nsec == 0 {
		tick = 3 * time.Second
	}
	return now.Sub(time.Unix(changed.Unix())) > tick
}

// local tells whether a file is on this machine. Of one that is not the system
// may believe for a while that it is unchanged.
func local(path string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(path, &fs) == nil && slices.Contains([]int64{
		unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, zfs,
	}, int64(fs.Type))
}

const zfs = 0x2fc12fc1
