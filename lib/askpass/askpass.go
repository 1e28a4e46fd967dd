// Package askpass asks people for passwords.
package askpass

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrNone is for input that ends before a password.
var ErrNone = errors.New("no password")

// Ask shows a prompt on standard error and reads a password from in: from a terminal
// without showing it, else a line, of which no byte more is read than that.
func Ask(prompt string, in *os.File) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	if term.IsTerminal(int(in.Fd())) {
		password, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(os.Stderr)
		return string(password), err
	}
	return line(in)
}

func line(in io.Reader) (string, error) {
	var text []byte
	for b := make([]byte, 1); ; {
		n, err := in.Read(b)
		if n == 0 && err != nil {
			if err == io.EOF && len(text) == 0 {
				err = ErrNone
			}
			if err != io.EOF {
				return "", err
			}
			return string(text), nil
		}
		if n == 1 && b[0] == '\n' {
			return strings.TrimSuffix(string(text), "\r"), nil
		}
		text = append(text, b[:n]...)
	}
}
