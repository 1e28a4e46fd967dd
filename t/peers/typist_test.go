//go:build linux

package peers

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// What is typed at a prompt of the shell ends with it: root's, and cyrus's.
const (
	root = "\n# "
	user = "\n$ "
)

// typist is somebody at a terminal, who types a line when asked for it.
type typist struct {
	*machine
	tty *os.File

	mu   sync.Mutex
	said []byte
}

// sitDown starts root's shell on a terminal.
func (m *machine) sitDown() *typist {
	m.t.Helper()
	m.terminal()
	s := &typist{machine: m}
	m.in(func() (err error) {
		if s.tty, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
			return err
		}
		fd := int(s.tty.Fd())
		n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0), unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200}))
		if err != nil {
			return err
		}
		end, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			return err
		}
		defer end.Close()
		shell := command("root", []string{"TERM=vt100"}, "sh")
		shell.Stdin, shell.Stdout, shell.Stderr = end, end, end
		shell.SysProcAttr.Setsid, shell.SysProcAttr.Setctty = true, true
		if err := shell.Start(); err != nil {
			return err
		}
		go shell.Wait() // it ends with the host at the latest
		return nil
	})
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := s.tty.Read(buf)
			if err != nil { // nobody is at the other end
				return
			}
			s.mu.Lock()
			s.said = append(s.said, buf[:n]...)
			s.mu.Unlock()
		}
	}()
	m.t.Cleanup(func() {
		m.Kill()
		<-read
		s.tty.Close()
		if m.t.Failed() {
			m.t.Logf("the terminal:\n%s", s.said)
		}
	})
	s.awaitPrompt(0, "# ")
	return s
}

// awaitPrompt waits until the last that is said after a place is prompt, and gives all.
func (s *typist) awaitPrompt(from int, prompt string) (said string) {
	s.t.Helper()
	s.await("the prompt "+prompt, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		said = strings.ReplaceAll(string(s.said[from:]), "\r", "")
		return strings.HasSuffix(said, prompt)
	})
	return said
}

// types types a command, whose lines but the first are asked for, and waits for the next
// prompt. It gives what is said, with what was typed last.
func (s *typist) types(command, prompt string) (said string) {
	s.t.Helper()
	lines := strings.Split(command, "\n")
	for i, line := range lines {
		s.mu.Lock()
		from := len(s.said)
		s.mu.Unlock()
		if _, err := s.tty.WriteString(line + "\n"); err != nil {
			s.t.Fatal(err)
		}
		if i < len(lines)-1 {
			s.awaitPrompt(from, "\n> ")
		} else {
			said = s.awaitPrompt(from, prompt)
		}
	}
	return said
}

// quietly types commands that say nothing but, if they have several lines, ask for those.
func (s *typist) quietly(commands ...string) {
	s.t.Helper()
	for _, command := range commands {
		last := command[strings.LastIndexByte(command, '\n')+1:]
		if said := s.types(command, root); said != last+root {
			s.t.Errorf("%q", said)
		}
	}
}

// asked types an answer to each of the questions of a command.
func (s *typist) asked(command string, questions ...[2]string) (said string) {
	s.t.Helper()
	for _, q := range questions {
		said += s.types(command, q[0])
		command = q[1]
	}
	return said + s.types(command, root)
}

// file types a file as cat takes it.
func (s *typist) file(path, text string) {
	s.t.Helper()
	s.types("cat > "+path+" << \"EOF\"\n"+strings.TrimSuffix(text, "\n")+"\nEOF", root)
}

// links types the links of the run levels: Kxx, Sxx adjusted.
func (s *typist) links(script string, stop, start int) {
	s.t.Helper()
	var b strings.Builder
	for level, kind := range []string{"K", "K", "K", "S", "S", "S", "K"} {
		n := stop
		if kind == "S" {
			n = start
		}
		up := "../"
		if level == 0 {
			up = "/etc/rc.d/"
		}
		fmt.Fprintf(&b, "cd %src%d.d &&\nln -s ../init.d/%s %s%d%s", up, level, script, kind, n, script)
		if level < 6 {
			b.WriteString(" &&\n")
		}
	}
	s.quietly(b.String())
}
