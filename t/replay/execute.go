//go:build linux

package replay

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ends are the two sides of the program's descriptors.
type ends struct {
	child   []int // by number; -1 is closed
	readers map[int]*reader
	writers map[int]*writer
}

// execute starts the program and plays the script.
func (r *run) execute() error {
	e := &ends{readers: map[int]*reader{}, writers: map[int]*writer{}}
	if err := r.open(e); err != nil {
		return err
	}
	trigger := -1
	if r.c.Trigger {
		var err error
		if trigger, err = unix.Open("/var/qmail/queue/lock/trigger", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("open trigger", err)
		}
		defer unix.Close(trigger)
	}
	p, err := r.start(e)
	for _, fd := range e.child {
		unix.Close(fd)
	}
	if err != nil {
		return err
	}
	newDialogue(r, p, e).play()
	r.outputs = e.readers
	if trigger >= 0 {
		n, _ := unix.Read(trigger, make([]byte, 4096)) // an error: nothing was written
		r.triggered = max(n, 0)
	}
	return nil
}

// open opens the program's descriptors.
func (r *run) open(e *ends) error {
	fds := map[int]descriptor{0: {Kind: "pipe"}, 1: {Kind: "capture"}, 2: {Kind: "capture"}}
	for _, s := range r.c.Script {
		if (s.Word == "send" || s.Word == "close") && s.Number == 0 {
			fds[0] = descriptor{Kind: "script"}
		}
	}
	for digits, d := range r.c.Fds {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return err
		}
		fds[n] = d
	}
	numbers := slices.Sorted(maps.Keys(fds))
	e.child = slices.Repeat([]int{-1}, numbers[len(numbers)-1]+1)
	for _, n := range numbers {
		if err := r.openOne(e, n, fds[n]); err != nil {
			return fmt.Errorf("descriptor %d: %w", n, err)
		}
	}
	for _, n := range numbers {
		if fds[n].Kind != "dup" {
			continue
		}
		of, err := strconv.Atoi(string(fds[n].Of))
		if err != nil {
			return err
		}
		if e.child[n], err = unix.FcntlInt(uintptr(e.child[of]), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("dup", err)
		}
	}
	return nil
}

func (r *run) openOne(e *ends, n int, d descriptor) (err error) {
	data := []byte(r.sub(d.Data))
	var ours int
	switch d.Kind {
	case "pipe", "script":
		if e.child[n], ours, err = pipe(); err == nil {
			e.writers[n] = newWriter(ours, data, d.Kind == "pipe")
		}
	case "capture":
		if ours, e.child[n], err = pipe(); err == nil {
			e.readers[n] = newReader(ours)
		}
	case "socket", "tcp":
		if ours, e.child[n], err = socket(d); err == nil {
			e.readers[n] = newReader(ours)
			e.writers[n] = newSocketWriter(e.readers[n], data)
		}
	case "file":
		e.child[n], err = regular(fmt.Sprintf("%s/fd%d", harness, n), d, data)
	case "path":
		e.child[n], err = openPath(r.sub(d.Path), d.Flags)
	case "brokenpipe":
		if ours, e.child[n], err = pipe(); err == nil {
			unix.Close(ours)
		}
	case "closed", "dup":
	default:
		err = fmt.Errorf("unknown kind %q", d.Kind)
	}
	return err
}

func pipe() (r, w int, err error) {
	var p [2]int
	err = unix.Pipe2(p[:], unix.O_CLOEXEC)
	return p[0], p[1], os.NewSyscallError("pipe", err)
}

// socket makes a connection: a pair, or TCP when there are addresses.
func socket(d descriptor) (ours, child int, err error) {
	if d.Kind == "socket" {
		p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return p[0], p[1], os.NewSyscallError("socketpair", err)
	}
	l, err := bound(d.Local)
	if err != nil {
		return -1, -1, err
	}
	defer unix.Close(l)
	if err := unix.Listen(l, 1); err != nil {
		return -1, -1, os.NewSyscallError("listen", err)
	}
	if ours, err = bound(d.Peer); err != nil {
		return -1, -1, err
	}
	to, err := d.Local.sockaddr()
	if err != nil {
		return -1, -1, err
	}
	if err := unix.Connect(ours, to); err != nil {
		return -1, -1, os.NewSyscallError("connect", err)
	}
	child, _, err = unix.Accept4(l, unix.SOCK_CLOEXEC)
	return ours, child, os.NewSyscallError("accept", err)
}

func regular(name string, d descriptor, data []byte) (int, error) {
	if err := os.WriteFile(name, data, 0o666); err != nil {
		return -1, err
	}
	defer os.Remove(name)
	flags := "r"
	if d.RW {
		flags = "rw"
	}
	fd, err := openPath(name, flags)
	if err == nil && d.Offset != 0 {
		_, err = unix.Seek(fd, d.Offset, 0)
	}
	return fd, err
}

