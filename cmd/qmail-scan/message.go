package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"slices"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/qmail"
)

// failure is an error that has an exit code of qmail-queue's.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return reason(f.err) }

// room is how many bytes are left free in front of a message, for header fields
// that are known only after the scan.
const room = 8192

// message is a message in a file without a name, which is gone when its last
// descriptor is closed, however the process ends.
type message struct {
	file *os.File
	size int64
	id   string // the value of Message-ID
}

// takeMessage reads a message. Header fields of the given names, in lower case,
// get Old- before their name.
func takeMessage(r io.Reader, fields []string) (*message, error) {
	file, err := newFile()
	if err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	m := &message{file: file}
	if _, err := file.Seek(room, io.SeekStart); err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	in, out := bufio.NewReaderSize(r, 32<<10), bufio.NewWriterSize(file, 32<<10)
	if err := m.copyHeader(out, in, fields); err != nil {
		return nil, failure{qmail.ExitRead, err}
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := in.Read(buf)
		if _, err := out.Write(buf[:n]); err != nil { // also one from the header
			return nil, failure{qmail.ExitWrite, err}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, failure{qmail.ExitRead, err}
		}
	}
	if err := out.Flush(); err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	end, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, failure{qmail.ExitWrite, err}
	}
	m.size = end - room
	return m, nil
}

// copyHeader copies what comes before the body. Lines may be longer than in's
// buffer. The error is one of reading.
func (m *message) copyHeader(out *bufio.Writer, in *bufio.Reader, fields []string) error {
	start, field := true, ""
	for {
		line, err := in.ReadSlice('\n')
		if start && len(line) > 0 {
			value := line
			if line[0] != ' ' && line[0] != '\t' {
				field, value = split(line)
				if slices.Contains(fields, field) {
					out.WriteString("Old-")
				}
			}
			if field == "message-id" && m.id == "" { // else it stands on the next line
				m.id = strings.TrimSpace(string(value))
			}
		}
		out.Write(line)
		switch {
		case err == io.EOF || start && string(line) == "\n":
			return nil
		case err != nil && err != bufio.ErrBufferFull:
			return err
		}
		start = err == nil
	}
}

// split takes a header field apart: its name in lower case, and its value.
func split(line []byte) (name string, value []byte) {
	before, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(before) > 100 {
		return "", nil
	}
	return ascii.Lower(strings.TrimRight(string(before), " \t")), value
}

// reader reads the message from its start.
func (m *message) reader() io.Reader { return io.NewSectionReader(m.file, room, m.size) }

// prepend puts header fields before the message, and makes its file ready to be
// read.
func (m *message) prepend(header string) error {
	start := int64(room - len(header))
	_, err := m.file.WriteAt([]byte(header), start)
	if err == nil {
		_, err = m.file.Seek(start, io.SeekStart)
	}
	if err != nil {
		return failure{qmail.ExitWrite, err}
	}
	return nil
}

// newFile makes a file that has no name any more, in TMPDIR or /tmp.
func newFile() (*os.File, error) {
	file, err := os.CreateTemp("", "qmail-scan.")
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}
