package child

import (
	"errors"
	"strings"
	"syscall"

	"goqmail/lib/call"
)

// StartFound is Start for the program that execvp(3) would run: Args[0], looked
// for along the PATH of Env. A file without a #! line is a script of /bin/sh.
func (c Cmd) StartFound() (pid int, err error) {
	err = c.Find(func(c Cmd) (err error) {
		pid, err = c.Start()
		return err
	})
	return pid, err
}

// Find calls start for the programs that StartFound would try, in turn, until
// one can be started.
func (c Cmd) Find(start func(Cmd) error) error {
	return search(c.Args, c.Env, func(file string, args []string) error {
		c.Path, c.Args = file, args
		return start(c)
	})
}

// ExecFound replaces this process by the program that execvp(3) would run. It
// returns only if that failed.
func ExecFound(args []string, env call.Env) error {
	return search(args, env, func(file string, args []string) error { return Exec(file, args, env) })
}

// search runs the first file that can be run. A name with a slash stands for
// itself, an unset PATH is /bin:/usr/bin, and an empty component of it is the
// current directory. The error is EACCES rather than ENOENT when there were
// files, but none that may be executed.
func search(args []string, env call.Env, run func(file string, args []string) error) error {
	name := args[0]
	if strings.Contains(name, "/") {
		return orShell(name, args, run)
	}
	if name == "" {
		return syscall.ENOENT
	}
	path, ok := env.Lookup("PATH")
	if !ok {
		path = "/bin:/usr/bin"
	}
	failure := error(syscall.ENOENT)
	for dir := range strings.SplitSeq(path, ":") {
		file := name
		if dir != "" {
			file = dir + "/" + name
		}
		var st syscall.Stat_t
		err := syscall.Stat(file, &st) // much cheaper than to fork in vain
		if err == nil {
			err = orShell(file, args, run)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EACCES):
			failure = syscall.EACCES
		case !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR):
			return err
		}
	}
	return failure
}

func orShell(file string, args []string, run func(file string, args []string) error) error {
	err := run(file, args)
	if errors.Is(err, syscall.ENOEXEC) {
		return run("/bin/sh", append([]string{"/bin/sh", file}, args[1:]...))
	}
	return err
}
