package imapconf

import (
	"os"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := t.TempDir() + "/" + name
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	more := write(t, "more.conf", "timeout: 45\n")
	c, err := Read(write(t, "imapd.conf", "# a comment\nconfigdirectory: /var/imap\n\nPartition-Default:/var/spool/imap\n"+
		"allowplaintext yes\nadmins: cyrus  root\nservername: a: b\nimaps_timeout: 7\n@include: "+more+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.String("configdirectory", ""); got != "/var/imap" {
		t.Errorf("configdirectory %q", got)
	}
	if got := c.Partitions(); got["default"] != "/var/spool/imap" || len(got) != 1 {
		t.Errorf("partitions %v", got)
	}
	if !c.Bool("allowplaintext", false) || c.Bool("sieve", false) || !c.Bool("sieve", true) {
		t.Error("switches")
	}
	if got := c.Words("admins"); len(got) != 2 || got[1] != "root" {
		t.Errorf("admins %q", got)
	}
	if got := c.String("servername", ""); got != "a: b" {
		t.Errorf("servername %q", got)
	}
	if got, own := c.Int("timeout", 30), c.Service("imaps").Int("timeout", 30); got != 45 || own != 7 {
		t.Errorf("timeout %d, of imaps %d", got, own)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestReadRefuses(t *testing.T) {
	loop := t.TempDir() + "/loop.conf"
	os.WriteFile(loop, []byte("@include: loop.conf\n"), 0o600)
	for path, want := range map[string]string{
		write(t, "a", "one: 1\ntwo\n"): ":2: no value for two",
		loop:                           "include each other",
		"/nonexistent/imapd.conf":      "no such file",
	} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// imapd and lmtpd take messages of the same size.
func TestMaxMessage(t *testing.T) {
	for setting, want := range map[string]int64{"": 1<<31 - 1, "0": 1<<31 - 1, "-1": 1<<31 - 1, "x": 1<<31 - 1, "1000": 1000, "9999999999": 1<<31 - 1} {
		if got := (Conf{"maxmessagesize": setting}).MaxMessage(); got != want {
			t.Errorf("%q: %d, want %d", setting, got, want)
		}
	}
}

func TestCanonical(t *testing.T) {
	hosts := t.TempDir() + "/hosts"
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost vm2\n# 10.0.0.1 a.example vm\n10.0.0.2 mail.example vm # here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"vm": "mail.example", "mail.example": "mail.example", "vm2": "", "other": "", "here": ""} {
		if got := canonical(hosts, host); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
}

// Who administers a domain only would administer all: such set-ups are refused.
func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		more Conf
		want string
	}{
		"virtual domains":              {Conf{"virtdomains": "userid", "admins": "cyrus"}, ""},
		"off":                          {Conf{"virtdomains": "off", "admins": "cyrus a@b"}, ""},
		"a domain's own administrator": {Conf{"virtdomains": "on", "admins": "cyrus a@b"}, "admins: a@b: there are no administrators of one domain"},
		"unknown":                      {Conf{"virtdomains": "ldap"}, "virtdomains: ldap is not off, userid or on"},
		"nothing":                      {Conf{"configdirectory": ""}, "configdirectory is not set"},
	} {
		conf := Conf{"configdirectory": "/c", "partition-default": "/p"}
		for name, value := range test.more {
			conf[name] = value
		}
		err := conf.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
