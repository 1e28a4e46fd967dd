package main

import "testing"

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
