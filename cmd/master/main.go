// Master starts the programs around the mail store and looks after them.
//
//	master [ -d ] [ -D ] [ -C imapd.conf ] [ -M cyrus.conf ] [ -p pidfile ]
//
// It binds the sockets that cyrus.conf(5) lists, hands each to the program that is to
// serve it, which runs as user cyrus, and starts what ends. It reads nothing that comes
// from outside. HUP has it read cyrus.conf again, TERM ends everything in order. See
// master(8).
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/cyrusconf"
	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/syslog"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args))
}

// The exit codes, which are of sysexits(3).
const (
	exitUsage  = 64
	exitSystem = 71
	exitConfig = 78
)

type options struct {
	imapdConf, cyrusConf, pidFile string
	daemon                        bool // go to the background
	loud                          bool // programs keep descriptors 1 and 2, and the log goes to 2 as well
}

func parse(args []string) (o options, err error) {
	o = options{imapdConf: imapconf.Default, cyrusConf: cyrusconf.Default, pidFile: "/var/run/cyrus-master.pid"}
	opts := getopt.New(args, "C:M:p:l:P:j:dD")
	for {
		c, ok := opts.Next()
		if !ok {
			break
		}
		switch c {
		case 'C':
			o.imapdConf = opts.Arg
		case 'M':
			o.cyrusConf = opts.Arg
		case 'p':
			o.pidFile = opts.Arg
		case 'd':
			o.daemon = true
		case 'D':
			o.loud = true
		case 'l', 'P', 'j': // the backlog is the system's; there is no janitor
			if _, err := strconv.Atoi(opts.Arg); err != nil {
				return o, fmt.Errorf("master: -%c %s is no number", c, opts.Arg)
			}
		default:
			return o, errors.New(strings.TrimSpace(opts.Problem()))
		}
	}
	if len(opts.Rest()) > 0 {
		return o, errors.New("master: too many arguments")
	}
	return o, nil
}

func run(args []string) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\nmaster: usage: master [ -d ] [ -D ] [ -C imapd.conf ] [ -M cyrus.conf ] [ -p pidfile ]\n", err)
		return exitUsage
	}
	if o.daemon && os.Getenv(background) == "" {
		return inBackground(args)
	}
	os.Unsetenv(background)
	if o.daemon {
		unix.CloseOnExec(readyFd)
	}
	// From before the file with our process id is there, and each by itself: no number of
	// one keeps the other from coming.
	hup, term := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	signal.Notify(term, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	m, err := prepare(o)
	if err != nil {
		(&syslog.Log{Tag: "master", Facility: syslog.Local6}).Printf(syslog.Alert, "fatal: %v", err)
		fmt.Fprintln(os.Stderr, "master: fatal:", err)
		return exitConfig
	}
	pidFile, err := claim(o.pidFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "master: fatal:", err)
		return exitSystem
	}
	defer pidFile.Close()
	moreFiles()

	if err := m.begin(term); err == nil {
		if o.daemon {
			ready()
		}
		if !o.loud {
			silence()
		}
		m.obey(hup, term)
	}
	m.end()
	os.Remove(o.pidFile)
	return 0
}

// claim makes the file with our process id, and locks it, so that there is one of us.
func claim(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is locked: another master runs", path)
	}
	if !isAt(f, path) { // one that ended meanwhile has removed it
		f.Close()
		return claim(path)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// isAt tells whether a file has this name.
func isAt(f *os.File, path string) bool {
	own, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(own, there)
}

// files is how many descriptors a program may have: one serves all connections.
const files = 65536

// moreFiles raises the limit that the programs inherit. Who may not has it as it is.
func moreFiles() {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil && limit.Max < files {
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: files})
	}
}

// silence lets go of the descriptors that somebody may wait for.
func silence() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer null.Close()
	for fd := range 3 {
		unix.Dup2(int(null.Fd()), fd)
	}
}

// background is set in the environment of the one that -d has started.
const background = "CYRUS_MASTER_BACKGROUND"

// readyFd is the pipe on which that one says that all is well.
const readyFd = 3

// inBackground starts this program once more, in a session of its own, and waits until
// it serves or has said what is wrong.
func inBackground(args []string) int {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, "master: fatal:", err)
		return exitSystem
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "master: fatal:", err)
		return exitSystem
	}
	cmd := exec.Command(self, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(os.Environ(), background+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "master: fatal:", err)
		return exitSystem
	}
	w.Close()
	if word, err := io.ReadAll(r); err == nil && len(word) > 0 {
		return 0
	}
	cmd.Wait() // it has ended, or soon will
	return max(cmd.ProcessState.ExitCode(), 1)
}

func ready() {
	f := os.NewFile(readyFd, "ready")
	f.WriteString("1")
	f.Close()
}
