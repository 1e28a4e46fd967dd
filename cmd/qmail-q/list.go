package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
)

// each works on each message that is meant.
func (t *tool) each() error {
	if t.verb == "retry" && !t.which.narrow() {
		return t.hurry()
	}
	for _, n := range t.which.nums {
		t.visit(n, true)
	}
	if t.which.nums == nil {
		if err := t.walk(); err != nil {
			return err
		}
	}
	return t.finish()
}

// walk works on the whole queue. Todo comes before info, so that a message which
// qmail-send takes from one to the other meanwhile is not missed.
func (t *tool) walk() error {
	fresh := map[queue.Num]bool{}
	err := t.walkKind("todo", func(n queue.Num) {
		fresh[n] = true
		t.visit(n, false)
	})
	if err != nil {
		return err
	}
	return t.walkKind("info", func(n queue.Num) {
		if !fresh[n] {
			t.visit(n, false)
		}
	})
}

func (t *tool) walkKind(kind string, visit func(queue.Num)) error {
	for _, dir := range t.layout.Dirs(kind) {
		err := queue.Walk(dir.Path(), func(n queue.Num) bool {
			visit(n)
			return true
		})
		if err != nil {
			return exit.Defer("unable to read "+string(dir), err)
		}
	}
	return nil
}

// visit works on one message, if it is meant. It complains if it is not there
// only where the number was asked for: in a walk it has gone meanwhile.
func (t *tool) visit(n queue.Num, asked bool) {
	mode := os.O_RDWR
	if t.verb == "list" || t.verb == "show" || t.verb == "retry" {
		mode = os.O_RDONLY
	}
	m, err := t.open(n, mode)
	defer m.close()
	switch {
	case err == errGone || err == errUnfinish:
		if asked {
			t.complain(n, exit.Perm, err.Error())
		}
	case err != nil:
		t.complain(n, exit.Temp, errno.Text(err))
	case !t.which.fits(m, time.Now()):
	case t.verb == "list":
		t.list(m)
	case t.verb == "show":
		t.show(m)
	default:
		if err := t.change(m); err != nil {
			t.complain(n, exit.Temp, errno.Text(err))
		}
	}
}

// list prints a message on a line of fields with tabs between them: number, state,
// time of arrival, size, recipients that are not done and all, sender.
func (t *tool) list(m *message) {
	left := len(m.recipients) - m.count(queue.Done)
	t.out.WriteString(strings.Join([]string{
		m.num.String(), m.state(), m.arrived.UTC().Format("2006-01-02T15:04:05Z"), strconv.FormatInt(m.size, 10),
		strconv.Itoa(left) + "/" + strconv.Itoa(len(m.recipients)), printable(m.sender),
	}, "\t") + "\n")
	if !t.long {
		return
	}
	for _, r := range m.recipients {
		t.out.WriteString("\t" + r.channel() + "\t" + stateNames[r.state] + "\t" + printable(r.address) + "\n")
	}
}

var stateNames = map[byte]string{queue.ToDo: "waiting", queue.Held: "held", queue.Done: "done"}

// state is a word for how it is with a message.
func (m *message) state() string {
	switch {
	case m.fresh:
		return "new"
	case m.count(queue.ToDo) > 0:
		return "waiting"
	case m.count(queue.Held) > 0:
		return "held"
	case m.bouncing:
		return "bouncing"
	}
	return "done"
}

// show prints a message as list -l does, and below it what its bounce will say and
// the message itself.
func (t *tool) show(m *message) {
	t.long = true
	t.list(m)
	var to io.Writer = t.out
	if isTerminal(1) {
		to = &tame{t.out}
	}
	if m.bouncing {
		if text, err := openFile(t.layout.Bounce(m.num), os.O_RDONLY); err == nil {
			t.out.WriteString("\n")
			io.Copy(to, text)
			text.Close()
		}
	}
	t.out.WriteString("\n")
	if _, err := io.Copy(to, m.mess); err != nil {
		t.complain(m.num, exit.Temp, errno.Text(err))
	}
}

// tame keeps what a message says from a terminal's controls.
type tame struct{ w io.Writer }

func (t *tame) Write(b []byte) (int, error) {
	safe := make([]byte, len(b))
	for i, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			c = '_'
		}
		safe[i] = c
	}
	return t.w.Write(safe)
}

// printable replaces what could upset a terminal or a script.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '_'
		}
	}
	return string(b)
}

// isTerminal tells whether a descriptor is a terminal. Only a character device has
// a window.
func isTerminal(fd int) bool {
	_, err := unix.IoctlGetWinsize(fd, syscall.TIOCGWINSZ)
	return err == nil
}
