package imap

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// maxSkipped is how much of a literal is read for nothing.
const maxSkipped = 64 << 20

// Skip passes over what is left of a command after an error, with the literals
// that the client sends without being asked.
func (r *Reader) Skip() error {
	if r.ended && (r.literal == 0 || r.waits) {
		return nil
	}
	if err := r.drop(r.literal); err != nil {
		return err
	}
	var tail []byte // of the line
	for {
		part, err := r.br.ReadSlice('\n')
		tail = append(tail, part...)
		tail = tail[max(0, len(tail)-32):]
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return err
		}
		n, ok := unasked(string(tail))
		if !ok {
			return nil
		}
		if err := r.drop(n); err != nil {
			return err
		}
		tail = tail[:0]
	}
}

// drop reads bytes of a literal for nothing.
func (r *Reader) drop(n int64) error {
	if n > maxSkipped {
		return ErrAbuse
	}
	_, err := io.CopyN(io.Discard, r.br, n)
	return err
}

// unasked returns the length of the literal that a line ends with, if it comes
// without being asked for.
func unasked(line string) (n int64, ok bool) {
	line, ok = strings.CutSuffix(strings.TrimRight(line, "\r\n"), "+}")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(line[strings.LastIndexByte(line, '{')+1:], 10, 64)
	return n, err == nil && n >= 0
}

// Announced takes the announcement of a literal, {N}, {N+} or ~{N}, and returns its
// length. The caller may Fail for a literal that is not wanted; Ask for it else.
func (r *Reader) Announced() (size int64) {
	r.Accept('~')
	r.Expect('{')
	size = int64(r.Number64())
	waits := !r.Accept('+')
	r.Expect('}')
	r.End()
	if r.err != nil {
		return 0
	}
	r.literal, r.waits = size, waits
	if !waits && r.Unasked > 0 && size > r.Unasked {
		r.Fail(Syntax("Non-synchronizing literal too large"))
		return 0
	}
	return size
}

// Ask asks for the literal if the client waits for that. Its bytes are what Body reads.
func (r *Reader) Ask() {
	if r.err == nil && r.waits && r.Continued != nil {
		r.Fail(r.Continued())
	}
	if r.err == nil {
		r.waits, r.ended = false, false
	}
}

// Body reads the bytes of a literal. They do not count towards Limit.
func (r *Reader) Body() io.Reader { return body{r} }

type body struct{ r *Reader }

func (b body) Read(p []byte) (int, error) {
	if b.r.literal == 0 {
		return 0, io.EOF
	}
	n, err := b.r.br.Read(p[:min(int64(len(p)), b.r.literal)])
	b.r.literal -= int64(n)
	return n, ended(err)
}
