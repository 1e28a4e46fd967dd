package main

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"syscall"

	"goqmail/lib/descriptor"
)

// top sends a message, or with a second number its header and so many lines of
// its body. RETR and TOP are the same here.
func (s *session) top(argument string) error {
	i, rest, err := s.message(argument)
	if err != nil {
		return s.refuse(err.Error())
	}
	lines := noLimit
	if n, _, ok := number(strings.TrimLeft(rest, " ")); ok {
		lines = n
	}
	// A FIFO is empty, not awaited.
	mess, err := descriptor.Open(s.messages[i].Name, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return s.refuse("unable to open that message")
	}
	defer mess.Close()
	if err := s.okay(""); err != nil {
		return err
	}
	return s.text(bufio.NewReader(mess), lines)
}

const noLimit = uint64(1<<64 - 1)

// text sends the header and as many lines of the body as the client wants. A
// line that starts with a dot gets one more (RFC 1939, section 3). Some clients
// lose the last line of a message unless there is an empty one behind it. If
// the message cannot be read to its end, the client must not get to see one.
func (s *session) text(mess *bufio.Reader, lines uint64) error {
	inHeader, atStart := true, true // of a line
	for {
		piece, err := mess.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return err
		}
		if atStart && (len(piece) == 0 || !inHeader && lines == 0) {
			break
		}
		if atStart {
			if !inHeader && lines != noLimit {
				lines--
			}
			inHeader = inHeader && piece[0] != '\n'
			if piece[0] == '.' {
				s.out.WriteByte('.')
			}
		}
		line, whole := bytes.CutSuffix(piece, []byte{'\n'})
		if _, err := s.out.Write(line); err != nil {
			return err
		}
		if atStart = whole || err == io.EOF; atStart {
			s.out.WriteString("\r\n")
		}
	}
	return s.reply("\r\n.")
}
