package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
)

// message is the message, kept so that it can be sent more than once: the start in
// memory, and what is more in a file without a name.
type message struct {
	start []byte
	rest  *os.File // nil if there is none
}

// inMemory is how much of a message is kept in memory.
const inMemory = 256 << 10

func read(r io.Reader) (*message, error) {
	m := &message{}
	var err error
	if m.start, err = io.ReadAll(io.LimitReader(r, inMemory)); err != nil || len(m.start) < inMemory {
		return m, err
	}
	if m.rest, err = os.CreateTemp("/tmp", "deliver"); err != nil { // whatever TMPDIR says
		return nil, err
	}
	if err = os.Remove(m.rest.Name()); err == nil {
		_, err = io.Copy(m.rest, r)
	}
	if err != nil {
		m.rest.Close()
		return nil, err
	}
	return m, nil
}

func (m *message) close() {
	if m.rest != nil {
		m.rest.Close()
	}
}

// send writes the message as DATA has it, with the line with the dot. Every line ends in
// CR LF; a CR elsewhere is dropped, and so is a NUL, because recipes of procmail ignore
// it when a message is refused.
func (m *message) send(w *bufio.Writer) error {
	stuffed := &stuffer{w: w, start: true}
	stuffed.Write(m.start)
	if m.rest != nil {
		if _, err := m.rest.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(stuffed, m.rest); err != nil {
			return err
		}
	}
	if !stuffed.start {
		w.WriteString("\r\n")
	}
	w.WriteString(".\r\n")
	return w.Flush()
}

// stuffer doubles the dots at the start of lines. w keeps errors.
type stuffer struct {
	w     *bufio.Writer
	start bool // of a line
}

func (s *stuffer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		line := p
		if i >= 0 {
			line = p[:i]
		}
		p = p[min(len(line)+1, len(p)):]
		if bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
			line = bytes.ReplaceAll(bytes.ReplaceAll(line, []byte("\r"), nil), []byte("\x00"), nil)
		}
		if s.start && len(line) > 0 && line[0] == '.' {
			s.w.WriteByte('.')
		}
		s.start = s.start && len(line) == 0
		s.w.Write(line)
		if i >= 0 {
			s.w.WriteString("\r\n")
			s.start = true
		}
	}
	return n, nil
}
