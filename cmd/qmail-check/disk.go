package main

import (
	"fmt"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
)

// disks checks that there is room for mail where it waits and where it is kept.
func (c *checker) disks() {
	c.disk("queue", auto.Home+"/queue")
	conf, err := imapconf.Read(c.imapdConf)
	var st syscall.Stat_t
	if err != nil || syscall.Stat(auto.Cyrus+"/deliver", &st) != nil {
		return // there is no store, or the check of it tells of that
	}
	layout := mailstore.LayoutOf(conf)
	c.disk(layout.ConfigDir, layout.ConfigDir)
	for _, dir := range layout.Partitions {
		c.disk(dir, dir)
	}
}

// disk checks the file system of a directory.
func (c *checker) disk(where, dir string) {
	r, err := roomOf(dir)
	if err != nil {
		return // the checks of files and of the store tell of it
	}
	switch short, full := r.short(); {
	case full:
		c.wrong(where, "the disk is full: "+short, "df -h "+quoted(dir)+"; df -i "+quoted(dir))
	case short != "":
		c.doubt(where, "the disk is nearly full: "+short, "df -h "+quoted(dir)+"; df -i "+quoted(dir))
	}
}

// room is what a file system has, and what of it is left to other users than root.
type room struct {
	bytes, bytesLeft uint64
	files, filesLeft uint64 // 0, 0: as many as fit
}

// What is full: less than this is left.
const (
	leastBytes = 10 << 20
	leastFiles = 500
)

// short is what there is little of, less than a twentieth, and whether there is next to
// none of it.
func (r room) short() (what string, full bool) {
	mb, files := fmt.Sprintf("%d MB are left", r.bytesLeft>>20), fmt.Sprintf("no more than %d files fit", r.filesLeft)
	switch {
	case r.bytesLeft < leastBytes:
		return mb, true
	case r.filesLeft < leastFiles && r.files > 0:
		return files, true
	case r.bytesLeft < r.bytes/20:
		return mb, false
	case r.filesLeft < r.files/20:
		return files, false
	}
	return "", false
}
