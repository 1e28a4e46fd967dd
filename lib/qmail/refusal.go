package qmail

import (
	"io"
	"os"
	"strconv"
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/exit"
)

// maxReason is how much of a reason counts, and maxHeard how much is heard: a
// program may write more than its reason to a standard error that is no other
// place.
const (
	maxReason = 255
	maxHeard  = 64 << 10
)

// refusalFiles adds out to the descriptors of a program: where those that are
// written for some patch of qmail write why they refuse a message. It is 6 in
// notqmail, 4 with the patch that simscan wants, and what ERROR_FD says for
// programs of indimail.
func refusalFiles(files []*os.File, out *os.File, env call.Env) []*os.File {
	files = append(files, make([]*os.File, 7-len(files))...)
	files[4], files[6] = out, out
	fd, err := strconv.Atoi(env.Get("ERROR_FD"))
	if err != nil || fd < 2 || fd > 255 { // 0 and 1 are message and envelope
		return files
	}
	if fd >= len(files) {
		files = append(files, make([]*os.File, fd+1-len(files))...)
	}
	files[fd] = out
	return files
}

// refusal is the pipe on which a program may say why it refuses a message.
type refusal struct {
	in   *os.File
	text chan []byte // nil: read it when the program has all it needs
}

// collect reads from now on: a program that is not qmail-queue may say much
// before it reads the message.
func (r *refusal) collect() {
	r.text = make(chan []byte, 1)
	go func() { r.text <- r.read() }()
}

// reason is what was said until the program closed its end, or ended.
func (r *refusal) reason() []byte {
	if r.text != nil {
		return <-r.text
	}
	return r.read()
}

func (r *refusal) read() []byte {
	defer r.in.Close()
	reason, _ := io.ReadAll(io.LimitReader(r.in, maxReason))
	if len(reason) == maxReason {
		buf := make([]byte, 4096)
		for heard := 0; heard < maxHeard; {
			n, err := r.in.Read(buf)
			if err != nil {
				break
			}
			heard += n
		}
	}
	return reason
}

// custom turns the reason that came with exitCustom into an error, whose text
// is one printable line: it may go to a client as a reply.
func custom(reason []byte) error {
	text, _, _ := strings.Cut(string(reason), "\x00")
	text = line(text)
	switch {
	case text == "" || text == "D" || text == "Z":
		return answer(exitCustom)
	case text[0] == 'D':
		return exit.Reject(text[1:], nil)
	}
	return exit.Defer(text[1:], nil)
}

// line makes one printable line of s.
func line(s string) string {
	b := []byte(strings.TrimRight(s, "\r\n"))
	for i, c := range b {
		switch {
		case c == '\n' || c == '\r' || c == '\t':
			b[i] = ' '
		case c < ' ' || c > '~':
			b[i] = '?'
		}
	}
	return string(b)
}

// Listener is where the program that started this one as its qmail-queue hears
// why a message is refused, nil if it would not hear. Look before the program
// opens a file of its own.
func Listener(c *call.Call) *os.File {
	fds := []int{6, 4}
	if fd, err := strconv.Atoi(c.Env.Get("ERROR_FD")); err == nil && fd >= 2 && fd <= 255 {
		fds = []int{fd, 6, 4}
	}
	for _, fd := range fds {
		f := c.File(fd)
		if f == nil {
			continue
		}
		// What is no pipe is there by chance.
		if st, err := f.Stat(); err == nil && st.Mode().Type() == os.ModeNamedPipe {
			return f
		}
	}
	return nil
}

// Refuse tells listener why a message is not taken, which is what err says. The
// result is the code to exit with; without a listener that alone tells whether to
// try again.
func Refuse(listener *os.File, err error) (code int) {
	letter, code := "Z", ExitTry
	if exit.Code(err) == exit.Perm {
		letter, code = "D", ExitRefused
	}
	if listener == nil {
		return code
	}
	text := letter + line(err.Error())
	if _, err := listener.WriteString(text[:min(len(text), maxReason-1)]); err != nil {
		return code
	}
	return exitCustom
}
