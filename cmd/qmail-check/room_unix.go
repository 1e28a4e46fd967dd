//go:build linux || freebsd || darwin

package main

import "golang.org/x/sys/unix"

func roomOf(dir string) (room, error) {
	var fs unix.Statfs_t
	err := unix.Statfs(dir, &fs)
	block := uint64(fs.Bsize)
	return room{uint64(fs.Blocks) * block, uint64(max(fs.Bavail, 0)) * block, uint64(fs.Files), uint64(max(fs.Ffree, 0))}, err
}
