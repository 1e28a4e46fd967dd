package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"goqmail/lib/mailstore"
)

// home lays a configuration, and returns its file and its directory.
func home(t *testing.T) (config, dir string) {
	t.Helper()
	dir = t.TempDir()
	config = dir + "/imapd.conf"
	text := fmt.Sprintf("configdirectory: %s/imap\npartition-default: %s/spool\npartition-big: %s/big\n", dir, dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config, dir
}

func TestDumpsOfAllVersions(t *testing.T) {
	const want = "user.john\tdefault\tjohn\tlrswipcda\tanyone\tp\t\nuser.john.SPAM\tbig\tjohn\tlrs\t\n"
	for _, c := range []struct{ name, dump, says string }{
		{"2.2", want, ""},
		{"2.2 from DOS", strings.ReplaceAll(want, "\n", "\r\n"), ""},
		{"2.3", "user.john\t0 default\tjohn\tlrswipcda\tanyone\tp\t\nuser.john.SPAM\t0 big\tjohn\tlrs\t\nuser.far\t1 host!default\tfar\tlrs\t\n",
			"line 3: user.far is not a mailbox of this server\n"},
		{"3.0", "user.john\t0 default john\tlrswipcda\tanyone\tp\t>3f9a 1 2 3 4 \nuser.john.SPAM\t0 big john\tlrs\t>3f9b 1 2 3 4 \n", ""},
		{"3.6", `{
"user.john":{"name":"user.john","mtime":"1","uidvalidity":"5","mbtype":"el","partition":"default","acl":{"john":"lrswipcda","anyone":"p"},"uniqueid":"a1"},
"user.john.SPAM":{"mbtype":"","partition":"big","acl":"john\tlrs\t","name_history":[{"name":"x"}]},
"user.john.#calendars":{"mbtype":"c","partition":"default","acl":{}},
"DELETED.user.john.5":{"mbtype":"e","partition":"default","acl":{}}
}
`, "user.john.#calendars: not a mailbox for mail: c\nDELETED.user.john.5: deleted\n"},
		{"lines that are none", "x\nuser.y\tdefault\nuser.../../etc\tdefault\ta\tl\t\n" + want,
			"line 1: no partition found\nline 2: no acl found\nline 3: mailbox name too long or not a name\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, _ := home(t)
			var out, report bytes.Buffer
			if code := run([]string{program, "-C", config, "-u"}, strings.NewReader(c.dump), &out, &report); code != 0 || report.String() != c.says {
				t.Errorf("exit %d, %q, want %q", code, &report, c.says)
			}
			run([]string{program, "-C", config, "-d"}, nil, &out, &report)
			got := strings.Replace(out.String(), "anyone\tp\tjohn\tlrswipcda\t", "john\tlrswipcda\tanyone\tp\t", 1)
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// Users of virtual domains are called here as they log in.
func TestDumpOfVirtualDomains(t *testing.T) {
	config, _ := home(t)
	var out, report bytes.Buffer
	const dump = "virt.example!user.john.SPAM\tdefault\tjohn@virt.example\tlrs\t\nvirt.example!news\tdefault\tanyone\tlrs\t\n"
	if code := run([]string{program, "-C", config, "-u"}, strings.NewReader(dump), &out, &report); code != 0 || report.String() != "line 2: a mailbox of a domain that is nobody's\n" {
		t.Errorf("exit %d, %q", code, &report)
	}
	run([]string{program, "-C", config, "-d"}, nil, &out, &report)
	if want := "user.john@virt^example.SPAM\tdefault\tjohn@virt.example\tlrs\t\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}

func TestOptions(t *testing.T) {
	config, dir := home(t)
	dump := "user.john\tdefault\tjohn\tl\t\nuser.mary\tbig\tmary\tl\t\n"
	for _, c := range []struct {
		args     []string
		in       string
		code     int
		out, say string
	}{
		{args: []string{"-u", "-f", dir + "/imap/mailboxes.db"}, in: dump},
		{args: []string{"-d", "-p", "big"}, out: "user.mary\tbig\tmary\tl\t\n"},
		{args: []string{"-d", "-x", "-p", "big"}, out: "user.mary\tbig\tmary\tl\t\n"},
		{args: []string{"-d"}, out: "user.john\tdefault\tjohn\tl\t\n"},
		{args: []string{"-d", "-f", dir + "/other.db"}},
		{args: []string{"-u"}, in: "user.x\tnowhere\tx\tl\t\n", code: 75, say: "line 1: partition-nowhere is not set\n"},
		{args: []string{"-m", "-a"}, code: 1, say: "couldn't connect to mupdate server\n"},
		{args: []string{"-r"}, say: "ctl_mboxlist -r is deprecated: use ctl_cyrusdb -r instead\n"},
		{args: []string{"-u"}, in: `{"user.john":`, code: 75, say: "ctl_mboxlist: user.john: EOF\n"},
		{args: []string{"-C", dir + "/missing", "-d"}, code: 78, say: "ctl_mboxlist: open " + dir + "/missing: no such file or directory\n"},
	} {
		var out, report bytes.Buffer
		code := run(append([]string{program, "-C", config}, c.args...), strings.NewReader(c.in), &out, &report)
		if code != c.code || out.String() != c.out || report.String() != c.say {
			t.Errorf("%q: exit %d, %q, %q", c.args, code, &out, &report)
		}
	}
	for _, args := range []string{"", "-d -u", "-u -x", "-u -p big", "-d -a", "-z", "-d word"} {
		var out, report bytes.Buffer
		if code := run(append([]string{program}, strings.Fields(args)...), nil, &out, &report); code != 1 || !strings.HasPrefix(report.String(), "DUMP:\n") {
			t.Errorf("%q: exit %d, %q", args, code, &report)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("user.john\tdefault\tjohn\tlrs\t\n")
	f.Add("user.john\t0 default john\tlrs\t>id 1\n")
	f.Add(`{"user.john":{"acl":{"john":"lrs"}}}`)
	f.Fuzz(func(t *testing.T, dump string) {
		parse(strings.NewReader(dump), func(where string, e mailstore.Entry, problem string) {
			if problem == "" && e.ACL != "" && !strings.HasSuffix(e.ACL, "\t") {
				t.Errorf("%s: the ACL is %q", where, e.ACL)
			}
		})
	})
}
