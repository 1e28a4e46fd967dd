// Qmail-pw2u turns a passwd file into users/assign.
//
//	qmail-pw2u [-/ohHuUC] [-cCHAR]
//
// It reads lines in the form of passwd(5) from descriptor 0 and writes
// assignments, see qmail-users(5), to descriptor 1. The files include, exclude,
// mailnames, subusers and append in the directory users change what it writes.
// It exits 100 for a wrong option and 111 in other trouble.
package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/getopt"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

// options are those of the command line.
type options struct {
	dash     string // in front of extensions: "-" or "-/"
	home     homeCheck
	capitals bool   // accounts with capitals in their name are users as well
	between  string // user and extension; "" for no extensions
}

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGPIPE)
	o := options{dash: "-", between: auto.Break}
	letters := getopt.New(c.Args, "/ohHuUc:C")
	for letter, ok := letters.Next(); ok; letter, ok = letters.Next() {
		switch letter {
		case '/':
			o.dash = "-/"
		case 'o':
			o.home = skipMissing
		case 'h':
			o.home = stopMissing
		case 'H':
			o.home = anyHome
		case 'u':
			o.capitals = true
		case 'U':
			o.capitals = false
		case 'c':
			o.between = letters.Arg[:min(1, len(letters.Arg))]
		case 'C':
			o.between = ""
		default:
			c.Err().WriteString(letters.Problem())
			return exit.Perm
		}
	}
	return exit.Report(c.Err(), "qmail-pw2u", pw2u(c, o))
}

func pw2u(c *call.Call, o options) error {
	if os.Chdir(auto.Home) != nil {
		return exit.Defer("unable to chdir", nil)
	}
	lists, err := readLists()
	if err != nil {
		return errControl()
	}
	out := &output{buf: bufio.NewWriterSize(c.Out(), 8192)}
	a := &assigner{options: o, lists: lists, out: out, users: map[string]string{}}
	if err := eachLine(promptly{c.In(), out}, a.account); err != nil {
		return err
	}
	if !a.alias {
		return exit.Defer("unable to find "+auto.UserAlias+" user", nil)
	}
	if err := eachLineOf("users/subusers", a.subuser); err != nil {
		return err
	}
	if err := eachLineOf("users/append", out.put); err != nil {
		return err
	}
	if err := out.put(".\n"); err != nil {
		return err
	}
	return out.flush()
}

// eachLineOf is eachLine for a file, which may be missing.
func eachLineOf(path string, do func(line string) error) error {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENOENT) {
		return nil
	}
	if err != nil {
		return errControl()
	}
	defer file.Close()
	return eachLine(file, do)
}

// eachLine calls do for each line, with its newline but for the last one,
// which may be empty.
func eachLine(from io.Reader, do func(line string) error) error {
	lines := bufio.NewReaderSize(from, 8192)
	for {
		line, readErr := lines.ReadString('\n')
		if readErr != nil && readErr != io.EOF {
			return exit.Defer("unable to read input", nil)
		}
		if err := do(line); err != nil {
			return err
		}
		if readErr == io.EOF {
			return nil
		}
	}
}

func errControl() error { return exit.Defer("unable to read controls", nil) }

// output is descriptor 1.
type output struct{ buf *bufio.Writer }

// put writes s. What does not fit into the buffer starts a new one.
func (o *output) put(s string) error {
	if o.buf.Available() < len(s) {
		o.buf.Flush()
	}
	_, err := o.buf.WriteString(s) // the buffer remembers an error of Flush
	return writeError(err)
}

func (o *output) flush() error { return writeError(o.buf.Flush()) }

func writeError(err error) error {
	if err != nil {
		return exit.Defer("unable to write output", nil)
	}
	return nil
}

// promptly reads from a pipe or terminal on which somebody may be waiting for
// the output so far.
type promptly struct {
	io.Reader
	out *output
}

func (p promptly) Read(b []byte) (int, error) {
	if err := p.out.flush(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}
