package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
)

func content(t *testing.T, f *os.File, from int64) string {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(f, from, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A message is kept as it came, but for Old- before fields of ours: so none of those
// is left in the header.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("A: b\nX-Virus-Status: x\n y\n\nX-Virus-Status: z\n"))
	f.Add([]byte("X-VIRUS-STATUS :"))
	f.Add([]byte("Message-ID:\n <x>\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, fields := range [][]string{nil, {"x-virus-status"}} {
			m, err := takeMessage(bytes.NewReader(data), fields)
			if err != nil {
				t.Fatal(err)
			}
			got := content(t, m.file, room)
			m.file.Close()
			if int64(len(got)) != m.size || fields == nil && got != string(data) || strings.ReplaceAll(got, "Old-", "") != strings.ReplaceAll(string(data), "Old-", "") {
				t.Errorf("%q became %q, of %d bytes", data, got, m.size)
			}
			for line := range strings.Lines(got) {
				if line == "\n" {
					break
				}
				if name, _ := split([]byte(line)); name == "x-virus-status" && fields != nil {
					t.Errorf("%q is left of %q", line, data)
				}
			}
		}
	})
}

// What is kept of an envelope is what qmail-queue would read of it.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte("Fa@b\x00Tc@d\x00Te\x00\x00more"))
	f.Add([]byte("F\x00\x00"))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := takeEnvelope(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer e.file.Close()
		want := "F" + e.sender + "\x00"
		for _, r := range e.recipients {
			want += "T" + r + "\x00"
		}
		got := content(t, e.file, 0)
		if !bytes.HasPrefix(data, []byte(got)) || !e.more && got != want+"\x00" {
			t.Errorf("%q became %q", data, got)
		}
	})
}
