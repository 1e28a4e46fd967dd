package sanitize

import (
	"bufio"
	"errors"
	"io"
	"os"
	"syscall"
)

// inMemory is how much of a message, and as much of what replaces its parts, is
// kept in memory. The rest is in files, which the system may keep there.
const inMemory = 1 << 20

// Load reads a whole message. A large one is a file without a name, mapped to memory;
// unload frees it. With an error the message is what was read so far, and r has the
// rest, so that all of it can still be passed on.
func Load(r io.Reader) (mess []byte, unload func(), err error) {
	unload = func() {}
	mess, err = io.ReadAll(io.LimitReader(r, inMemory))
	if err != nil || len(mess) < inMemory {
		return mess, unload, err
	}
	f, err := scratch()
	if err != nil {
		return mess, unload, err
	}
	defer f.Close()
	size, buf := 0, mess
	for len(buf) > 0 {
		n, err := f.Write(buf)
		size += n
		if err != nil {
			// What the file has not taken follows from memory.
			rest := append([]byte(nil), buf[n:]...)
			mess, unload, mapErr := mapped(f, size)
			return append(append([]byte(nil), mess...), rest...), unload, errors.Join(err, mapErr)
		}
		if size == inMemory {
			buf = make([]byte, 1<<18)
		}
		n, err = io.ReadFull(r, buf[:cap(buf)])
		if buf = buf[:n]; err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			rest := append([]byte(nil), buf...)
			mess, unload, _ := mapped(f, size)
			return append(append([]byte(nil), mess...), rest...), unload, err
		}
	}
	return mapped(f, size)
}

// mapped gives the first size bytes of a file.
func mapped(f *os.File, size int) ([]byte, func(), error) {
	mess, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		mess = make([]byte, size)
		_, err = f.ReadAt(mess, 0)
		return mess, func() {}, err
	}
	return mess, func() { syscall.Munmap(mess) }, nil
}

// scratch makes a file that is gone when it is closed.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "sanitizer-")
	if err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}

// spool keeps what replaces parts of a message.
type spool struct {
	memory []byte
	file   *os.File // of all beyond inMemory
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && s.size+int64(len(p)) <= inMemory {
		s.memory = append(s.memory[:s.size], p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		file, err := scratch()
		if err != nil {
			return 0, err
		}
		s.file = file
		if _, err := file.WriteAt(s.memory[:s.size], 0); err != nil {
			return 0, err
		}
		s.memory = nil
	}
	n, err := s.file.WriteAt(p, s.size)
	s.size += int64(n)
	return n, err
}

// encoder writes to the spool, in an encoding.
func (s *spool) encoder(encoding, eol string) io.WriteCloser {
	b := bufio.NewWriterSize(s, 1<<16)
	return &spooling{encoder(encoding, eol, b), b}
}

type spooling struct {
	io.WriteCloser
	b *bufio.Writer
}

func (s *spooling) Close() error {
	if err := s.WriteCloser.Close(); err != nil {
		return err
	}
	return s.b.Flush()
}

// section reads what was written from from to to.
func (s *spool) section(from, to int64) io.Reader {
	return io.NewSectionReader(s, from, to-from)
}

// ReadAt reads what was written.
func (s *spool) ReadAt(p []byte, at int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, at)
	}
	if at >= s.size {
		return 0, io.EOF
	}
	n := copy(p, s.memory[at:s.size])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
}
