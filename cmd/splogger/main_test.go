package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"goqmail/lib/localtime"
)

func TestFacility(t *testing.T) {
	for s, want := range map[string]int{
		"0": 0, "1": 1, "2": 2, "16": 16, "127": 127, "3x": 3, "": 0, "x": 0,
		"128": user, "1000": user, "536870914": 2, "4294967298": 2,
	} {
		if got := facility(s); got != want {
			t.Errorf("facility(%q) = %d, want %d", s, got, want)
		}
	}
}

// stamps is the time that splogger puts before a line.
var stamps = regexp.MustCompile(`\d{10}\.\d{6}`)

// logTo logs a text to a socket of the given kind and returns the records.
func logTo(t *testing.T, kind, text string) (records []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	l := &logger{tag: "tag", facility: mail, path: path}
	if kind == "unixgram" {
		conn, err := net.ListenPacket(kind, path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		copyLines(bufio.NewReader(strings.NewReader(text)), l)
		l.log(time.Now(), info, "THE END")
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		for buf := make([]byte, 4096); ; {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(string(buf[:n]), "THE END") {
				return records
			}
			records = append(records, string(buf[:n]))
		}
	}
	listening, err := net.Listen(kind, path)
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	copyLines(bufio.NewReader(strings.NewReader(text)), l)
	conn, err := listening.Accept()
	if err != nil {
		t.Fatal(err)
	}
	l.close()
	in := bufio.NewReader(conn)
	for {
		record, err := in.ReadString(0)
		if err != nil {
			return records
		}
		records = append(records, strings.TrimSuffix(record, "\x00"))
	}
}

func TestCopyLines(t *testing.T) {
	long := strings.Repeat("x", 799)
	text := "new msg 12\nalert: fire\nwarning: smoke\n\na\tb\x00\xff\r\n" + long + long + "y\nno newline"
	want := []string{"<22>DATE tag: STAMP new msg 12", "<17>DATE tag: STAMP alert: fire", "<20>DATE tag: STAMP warning: smoke",
		"<22>DATE tag: STAMP a?b???", "<22>DATE tag: STAMP " + long, "<22>DATE tag: STAMP+" + long, "<22>DATE tag: STAMP+y"}
	dates := regexp.MustCompile(`>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d `)
	for _, kind := range []string{"unixgram", "unix"} {
		var got []string
		for _, record := range logTo(t, kind, text) {
			got = append(got, stamps.ReplaceAllString(dates.ReplaceAllString(record, ">DATE "), "STAMP"))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: %q\nwant %q", kind, got, want)
		}
	}
}

// The parts of a line have one time.
func TestOneStamp(t *testing.T) {
	records := logTo(t, "unixgram", strings.Repeat("x", 2000)+"\n")
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	for _, record := range records[1:] {
		if stamps.FindString(record) != stamps.FindString(records[0]) {
			t.Errorf("%.60s after %.60s", record, records[0])
		}
	}
}

// Without a log, and when it comes back, splogger goes on.
func TestNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := &logger{tag: "tag", facility: mail, zone: localtime.Zone{}, path: path}
	l.log(time.Now(), info, "lost")
	for range 2 {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		l.log(time.Unix(0, 0), info, "text")
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 100)
		n, err := conn.Read(buf)
		if want := "<22>Jan  1 00:00:00 tag: text"; string(buf[:n]) != want {
			t.Errorf("got %q, %v; want %q", buf[:n], err, want)
		}
		conn.Close() // and the log is started anew
		os.Remove(path)
	}
}
