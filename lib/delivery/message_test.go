package delivery

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"goqmail/lib/imapconf"
	"goqmail/lib/syslog"
)

// written returns what becomes of a message that is written in pieces of a size.
func written(text []byte, size int, setting string) (string, error) {
	name, value, _ := strings.Cut(setting, ": ")
	a := &Agent{Conf: imapconf.Conf{name: value}, Name: "host"}
	var b bytes.Buffer
	m := a.message(Envelope{Sender: "a@b", Helo: "c", Client: "[d]", With: "LMTPA"}, &b)
	for len(text) > 0 {
		n := min(size, len(text))
		m.Write(text[:n])
		text = text[n:]
	}
	m.end()
	return b.String(), m.failed
}

// FuzzMessage: a message that is taken has line ends of one kind, one Return-Path, a
// Date and a Message-ID, whatever the pieces in which it comes.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		"Subject: x\r\n\r\nbody\r\n", "A: b\n c\nReturn-Path: <x>\n y\n\n\r\r\n.", "From x\n", "Date: y\nMessage-ID:\n <z>\n\n", "\n", "", "x", "A: \xe4\n\n\xe4", "A\r: b\r\r\n\r",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		whole, failed := written(text, len(text)+1, "")
		got, err := written(text, min(max(size, 1), 1000), "")
		if (err == nil) != (failed == nil) {
			t.Fatalf("%q: %v in pieces, %v as a whole", text, err, failed)
		}
		if err != nil {
			return
		}
		header, _, ok := strings.Cut(got, "\r\n\r\n")
		wholeHeader, body, _ := strings.Cut(whole, "\r\n\r\n")
		if !ok || strings.Count(header, "\n") != strings.Count(wholeHeader, "\n") || !strings.HasSuffix(got, "\r\n\r\n"+body) {
			t.Errorf("%q: %q in pieces, %q as a whole", text, got, whole)
		}
		if strings.Count(got, "\n") != strings.Count(got, "\r\n") || strings.Count(got, "\r") != strings.Count(got, "\r\n") || !strings.HasSuffix(got, "\r\n") {
			t.Errorf("%q: line ends of %q", text, got)
		}
		count := map[string]int{}
		for line := range strings.SplitSeq(header, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			count[strings.ToLower(strings.TrimRight(name, " \t"))]++
		}
		if count["return-path"] != 1 || count["date"] == 0 {
			t.Errorf("%q: fields of %q", text, header)
		}
	})
}

// A deliver.db that cannot be used costs second copies and no mail.
func TestNoMemory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/deliver.db", bytes.Repeat([]byte("not a database\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	said := ""
	a, err := Open(imapconf.Conf{"configdirectory": dir, "partition-default": dir + "/spool"}, func(_ syslog.Level, format string, _ ...any) { said += format })
	if err != nil || said == "" {
		t.Fatalf("%v, said %q", err, said)
	}
	a.Close()
}
