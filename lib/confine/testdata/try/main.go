// Try confines itself to reading the directory that is its first argument and
// writing the second, and to running programs and opening sockets if the third
// has p, s and l in it. Then it tries what the others name and prints what came of
// each.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/confine"
)

func main() {
	// Threads that are there before must be confined as well.
	var hold, ready sync.WaitGroup
	hold.Add(1)
	results := make(chan string)
	what := os.Args[4:]
	for range 4 {
		ready.Add(1)
		s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			panic(err)
		}
		go func() {
			runtime.LockOSThread()
			ready.Done()
			hold.Wait()
			for _, w := range what {
				results <- w + ": " + text(try(w, s))
			}
			results <- ""
		}()
	}
	ready.Wait()
	err := confine.Process(confine.Rules{
		Read: confine.Linked(os.Args[1]), Write: []string{os.Args[2], "/nonexistent"},
		Programs: strings.Contains(os.Args[3], "p"), Sockets: strings.Contains(os.Args[3], "s"), Local: strings.Contains(os.Args[3], "l"),
	})
	if err != nil {
		fmt.Println("confine:", err)
		os.Exit(1)
	}
	hold.Done()
	for left := 4; left > 0; {
		if r := <-results; r != "" {
			fmt.Println(r)
		} else {
			left--
		}
	}
}

// try tries something; s is a socket that was there before.
func try(what string, s int) error {
	how, name, _ := strings.Cut(what, "=")
	switch how {
	case "read":
		_, err := os.ReadFile(name)
		return err
	case "write":
		return os.WriteFile(name, []byte("text"), 0o600)
	case "run":
		return exec.Command(name).Run()
	case "socket":
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		syscall.Close(fd)
		return err
	case "local":
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err == nil {
			err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: name})
		}
		return err
	case "connect":
		return syscall.Connect(s, port(name))
	case "send":
		return syscall.Sendto(s, []byte("text"), unix.MSG_FASTOPEN, port(name))
	case "trace":
		return syscall.PtraceAttach(os.Getppid())
	}
	return errors.New("what?")
}

// port is one of this host.
func port(number string) syscall.Sockaddr {
	n, _ := strconv.Atoi(number)
	return &syscall.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}}
}

func text(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return "refused"
	}
	return err.Error()
}
