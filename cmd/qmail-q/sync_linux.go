package main

import (
	"os"

	"golang.org/x/sys/unix"

	"goqmail/lib/queue"
)

// syncQueue makes all that was changed in the queue durable.
func syncQueue() error {
	d, err := os.Open(queue.SendMutex.Path())
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}
