package main

import (
	"errors"
	"io"
	"strings"
	"testing"
)

type nowhere struct{ io.Writer }

func (nowhere) Seek(int64, int) (int64, error) { return 0, nil }

func TestCompile(t *testing.T) {
	const line = "=joe:joe:507:100:/home/joe:::\n"
	for assign, want := range map[string]string{
		".\n":                        "",
		".":                          "",
		line + ".\n":                 "",
		line + ".anything\nfollows":  "",
		line + ".\n=not read\n":      "",
		"":                           "bad format in users/assign",
		line:                         "bad format in users/assign",
		line + "\n.\n":               "bad format in users/assign",
		line + "=joe":                "bad format in users/assign",
		strings.TrimSpace(line):      "bad format in users/assign",
		"=joe:joe:507:100:/h::\n.\n": "bad format in users/assign",
		"=j\x00e:joe:1:1:/:::\n.\n":  "bad format in users/assign",
	} {
		got := ""
		if err := compile(strings.NewReader(assign), nowhere{io.Discard}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", assign, got, want)
		}
	}
}

type failing struct{ io.Writer }

func (failing) Read([]byte) (int, error)       { return 0, errors.New("failed") }
func (failing) Write([]byte) (int, error)      { return 0, errors.New("failed") }
func (failing) Seek(int64, int) (int64, error) { return 0, nil }

func TestCompileFails(t *testing.T) {
	if err := compile(failing{}, nowhere{io.Discard}); err == nil || err.Error() != "unable to read users/assign" {
		t.Errorf("read: %v", err)
	}
	if err := compile(strings.NewReader(".\n"), failing{}); err == nil || err.Error() != "unable to write users/cdb.tmp" {
		t.Errorf("write: %v", err)
	}
}
