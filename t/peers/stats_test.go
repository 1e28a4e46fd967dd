//go:build linux

package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// qmail-stats tells of what a real qmail-send did, while it does, across a restart and
// alike from what multilog and syslog keep; a browser shows its page.
func TestStatistics(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "multilog daemontools", "smtp-sink postfix", "chromium chromium")
	m.control("smtproutes", "takes.example:[127.0.0.2]\nrefuses.example:[127.0.0.3]\n")
	m.background("sink2", nil, "smtp-sink", "-u", "nobody", "127.0.0.2:25", "9")
	m.background("sink3", nil, "smtp-sink", "-u", "nobody", "-B", "550 5.7.1 not from you", "-f", "RCPT", "127.0.0.3:25", "9")
	m.awaitPort("127.0.0.2:25")
	m.awaitPort("127.0.0.3:25")
	m.write("/home/dirk/.qmail", "|echo '<b>not</b> today'; exit 111\n", "dirk")
	m.in(func() error { return os.Mkdir("/var/log/qmail", 0o755) })
	m.run("root", "", "chown", "qmaill", "/var/log/qmail")
	m.background("rc", nil, "qmail-start", "./Maildir/", "multilog", "t", "s1000000", "/var/log/qmail")
	m.await("a log", func() bool { return strings.Contains(m.read("/var/log/qmail/current"), "status: ") })
	m.run("root", "", "mkdir", "-m", "777", "/tmp/stats")

	metric := func(name string) string {
		for line := range strings.Lines(m.read("/tmp/stats/qmail.prom")) {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				return strings.TrimSpace(value)
			}
		}
		return "none"
	}
	begin := func() {
		m.background("stats", nil, "setuidgid", "qmaill", "sh", "-c", "echo $$ >/tmp/stats/pid; tail -qn +1 -F /var/log/qmail/current | "+
			"{ qmail-stats -i 1 -s /tmp/stats/state -o /tmp/stats/qmail.prom -w /tmp/stats/qmail.html -u /tmp/stats/socket; echo $? >/tmp/stats/code; }")
	}
	begin()
	m.send("john", "to two", "susie@"+site.Me, "susie@takes.example")
	m.await("that to be counted", func() bool { return metric("qmail_messages_ended_total") == "1" })
	m.run("root", "", "pkill", "-TERM", "-x", "qmail-stats")
	m.await("it to end", func() bool { return m.read("/tmp/stats/code") == "0\n" })

	// What happens meanwhile counts as well, and the rest but once.
	m.send("john", "to nobody", "nobody-of-that-name@"+site.Me, "x@refuses.example")
	m.awaitMail("john", "Hi. This is the qmail-send program")
	m.send("olaf", "later", "dirk@"+site.Me)
	m.await("the log of it", func() bool {
		log := m.read("/var/log/qmail/current")
		return strings.Contains(log, ": deferral: ") && strings.Count(log, " end msg ") == 3
	})
	begin()
	want := map[string]string{
		"qmail_queue_messages":                                                               "1",
		"qmail_messages_total":                                                               "4", // one is a bounce
		"qmail_messages_ended_total":                                                         "3",
		"qmail_message_seconds_count":                                                        "3",
		"qmail_bounces_total":                                                                "1",
		`qmail_deliveries_started_total{channel="local"}`:                                    "4",
		`qmail_deliveries_started_total{channel="remote"}`:                                   "2",
		`qmail_deliveries_total{channel="local",result="success"}`:                           "2",
		`qmail_deliveries_total{channel="remote",result="success"}`:                          "1",
		`qmail_deliveries_total{channel="local",result="failure"}`:                           "1",
		`qmail_delivery_reasons_total{channel="local",result="failure",reason="5.1.1"}`:      "1",
		`qmail_delivery_reasons_total{channel="remote",result="failure",reason="5.7.1"}`:     "1",
		`qmail_delivery_reasons_total{channel="local",result="deferral",reason="* * today"}`: "1",
		`qmail_deliveries_running{channel="remote"}`:                                         "0",
		"qmail_log_lines_unknown_total":                                                      "0",
	}
	m.await("the rest to be counted", func() bool { return metric("qmail_log_lines_total") == lines(m.read("/var/log/qmail/current")) })
	for name, value := range want {
		if got := metric(name); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
	t.Run("syslog", func(t *testing.T) {
		m.syslog("sed 's/^@[^ ]* //' /var/log/qmail/current | splogger qmail")
		m.run("root", "", "sh", "-c", "qmail-stats -o /tmp/stats/qmail.prom </var/log/mail.log")
		for name, value := range want {
			if got := metric(name); got != value {
				t.Errorf("%s is %s, want %s", name, got, value)
			}
		}
	})
	t.Run("browser", func(t *testing.T) {
		shown := browse(t, m.read("/tmp/stats/qmail.html"))
		wants(t, "the page", shown, "<h1>Mail on "+site.Me+"</h1>", "<dt>In the queue</dt><dd>1<small>by the log</small>",
			"4 new messages. Deliveries: 3 successes, 1 deferrals, 2 failures.", "* * today</th><td>local deferral</td>",
			"5.7.1 <span class=\"soft\">refused by policy</span></th><td>remote failure</td>", "</rect>")
	})
}

// lines is how many there are.
func lines(text string) string { return strconv.Itoa(strings.Count(text, "\n")) }

// browse has a browser show a page, with a profile of its own, and returns what it made
// of it. A picture of it, at 320 pixels' width, must not be empty.
func browse(t *testing.T, page string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	// A browser may be seen off by its last processes.
	t.Cleanup(func() { lab.Await(t, "its files to be gone", func() bool { return os.RemoveAll(dir) == nil }) })
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	out := ""
	for i, action := range []string{"--dump-dom", "--screenshot=" + dir + "/page.png"} {
		cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
			"--window-size=320,1200", "--user-data-dir="+filepath.Join(dir, "profile"+strconv.Itoa(i)), action, "file://"+file)
		var complaints strings.Builder
		cmd.Stderr = &complaints
		got, err := cmd.Output()
		if err != nil {
			t.Fatalf("chromium: %v\n%s", err, complaints.String())
		}
		out += string(got)
	}
	if st, err := os.Stat(dir + "/page.png"); err != nil || st.Size() < 5000 {
		t.Errorf("no picture: %v", err)
	}
	return out
}
