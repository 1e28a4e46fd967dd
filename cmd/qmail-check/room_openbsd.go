package main

import "golang.org/x/sys/unix"

func roomOf(dir string) (room, error) {
	var fs unix.Statfs_t
	err := unix.Statfs(dir, &fs)
	block := uint64(fs.F_bsize)
	return room{fs.F_blocks * block, uint64(max(fs.F_bavail, 0)) * block, fs.F_files, uint64(max(fs.F_favail, 0))}, err
}
