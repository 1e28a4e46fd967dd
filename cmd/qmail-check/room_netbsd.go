package main

import "golang.org/x/sys/unix"

func roomOf(dir string) (room, error) {
	var fs unix.Statvfs_t
	err := unix.Statvfs(dir, &fs)
	return room{fs.Blocks * fs.Frsize, fs.Bavail * fs.Frsize, fs.Files, fs.Favail}, err
}
