package starttls

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// helper puts a program in the place of qmail-tls.
func helper(t *testing.T, script string) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(filepath.Join(auto.Home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if script == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(auto.Home, "bin/qmail-tls"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T) (*Helper, error) {
	return Start(nil, nil, os.Stderr, call.Env{"PATH=/usr/bin:/bin"}, 7*time.Second)
}

func TestStart(t *testing.T) {
	for script, want := range map[string]string{
		"":                        "unable to start qmail-tls",
		"exit 0":                  "qmail-tls is gone",
		"echo -no certificate>&4": "no certificate",
	} {
		helper(t, script)
		if _, err := begin(t); err == nil || err.Error() != want {
			t.Errorf("%q: got %v", script, err)
		}
	}
}

func TestHandshake(t *testing.T) {
	for script, want := range map[string]struct {
		info Info
		err  string
	}{
		`echo +>&4; dd bs=1 count=1 <&3 >&4 2>/dev/null; printf 'A\tb@c\td e\n' >&4`: {Info{"A", "b@c", "d e", ""}, ""},
		`test $1 = 7 && echo +>&4; echo +A>&4; sleep 0.1`:                            {Info{Cipher: "A"}, ""},
		`echo +w>&4; echo +A>&4; sleep 0.1`:                                          {Info{Cipher: "A", Warning: "w"}, ""},
		`echo +v>&4; printf '+A\t\t\tw\n'>&4; sleep 0.1`:                             {Info{Cipher: "A", Warning: "v; w"}, ""},
		`echo +v>&4; echo -alert>&4; sleep 0.1`:                                      {Info{Warning: "v"}, "alert"},
		`echo +>&4`:                                                                  {Info{}, "qmail-tls is gone"},
	} {
		helper(t, script)
		h, err := begin(t)
		if err != nil {
			t.Errorf("%q: %v", script, err)
			continue
		}
		info, err := h.Handshake()
		text := ""
		if err != nil {
			text = err.Error()
		}
		if info != want.info || text != want.err {
			t.Errorf("%q: got %+v, %q", script, info, text)
		}
		h.Close()
	}
}
