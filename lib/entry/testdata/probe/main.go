// Probe tells what a program that starts at lib/entry finds.
//
//	probe [[exec] program argument ...]
//
// It prints a line for each fact; then it runs the program as a foreign one, or
// becomes it.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/entry"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	out := c.Out()
	if out == nil { // the test looks at descriptor 2 then
		out = c.Err()
	}
	var as, data syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_AS, &as)
	syscall.Getrlimit(syscall.RLIMIT_DATA, &data)
	closed := "closed:"
	open := "open:"
	for fd := range 10 {
		if entry.Closed(fd) {
			closed += " " + strconv.Itoa(fd)
		}
		if entry.Open(fd) {
			open += " " + strconv.Itoa(fd)
		}
	}
	out.WriteString("raised: " + strconv.FormatBool(as.Cur == as.Max && data.Cur == data.Max) + "\n" +
		"memory: " + strconv.FormatInt(debug.SetMemoryLimit(-1), 10) + "\n" +
		"processors: " + strconv.Itoa(runtime.GOMAXPROCS(0)) + "\n" +
		closed + "\n" + open + "\n")
	if c.Arg(1) == "exec" {
		child.ExecFound(c.Args[2:], c.Env)
	}
	if len(c.Args) > 1 {
		cmd := child.Cmd{Args: c.Args[1:], Env: c.Env, Files: []*os.File{c.In(), out, c.Err()}}
		pid, err := cmd.StartFound()
		if err != nil {
			out.WriteString(err.Error() + "\n")
			return 1
		}
		child.Wait(pid)
	}
	return 0
}