// openPath opens a file as the program would find it open: os.OpenFile would
// make a FIFO non-blocking.
func openPath(name, flags string) (int, error) {
	how := map[string]int{
		"": unix.O_RDONLY, "r": unix.O_RDONLY, "w": unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, "rw": unix.O_RDWR,
		"a": unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT, "n": unix.O_RDONLY | unix.O_NONBLOCK, "x": unix.O_WRONLY,
	}
	flag, ok := how[flags]
	if !ok {
		return -1, fmt.Errorf("unknown flags %q", flags)
	}
	fd, err := unix.Open(name, flag|unix.O_CLOEXEC, 0o644)
	return fd, os.NewSyscallError("open "+name, err)
}

// started is the program.
type started struct {
	pid  int                   // 0: it is a call
	wait func() map[string]any // for its end, and gives its status in the recorded form
	kill func()
}

// start starts the program.
func (r *run) start(e *ends) (p started, err error) {
	c := r.c
	attr := &syscall.ProcAttr{Sys: &syscall.SysProcAttr{}}
	if attr.Sys.Credential, err = c.credential(); err != nil {
		return p, err
	}
	for _, fd := range e.child {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	attr.Env = []string{"PATH=/usr/bin:/bin"}
	if c.Env != nil {
		attr.Env = []string{}
		for _, name := range slices.Sorted(maps.Keys(c.Env)) {
			attr.Env = append(attr.Env, bytesOf(name)+"="+r.sub(c.Env[name]))
		}
	}
	program := r.sub(c.Program)
	if !strings.HasPrefix(program, "/") {
		program = "/var/qmail/bin/" + program
	}
	args := []string{r.sub(c.Program)}
	if c.Argv0 != nil {
		args[0] = r.sub(*c.Argv0)
	}
	for _, a := range c.Argv {
		args = append(args, r.sub(a))
	}
	// The thread's own: ForkExec would go there as the user.
	cwd := "/"
	if c.Cwd != "" {
		cwd = r.sub(c.Cwd)
	}
	if err := unix.Chdir(cwd); err != nil {
		return p, fmt.Errorf("chdir %s: %w", cwd, err)
	}
	defer unix.Chdir("/")
	mask := 0o022
	if c.Umask != nil {
		mask = int(*c.Umask)
	}
	unix.Umask(mask)
	defer unix.Umask(0)
	r.begun = time.Now()
	if r.warm != nil {
		return r.warm.start(program, args, attr.Env, e, attr.Sys)
	}
	if c.Rlimits != nil {
		if program, args, err = r.limited(program, args); err != nil {
			return p, err
		}
	}
	p.pid, err = syscall.ForkExec(program, args, attr)
	if err != nil {
		return p, fmt.Errorf("exec %s: %w", program, err)
	}
	p.wait = func() map[string]any { return wait(p.pid) }
	p.kill = func() { syscall.Kill(p.pid, syscall.SIGKILL) }
	return p, nil
}

func (c *Case) credential() (*syscall.Credential, error) {
	user := c.User
	if user == "" {
		user = "root"
	}
	uid, gid := accounts.Uid(user), accounts.PrimaryGid(user)
	if c.UID != nil {
		uid = *c.UID
	}
	if c.GID != nil {
		gid = *c.GID
	}
	if uid < 0 || gid < 0 {
		return nil, fmt.Errorf("no account %q", user)
	}
	groups := []uint32{uint32(gid)}
	if c.Groups != nil {
		groups = nil
		for _, g := range c.Groups {
			groups = append(groups, uint32(g))
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}, nil
}

// limited is a command that becomes program under the case's limits.
func (r *run) limited(program string, args []string) (string, []string, error) {
	resources := map[string]int{
		"AS": unix.RLIMIT_AS, "CORE": unix.RLIMIT_CORE, "CPU": unix.RLIMIT_CPU, "DATA": unix.RLIMIT_DATA,
		"FSIZE": unix.RLIMIT_FSIZE, "NOFILE": unix.RLIMIT_NOFILE, "NPROC": unix.RLIMIT_NPROC, "STACK": unix.RLIMIT_STACK,
	}
	out := []string{"limit"}
	for name, value := range r.c.Rlimits {
		resource, ok := resources[name]
		if !ok {
			return "", nil, fmt.Errorf("unknown limit %s", name)
		}
		out = append(out, strconv.Itoa(resource), strconv.FormatUint(value, 10))
	}
	return harness + "/limit", append(append(out, "-", program), args...), nil
}

// wait waits for a process.
func wait(pid int) map[string]any {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return map[string]any{"lost": err.Error()}
		}
	}
	return seen(status)
}

// seen is a status in the recorded form.
func seen(status syscall.WaitStatus) map[string]any {
	if status.Signaled() {
		return map[string]any{"signal": float64(status.Signal())}
	}
	return map[string]any{"exit": float64(status.ExitStatus())}
}
