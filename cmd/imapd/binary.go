package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"goqmail/lib/digest"
	"goqmail/lib/mailstore"
)

// errNUL is for a message that cannot be without NUL characters, which no literal but a
// binary one may have.
var errNUL = no("", "Message contains NUL characters")

// withoutNUL makes of a message that came as a binary literal one that can be sent to all
// clients (RFC 3516 section 4.4): parts with NUL characters become base64. It is ended, not synced.
func (s *server) withoutNUL(partition string, old *mailstore.Staged) (*mailstore.Staged, error) {
	root, err := digest.ParseParts(old.Digest.Parts)
	if err != nil {
		return nil, err
	}
	made, err := s.store.Stage(partition)
	if err != nil {
		return nil, err
	}
	e := encoder{from: old.Reader(), to: made}
	if err = e.part(root); err == nil {
		err = e.copy(int64(old.Size))
	}
	if err == nil {
		err = made.End()
	}
	if err != nil {
		made.Remove()
		return nil, err
	}
	return made, nil
}

// encoder copies a message.
type encoder struct {
	from io.ReaderAt
	to   io.Writer
	at   int64 // what is before was copied
}

// copy copies up to an offset what may have no NUL characters.
func (e *encoder) copy(end int64) error {
	_, err := io.Copy(noNUL{e.to}, io.NewSectionReader(e.from, e.at, end-e.at))
	e.at = end
	return err
}

type noNUL struct{ io.Writer }

func (w noNUL) Write(p []byte) (int, error) {
	if bytes.IndexByte(p, 0) >= 0 {
		return 0, errNUL
	}
	return w.Writer.Write(p)
}

func (e *encoder) part(p *digest.Part) error {
	for _, child := range p.Parts {
		if err := e.part(child); err != nil {
			return err
		}
	}
	if len(p.Parts) > 0 || p.Encoding != "BINARY" && p.Encoding != "8BIT" && p.Encoding != "7BIT" {
		return nil
	}
	body := io.NewSectionReader(e.from, p.Body.Start, p.Body.Len())
	if _, err := io.Copy(noNUL{io.Discard}, body); !errors.Is(err, errNUL) {
		return err
	}
	if err := e.copy(p.Header.Start); err != nil {
		return err
	}
	header := make([]byte, min(p.Header.Len(), maxSection))
	if _, err := e.from.ReadAt(header, p.Header.Start); err != nil && err != io.EOF {
		return err
	}
	header = digest.Fields(header, []string{"Content-Transfer-Encoding"}, true)
	header = bytes.TrimSuffix(header, []byte("\r\n"))
	e.at = p.Body.End
	body.Seek(0, io.SeekStart)
	if _, err := e.to.Write(append(header, "Content-Transfer-Encoding: base64\r\n\r\n"...)); err != nil {
		return err
	}
	lines := &wrapped{w: e.to}
	encoded := base64.NewEncoder(base64.StdEncoding, lines)
	if _, err := io.Copy(encoded, body); err != nil {
		return err
	}
	encoded.Close()
	_, err := io.WriteString(e.to, strings.Repeat("\r\n", min(lines.column, 1)))
	return err
}

// wrapped writes lines of 76 characters.
type wrapped struct {
	w      io.Writer
	column int
}

func (l *wrapped) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		take := min(len(p), 76-l.column)
		if _, err := l.w.Write(p[:take]); err != nil {
			return 0, err
		}
		l.column, p = l.column+take, p[take:]
		if l.column == 76 {
			io.WriteString(l.w, "\r\n")
			l.column = 0
		}
	}
	return n, nil
}
