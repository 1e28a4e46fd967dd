package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"joe@a.example":          "joe@a.example",
		"did 1+0+0\n":            "did_1+0+0/",
		"100%\ttab\x00\x7f\xe9":  "100__tab___",
		"~!\"#$&'()*+,-./:;<=>?": "~!\"#$&'()*+,-./:;<=>?",
	} {
		if got := safe(text); got != want {
			t.Errorf("safe(%q): got %q, want %q", text, got, want)
		}
	}
}

// TestClosedLog: a log that is closed stops nothing.
func TestClosedLog(t *testing.T) {
	l := new(logger)
	l.print("status: exiting")
	l.flush()
}

// TestLogInPieces: lines wait, and no write has more than a pipe takes at one
// stroke, nor a part of a line.
func TestLogInPieces(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0) // keeps writes apart
	if err != nil {
		t.Skip("no sockets with packets:", err)
	}
	l := &logger{f: os.NewFile(uintptr(pair[0]), "")}
	line := strings.Repeat("x", 999) + "\n"
	for range 10 {
		l.print(line[:999])
	}
	l.flush()
	l.flush()
	l.f.Close()
	var got []string
	for buf := make([]byte, 8192); ; {
		n, err := unix.Read(pair[1], buf)
		if n == 0 || err != nil {
			break
		}
		got = append(got, string(buf[:n]))
	}
	unix.Close(pair[1])
	four, two := strings.Repeat(line, 4), strings.Repeat(line, 2)
	if want := []string{four, four, two}; !slices.Equal(got, want) {
		t.Errorf("got %d writes: %.20q", len(got), got)
	}
}
