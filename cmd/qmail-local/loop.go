package main

import (
	"bufio"
	"io"

	"goqmail/lib/exit"
)

// checkLoop refuses a message that has been here before: its header holds the
// very Delivered-To line that it would now get.
func (d *delivery) checkLoop() error {
	if err := d.rewind(); err != nil {
		return err
	}
	found, err := headerHas(d.deliveredTo, d.call.In())
	switch {
	case err != nil:
		return deferral("Unable to read message", err, "#4.3.0")
	case found:
		return exit.Reject("This message is looping: it already has my Delivered-To line. (#5.4.6)", nil)
	}
	return nil
}

// headerHas tells whether a message has a line, given with its newline, before
// its first empty one. It keeps no line that is longer than the one looked for.
func headerHas(line string, mess io.Reader) (bool, error) {
	r := bufio.NewReaderSize(mess, max(1024, len(line)))
	for {
		got, err := r.ReadSlice('\n')
		short := err != bufio.ErrBufferFull
		for err == bufio.ErrBufferFull {
			_, err = r.ReadSlice('\n')
		}
		switch {
		case err == io.EOF:
			return false, nil
		case err != nil:
			return false, err
		case !short:
		case len(got) == 1:
			return false, nil
		case string(got) == line:
			return true, nil
		}
	}
}
