package main

import (
	"io"
	"os"
	"testing"

	"goqmail/lib/call"
)

// What needs no name server.
func TestAddress(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code := run(call.New([]string{"dnsmxip", "[192.0.2.1]"}, nil, map[int]*os.File{1: w}))
	w.Close()
	said, err := io.ReadAll(r)
	if want := "192.0.2.1 0\n"; string(said) != want || code != 0 || err != nil {
		t.Errorf("got %q, %d, %v; want %q", said, code, err, want)
	}
	if code := run(call.New([]string{"dnsmxip"}, nil, nil)); code != 100 {
		t.Errorf("without an argument: %d", code)
	}
}
