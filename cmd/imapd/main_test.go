package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"goqmail/lib/service"
	"goqmail/lib/syslog"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-x"}, {"-C"}, {"more"}, {"-l"}} {
		var report strings.Builder
		if code := run(append([]string{"imapd"}, args...), &report); code != service.ExitUsage || !strings.HasPrefix(report.String(), "usage: imapd ") {
			t.Errorf("%q: %d, %q", args, code, report.String())
		}
	}
}

// The configuration that cannot be used is told of; a good one counts from its reading
// on, and a bad one that follows changes nothing.
func TestConfiguration(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/imapd.conf"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := service.Options{Config: path}
	if _, err := open(o); err == nil {
		t.Error("opened without a configuration")
	}
	write("configdirectory: " + dir + "/config\n")
	if _, err := open(o); err == nil {
		t.Error("opened without a partition")
	}
	good := "configdirectory: " + dir + "/config\npartition-default: " + dir + "/spool\nservername: here\n"
	write(good)
	if _, err := open(service.Options{Config: path, Switches: "s"}); err == nil {
		t.Error("opened with TLS from the first byte and without a certificate")
	}
	s, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	ours, theirs := net.Pipe()
	go s.serve(theirs)
	ours.SetDeadline(time.Now().Add(time.Minute))
	if line, _ := bufio.NewReader(ours).ReadString('\n'); line != "* OK here goqmail IMAP4 server ready\r\n" {
		t.Errorf("greeting %q", line)
	}
	ours.Close()
	write(good + "timeout: 40\nimap_maxmessagesize: 7\nallowplaintex: yes\nquotawarn: much\n")
	var logged []string
	s.record = func(_ syslog.Level, format string, args ...any) {
		logged = append(logged, fmt.Sprintf(format, args...))
	}
	s.reload(o)
	if !slices.Equal(logged, []string{"imapd.conf: quotawarn is no number: much", "imapd.conf: allowplaintex means nothing here"}) {
		t.Errorf("logged %q", logged)
	}
	if s.timeout() != 40*time.Minute || s.maxMessage() != 7 {
		t.Errorf("after reading it again: %v, %d", s.timeout(), s.maxMessage())
	}
	write("no sense")
	s.reload(o)
	if s.timeout() != 40*time.Minute {
		t.Error("a bad configuration counts")
	}
	s.done.Wait()
}
