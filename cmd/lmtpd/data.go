package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// copyData copies a message to w, up to the line with the dot that ends it (RFC 5321
// section 4.5.2). Lines end with CR LF and nothing else: after a LF alone a dot means
// nothing, so no message can hide the end of itself from others who read on.
func copyData(w io.Writer, r *bufio.Reader) error {
	start, cr := true, false // at the start of a line; the last byte was a CR
	for {
		piece, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if start && string(piece) == ".\r\n" {
			return nil
		}
		text := piece
		if start {
			text = bytes.TrimPrefix(piece, []byte("."))
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		start = bytes.HasSuffix(piece, []byte("\r\n")) || cr && string(piece) == "\n"
		cr = piece[len(piece)-1] == '\r'
	}
}
