package cyrusconf

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// testdata/normal.conf has the entries of what Cyrus 2.2 came with.
func TestNormalConf(t *testing.T) {
	c, err := Read("testdata/normal.conf")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Start) != 1 || !reflect.DeepEqual(c.Start[0].Cmd, []string{"ctl_cyrusdb", "-r"}) {
		t.Errorf("START %+v", c.Start)
	}
	var services []string
	for _, s := range c.Services {
		services = append(services, s.Name+" "+strings.Join(s.Cmd, "_")+" "+s.Proto+" "+s.Listen)
	}
	want := []string{"imap imapd tcp imap", "imaps imapd_-s tcp imaps", "pop3 pop3d tcp pop3", "pop3s pop3d_-s tcp pop3s",
		"sieve timsieved tcp sieve", "lmtpunix lmtpd tcp /var/imap/socket/lmtp"}
	if !reflect.DeepEqual(services, want) {
		t.Errorf("SERVICES %q, want %q", services, want)
	}
	if len(c.Events) != 3 || c.Events[0].Period != 30*time.Minute || c.Events[0].At != -1 || c.Events[1].At != 4*60 {
		t.Errorf("EVENTS %+v", c.Events)
	}
}

func TestParse(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want Conf
	}{
		"nothing":             {"# START {\n\n", Conf{}},
		"brace at the name":   {"START{\n}\n", Conf{}},
		"values":              {"START {\na cmd=x # y\n  b cmd=\"x #1  y=z\"\n}", Conf{Start: []Command{{"a", []string{"x"}, 2}, {"b", []string{"x", "#1", "y=z"}, 3}}}},
		"lines of DOS":        {"START {\r\na cmd=\"x\"\r\n}\r\n", Conf{Start: []Command{{"a", []string{"x"}, 2}}}},
		"daemon":              {"DAEMON {\nidled cmd=idled\n}", Conf{Services: []Service{{Command: Command{"idled", []string{"idled"}, 2}, Proto: "tcp"}}}},
		"settings of service": {"SERVICES {\na cmd=x listen=\"[::1]:imap\" proto=tcp6 maxchild=9 prefork=5 babysit=1 maxforkrate=3\n}", Conf{Services: []Service{{Command{"a", []string{"x"}, 2}, "[::1]:imap", "tcp6", 9}}}},
		"event, once":         {"EVENTS {\na cmd=x\n}", Conf{Events: []Event{{Command{"a", []string{"x"}, 2}, 0, -1}}}},
		"same name elsewhere": {"START {\na cmd=x\n}\nEVENTS {\na cmd=x at=0000\n}", Conf{Start: []Command{{"a", []string{"x"}, 2}}, Events: []Event{{Command{"a", []string{"x"}, 5}, 0, 0}}}},
	} {
		got, err := Parse(row.text)
		if err != nil || !reflect.DeepEqual(*got, row.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, row.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"imap cmd=imapd":                              "1: a section begins with its name and {",
		"\nSTRT {":                                    "2: there is no section STRT",
		"START {\nrecover cmd=x":                      "1: section START does not end",
		"START {\nSERVICES {":                         "2: SERVICES: { has no value",
		"START {\nrecover\n}":                         "2: recover: no cmd",
		"START {\nrecover cmd=\"\"\n}":                "2: recover: no cmd",
		"START {\ncmd=x\n}":                           "2: an entry begins with its name",
		"START {\na cmd=\"x\n}":                       "2: a quote that does not end",
		"START {\na \"x\"\n}":                         "2: a quote where no value begins",
		"START {\na cmd=x cmd=y\n}":                   "2: a: cmd is given twice",
		"START {\na cmd=x\na cmd=y\n}":                "3: there are two a in START",
		"START {\na cmd=x listen=imap\n}":             "2: a: there is no listen in START",
		"SERVICES {\nimap cmd=imapd\n}":               "2: imap: no listen",
		"SERVICES {\na cmd=x listen=y prefork=few\n}": "2: a: prefork few is no number",
		"SERVICES {\na cmd=x listen=y proto=ipx\n}":   "2: a: proto ipx is not known",
		"EVENTS {\na cmd=x at=2460\n}":                "2: a: at 2460 is no time such as 0400",
		"EVENTS {\na cmd=x at=400\n}":                 "2: a: at 400 is no time such as 0400",
		"EVENTS {\na cmd=x period=soon\n}":            "2: a: period soon is no number",
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	path := t.TempDir() + "/cyrus.conf"
	os.WriteFile(path, []byte("X {"), 0o600)
	if _, err := Read(path); err == nil || !strings.HasPrefix(err.Error(), path+":1: ") {
		t.Errorf("of a file: %v", err)
	}
}

func TestNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.FixedZone("CET", 3600) // without data of zones the dates below are less hard
	}
	at := func(text string) time.Time {
		tm, err := time.ParseInLocation("2006-01-02 15:04:05", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return tm
	}
	daily := Event{At: 4 * 60}
	for after, want := range map[string]string{
		"2004-01-31 03:59:59": "2004-01-31 04:00:00",
		"2004-01-31 04:00:00": "2004-02-01 04:00:00",
		"2004-03-27 12:00:00": "2004-03-28 04:00:00", // a day of 23 hours
		"2004-10-30 04:00:00": "2004-10-31 04:00:00", // one of 25
	} {
		if got := daily.Next(at(after)); !got.Equal(at(want)) {
			t.Errorf("after %s: %v, want %s", after, got, want)
		}
	}
	often := Event{At: -1, Period: 30 * time.Minute}
	if got := often.Next(at("2004-01-31 03:59:59")); !got.Equal(at("2004-01-31 04:29:59")) {
		t.Errorf("by period: %v", got)
	}
}

func FuzzParse(f *testing.F) {
	normal, err := os.ReadFile("testdata/normal.conf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(normal))
	f.Add("SERVICES{\na cmd=\"x\" listen=[::1]:1 proto=udp\n}\nDAEMON {\nb cmd=y\n}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if (err == nil) != (c != nil) {
			t.Fatal("half a result")
		}
		if err != nil {
			return
		}
		for _, s := range c.Services {
			if s.Name == "" || len(s.Cmd) == 0 {
				t.Errorf("%+v", s)
			}
		}
		for _, e := range c.Events {
			if e.Period < 0 || e.At < -1 || e.At >= 24*60 {
				t.Errorf("%+v", e)
			}
		}
	})
}
