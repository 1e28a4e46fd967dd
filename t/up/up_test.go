//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"goqmail/t/lab"
)

// build builds this program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "up")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// arrivals checks that what up said shows both messages in John's Maildir.
func arrivals(t *testing.T, said string) {
	t.Helper()
	for _, part := range []string{
		"-> john@linuxfromsource.org by SMTP",
		"home/john/Maildir/new/",
		"| Delivered-To: source-john@linuxfromsource.org\n",
		"| Delivered-To: binary-nobody-of-that-name@linuxfrombinary.org\n",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("it did not say %q:\n%s", part, said)
		}
	}
}

func TestPrivateSystemStaysUntilItIsInterrupted(t *testing.T) {
	lab.Need(t)
	cmd := exec.Command(build(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Up.") {
			cmd.Process.Signal(syscall.SIGINT) // it waits for that
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v", err)
	}
	arrivals(t, said.String())
	if strings.Contains(said.String(), "\nleft out ") {
		t.Skipf("shown without:\n%s", &said)
	}
	for _, part := range []string{
		"\nIMAP        127.0.0.1:",
		"| * LIST (\\HasChildren) \".\" INBOX\n",
		"| * LIST (\\HasNoChildren) \".\" INBOX.SPAM\n",
		"| Subject: for a user of a virtual domain\n",
		"| Subject: for the SPAM folder\n",
		"| X-Spam-Status: Yes, score=",
		"| X-Spam-Status: No, score=",
		"| X-Virus-Status: Clean\n",
		"\n<- 554 \"this message has a virus, Eicar-Test-Signature",
		"| NOTE: An attachment named holiday.exe was deleted from ",
	} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("it did not say %q:\n%s", part, &said)
		}
	}
}

// What is not unpacked is named, and the rest works; procmail may be the machine's own.
func TestPrivateSystemWithoutProgramsOfOthers(t *testing.T) {
	lab.Need(t)
	cmd := exec.Command("unshare", "-m", "sh", "-ec", "for d in /var/cache/goqmail-peers; do test ! -d $d || mount -t tmpfs none $d; done; exec "+build(t))
	cmd.Env = append(os.Environ(), "UP_ONCE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	arrivals(t, string(out))
	for program, part := range map[string]string{
		"clamd":        "\nleft out    virus scanning: apt-get install --no-install-recommends clamav-daemon, ",
		"procmail":     "\nleft out    sorting, with the sanitizer: apt-get install --no-install-recommends procmail, ",
		"spamassassin": "\nleft out    finding spam: apt-get install --no-install-recommends spamassassin, ",
	} {
		if _, err := exec.LookPath(program); err != nil && !strings.Contains(string(out), part) {
			t.Errorf("it did not say %q:\n%s", part, out)
		}
	}
}

func TestInterruptedWhileItShows(t *testing.T) {
	lab.Need(t)
	cmd := exec.Command(build(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "SMTP ") {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // as a terminal does
		}
		if strings.HasPrefix(lines.Text(), "Up.") {
			t.Error("it goes on")
		}
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v", cmd.ProcessState)
	}
}

func TestPlainSystemLeavesNothingBehind(t *testing.T) {
	cmd := exec.Command(build(t))
	cmd.Env = append(os.Environ(), "UP_ONCE=1", "UP_PLAIN=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	arrivals(t, string(out))
	if !strings.Contains(string(out), "\nIMAP        left out: ") {
		t.Errorf("it did not say that there is no IMAP:\n%s", out)
	}
	base := lab.Root() + "/t/.up"
	if _, err := os.Stat(base); err == nil {
		t.Errorf("%s is still there", base)
	}
	lab.Await(t, "what was killed to be gone", func() bool {
		links, err := filepath.Glob("/proc/[0-9]*/exe")
		return err == nil && !slices.ContainsFunc(links, func(link string) bool {
			exe, _ := os.Readlink(link)
			return strings.HasPrefix(exe, base)
		})
	})
}
