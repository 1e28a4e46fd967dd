//go:build linux

package story

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// send has a user send a message with sendmail, to recipients.
func (m *machine) send(user, subject string, recipients ...string) {
	m.t.Helper()
	message := "To: undisclosed-recipients:;\nSubject: " + subject + "\n\nbody\n"
	out, err := m.try(user, message, nil, append([]string{"sendmail", "-oem", "-oi", "-f", user + "@" + site.Me}, recipients...)...)
	if err != nil {
		m.t.Fatalf("sendmail: %v %s", err, out)
	}
}

// enqueue puts a message into the queue by qmail-queue, with any envelope.
func (m *machine) enqueue(subject, sender string, recipients ...string) {
	m.t.Helper()
	m.in(func() error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		cmd := exec.Command(home + "/bin/qmail-queue")
		cmd.Stdin = strings.NewReader("Subject: " + subject + "\n\nbody\n")
		cmd.Stdout = r // descriptor 1 is where it reads the envelope
		if err := cmd.Start(); err != nil {
			w.Close()
			return err
		}
		fmt.Fprintf(w, "F%s\x00", sender)
		for _, to := range recipients {
			fmt.Fprintf(w, "T%s\x00", to)
		}
		w.WriteString("\x00")
		return errors.Join(w.Close(), cmd.Wait())
	})
}

// whileHeld is a line of .qmail that takes as long as there is /tmp/hold, from hold
// until letGo.
const whileHeld = "|while test -e /tmp/hold; do sleep 0.02; done\n"

func (m *machine) hold()  { m.t.Helper(); m.write("/tmp/hold", "", "root") }
func (m *machine) letGo() { m.t.Helper(); m.in(func() error { return os.Remove("/tmp/hold") }) }

func (m *machine) await(what string, cond func() bool) {
	m.t.Helper()
	lab.Await(m.t, what, cond)
}

// awaitLog waits for a line with text in it.
func (m *machine) awaitLog(text string) {
	m.t.Helper()
	m.await("the log to say "+text, func() bool { return m.log.has(text) })
}

// awaitEmpty waits until no message is in the queue.
func (m *machine) awaitEmpty() {
	m.t.Helper()
	m.await("the queue to be empty", func() bool { return len(m.queued()) == 0 })
}

// queued lists the files of messages in the queue, relative to it.
func (m *machine) queued() []string {
	var out []string
	m.Do(func() {
		filepath.WalkDir(queue, func(path string, e os.DirEntry, err error) error {
			name := strings.TrimPrefix(path, queue+"/")
			if err == nil && !e.IsDir() && !strings.HasPrefix(name, "lock/") {
				out = append(out, name)
			}
			return nil // a file that goes meanwhile is not there
		})
	})
	return out
}

// awaitOut waits, after a crash, until all mail is out. What is left of messages
// that were not acknowledged, or are done with, stays for 36 hours.
func (m *machine) awaitOut() {
	m.t.Helper()
	m.await("all mail to be out", func() bool {
		if slices.ContainsFunc(m.queued(), func(name string) bool {
			part, _, _ := strings.Cut(name, "/")
			return slices.Contains([]string{"todo", "info", "local", "remote", "bounce"}, part)
		}) {
			m.alarm() // for what the crash turned into a deferral
			return false
		}
		return true
	})
}

// mail gives the messages in new/ of a user's Maildir.
func (m *machine) mail(user string) []string {
	var out []string
	m.Do(func() {
		names, _ := filepath.Glob("/home/" + user + "/Maildir/new/*")
		for _, name := range names {
			data, _ := os.ReadFile(name)
			out = append(out, string(data))
		}
	})
	return out
}

// awaitMail waits for a message with text in it, and gives it.
func (m *machine) awaitMail(user, text string) (message string) {
	m.t.Helper()
	m.await("mail for "+user+" with "+text, func() bool {
		for _, mess := range m.mail(user) {
			if strings.Contains(mess, text) {
				message = mess
				return true
			}
		}
		return false
	})
	return message
}

// count is the number of a user's messages that have text in them.
func (m *machine) count(user, text string) int {
	n := 0
	for _, mess := range m.mail(user) {
		if strings.Contains(mess, text) {
			n++
		}
	}
	return n
}
