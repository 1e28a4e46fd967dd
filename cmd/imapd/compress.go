package main

import (
	"compress/flate"
	"io"
	"sync"

	"goqmail/lib/inflate"
)

// compress is COMPRESS (RFC 4978).
func (c *conn) compress() error {
	c.r.Space()
	name := c.r.Keyword()
	if err := c.args(); err != nil {
		return err
	}
	switch {
	case name != "DEFLATE":
		return no("", "Unknown compression mechanism")
	case c.compressed != nil:
		return no("COMPRESSIONACTIVE", "DEFLATE active already")
	}
	c.then = func() error {
		if err := c.flush(); err != nil {
			return err
		}
		// What the client has sent meanwhile is compressed already.
		early := c.r.Rest()
		c.compressed = &deflated{on: c.on, r: inflate.NewReader(io.MultiReader(early, c.on))}
		c.on = c.compressed
		return nil
	}
	return ok("", "DEFLATE active")
}

// deflated is a connection that is compressed both ways.
type deflated struct {
	on io.Writer
	r  io.Reader
	w  *flate.Writer // nil: nothing was written since the last flush
}

// writers are those that no connection writes to: one takes most of a megabyte, which an
// idle connection does not need. It begins anew each time, with what it is in the middle
// of at the end of a flush: a stream of blocks that do not refer to each other.
var writers sync.Pool

func (d *deflated) Read(p []byte) (int, error) { return d.r.Read(p) }

func (d *deflated) Write(p []byte) (int, error) {
	if d.w == nil {
		if w, ok := writers.Get().(*flate.Writer); ok {
			w.Reset(d.on)
			d.w = w
		} else {
			d.w, _ = flate.NewWriter(d.on, flate.DefaultCompression)
		}
	}
	return d.w.Write(p)
}

// flush sends what was written.
func (d *deflated) flush() error {
	if d.w == nil {
		return nil
	}
	err := d.w.Flush()
	writers.Put(d.w)
	d.w = nil
	return err
}
