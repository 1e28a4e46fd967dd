package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// home makes a system without a queue.
func home(t *testing.T) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
}

// stats runs the program over a log, and returns its exit code and what it wrote.
func stats(t *testing.T, log string, args ...string) (code int, out, complaints string) {
	t.Helper()
	dir := t.TempDir()
	files := map[int]*os.File{}
	for fd, text := range []string{log, "", ""} {
		path := filepath.Join(dir, fmt.Sprint(fd))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[fd] = f
	}
	code = run(call.New(append([]string{"qmail-stats"}, args...), nil, files))
	return code, read(t, dir+"/1"), read(t, dir+"/2")
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var began = time.Now().Unix()

// at is a line as multilog writes it, n seconds before the tests began.
func at(n int, text string) string {
	return fmt.Sprintf("@%016x%08x %s\n", 1<<62+10+began-int64(n), 5, text)
}

// value is the value of a metric.
func value(metrics, name string) string {
	for line := range strings.Lines(metrics) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return "none"
}

func want(t *testing.T, metrics string, values map[string]string) {
	t.Helper()
	for name, want := range values {
		if got := value(metrics, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

const someSecond = 30

// A log of a message with two recipients, and a bounce.
func someLog() string {
	return at(someSecond, "new msg 1") + at(29, "info msg 1: bytes 500 from <a@b> qp 7 uid 1") +
		at(28, "starting delivery 1: msg 1 to local x@y") + at(28, "starting delivery 2: msg 1 to remote z@w") +
		at(28, "status: local 1/10 remote 1/20") +
		at(27, "delivery 1: failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/") + at(27, "status: local 0/10 remote 1/20") +
		at(26, "delivery 2: success: 1.2.3.4_accepted_message./") + at(26, "bounce msg 1 qp 9") + at(26, "end msg 1") +
		at(25, "new msg 2") + "some other program's\n"
}

func TestCounts(t *testing.T) {
	home(t)
	dir := t.TempDir()
	if code, _, complaints := stats(t, someLog(), "-o", dir+"/m"); code != 0 || complaints != "" {
		t.Fatal(code, complaints)
	}
	want(t, read(t, dir+"/m"), map[string]string{
		"qmail_queue_messages":                                                          "1",
		"qmail_queue_unprocessed_messages":                                              "none",
		"qmail_messages_total":                                                          "2",
		"qmail_message_bytes_total":                                                     "500",
		"qmail_messages_ended_total":                                                    "1",
		"qmail_bounces_total":                                                           "1",
		`qmail_deliveries_started_total{channel="local"}`:                               "1",
		`qmail_deliveries_total{channel="local",result="failure"}`:                      "1",
		`qmail_deliveries_total{channel="remote",result="success"}`:                     "1",
		`qmail_deliveries_total{channel="remote",result="failure"}`:                     "0",
		`qmail_delivery_reasons_total{channel="local",result="failure",reason="5.1.1"}`: "1",
		`qmail_deliveries_running{channel="remote"}`:                                    "1",
		`qmail_deliveries_limit{channel="remote"}`:                                      "20",
		`qmail_delivery_seconds_bucket{channel="remote",le="1"}`:                        "0",
		`qmail_delivery_seconds_bucket{channel="remote",le="10"}`:                       "1",
		`qmail_delivery_seconds_sum{channel="remote"}`:                                  "2",
		"qmail_message_seconds_count":                                                   "1",
		"qmail_log_lines_total":                                                         "12",
		"qmail_log_lines_unknown_total":                                                 "1",
	})
}

// After a restart, what was counted stays and does not count again, and what a
// delivery was is remembered.
func TestRestart(t *testing.T) {
	home(t)
	dir := t.TempDir()
	log := someLog() + at(20, "starting delivery 3: msg 2 to remote a@b")
	all := log + at(20, "starting delivery 4: msg 2 to remote c@d") + at(19, "delivery 3: deferral: x/") + at(18, "end msg 2")
	for _, log := range []string{log, log, all, all} {
		if code, _, complaints := stats(t, log, "-s", dir+"/s", "-o", dir+"/m"); code != 0 || complaints != "" {
			t.Fatal(code, complaints)
		}
	}
	want(t, read(t, dir+"/m"), map[string]string{
		"qmail_messages_total":                                       "2",
		"qmail_messages_ended_total":                                 "2",
		"qmail_queue_messages":                                       "0",
		`qmail_deliveries_started_total{channel="remote"}`:           "3",
		`qmail_deliveries_total{channel="remote",result="deferral"}`: "1",
		"qmail_message_seconds_count":                                "2",
	})
}

// Where a log goes on with the time at which it left off, what is new counts.
func TestSameTime(t *testing.T) {
	home(t)
	dir := t.TempDir()
	for _, log := range []string{at(9, "new msg 1") + at(9, "new msg 1"), at(9, "new msg 2"), at(9, "new msg 1") + at(9, "new msg 1") + at(9, "new msg 1")} {
		stats(t, log, "-s", dir+"/s", "-o", dir+"/m")
	}
	want(t, read(t, dir+"/m"), map[string]string{"qmail_messages_total": "4"})
}

// The clock may be set back while the program runs, but not what it counts.
func TestClockSetBack(t *testing.T) {
	home(t)
	dir := t.TempDir()
	stats(t, at(10, "new msg 1")+at(500, "new msg 2")+at(499, "end msg 1"), "-s", dir+"/s", "-o", dir+"/m")
	want(t, read(t, dir+"/m"), map[string]string{"qmail_messages_total": "2", "qmail_messages_ended_total": "1"})
}

func TestBrokenState(t *testing.T) {
	home(t)
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/s", []byte(`{"New":5`), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, complaints := stats(t, at(1, "new msg 1"), "-s", dir+"/s", "-o", dir+"/m")
	if code != 0 || !strings.Contains(complaints, "makes no sense") {
		t.Error(code, complaints)
	}
	want(t, read(t, dir+"/m"), map[string]string{"qmail_messages_total": "1"})
	if got := read(t, dir+"/s.bad"); got != `{"New":5` {
		t.Errorf("put aside: %q", got)
	}
}

// A state that says null, or little, is still one to go on with.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"New":5,"Messages":null,"Last":{"send":{"At":"2026-01-02T12:00:00Z","Lines":[1]}},"Minutes":{"Slots":[null]}}`))
	f.Add(newCounters().save())
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"new msg 1", "starting delivery 1: msg 1 to local a", "delivery 1: failure: x/", "double bounce: discarding bounce/1", "end msg 1"} {
			l, _ := parse(text, noon)
			newCatchUp(c).counted(l)
			c.passed(l)
			c.count(l, noon)
		}
		c.metrics(queueSize{})
		c.page(queueSize{}, noon)
		c.save()
	})
}

func TestCopies(t *testing.T) {
	home(t)
	log := "new msg 1\n" + strings.Repeat("x", 3*maxLine) + "\nend msg 1\nno newline"
	dir := t.TempDir()
	code, out, complaints := stats(t, log, "-c", "-o", dir+"/m")
	if code != 0 || out != log || complaints != "" {
		t.Errorf("%d, %d bytes of %d, %q", code, len(out), len(log), complaints)
	}
	want(t, read(t, dir+"/m"), map[string]string{"qmail_log_lines_total": "4", "qmail_messages_ended_total": "1"})
}

func TestWrongCalls(t *testing.T) {
	home(t)
	for _, args := range [][]string{{"-x"}, {"-i", "0"}, {"-i", "x"}, {"-s"}, {"more"}} {
		if code, _, complaints := stats(t, "", args...); code != 100 || complaints != usage {
			t.Errorf("%v: %d %q", args, code, complaints)
		}
	}
	for _, args := range [][]string{{"-s", "/"}, {"-o", "/nonexistent/m"}, {"-w", "/nonexistent/m"}, {"-u", "/nonexistent/u"}} {
		if code, _, complaints := stats(t, "", args...); code != 111 || !strings.HasPrefix(complaints, "qmail-stats: fatal: unable to ") {
			t.Errorf("%v: %d %q", args, code, complaints)
		}
	}
}

// Prometheus, or socat, asks on the socket while the log goes on.
func TestSocket(t *testing.T) {
	home(t)
	dir, err := os.MkdirTemp("", "stats") // a path that fits a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	stale, err := net.Listen("unix", dir+"/u")
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	k := &keeper{options: options{socket: dir + "/u"}, counters: newCounters(), catchUp: catchUp{}}
	stop, err := k.serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	k.line("new msg 1\n")
	for _, ask := range []string{"GET /metrics HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"} {
		conn, err := net.Dial("unix", dir+"/u")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, ask)
		answer, err := io.ReadAll(bufio.NewReader(conn))
		conn.Close()
		if err != nil || !strings.Contains(string(answer), " 200 OK\r\n") || !strings.Contains(string(answer), "\nqmail_messages_total 1\n") {
			t.Errorf("%q: %v\n%s", ask, err, answer)
		}
	}
}

// A log with ever new reasons, events and messages does not make the program grow.
func TestBounded(t *testing.T) {
	c := newCounters()
	letters := "abcdefghijklmnopqrstuvwxyz"
	for i := range 5000 {
		word := string([]byte{letters[i%26], letters[i/26%26], letters[i/676%26]})
		for _, text := range []string{
			fmt.Sprintf("starting delivery %d: msg %d to local x", i, i),
			fmt.Sprintf("delivery %d: failure: %s/", i, word),
			"qmail-scan: pid 1 " + word + " x",
		} {
			l, ok := parse(text, noon)
			if !ok {
				t.Fatal(text)
			}
			c.count(l, noon.Add(time.Duration(i)*time.Hour))
		}
	}
	if len(c.Reasons) > maxReasons+2*len(channels) || len(c.Events) > maxEvents+2 || len(c.Hours.Slots) > 24 || len(c.Minutes.Slots) > 60 {
		t.Error(len(c.Reasons), len(c.Events), len(c.Hours.Slots), len(c.Minutes.Slots))
	}
	if n := c.Reasons["failure local other"]; n != 5000-maxReasons {
		t.Errorf("other: %d", n)
	}
}

// The queue itself is counted where it can be.
func TestQueue(t *testing.T) {
	home(t)
	for _, kind := range []string{"mess", "info", "local", "remote"} {
		for i := range auto.Split() {
			os.MkdirAll(fmt.Sprintf("%s/queue/%s/%d", auto.Home, kind, i), 0o755)
		}
	}
	os.MkdirAll(auto.Home+"/queue/todo", 0o755)
	for _, name := range []string{"mess/1/1", "mess/2/2", "mess/2/stray", "todo/2"} {
		os.WriteFile(auto.Home+"/queue/"+name, nil, 0o644)
	}
	dir := t.TempDir()
	stats(t, "", "-o", dir+"/m", "-w", dir+"/w")
	want(t, read(t, dir+"/m"), map[string]string{"qmail_queue_messages": "2", "qmail_queue_unprocessed_messages": "1"})
	if page := read(t, dir+"/w"); !strings.Contains(page, "<dd>2<small>1 not yet looked at") {
		t.Error(page)
	}
}

// What comes from outside is text on the page, and the page needs nothing else.
func TestPage(t *testing.T) {
	home(t)
	os.Mkdir(auto.Home+"/control", 0o755)
	os.WriteFile(auto.Home+"/control/me", []byte("<script>&\"'\n"), 0o644)
	dir := t.TempDir()
	log := someLog() + at(9, "starting delivery 9: msg 2 to local x") + at(8, `delivery 9: deferral: <script>alert("x")</script>&"'--><!--`) +
		at(7, `delivery 7: failure: a&b_"c"_'d'/`) + at(2, "qmail-smtpd[7]: CHKUSER rejected rcpt: from <a:> remote <:h:1.2.3.4> rcpt <b> : 550 x")
	stats(t, log, "-w", dir+"/w", "-o", dir+"/m")
	page := read(t, dir+"/w")
	for _, bad := range []string{"<script", "src=", "href=", "http:", "https:", "url(", "@import"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, good := range []string{
		"Mail on &lt;script&gt;&amp;&#34;&#39;", "a&amp;b &#34;c&#34; &#39;d&#39;", "5.1.1 <span class=\"soft\">no such mailbox</span></th><td>local failure",
		"2 new messages. Deliveries: 1 successes, 1 deferrals, 2 failures.", "<td>rejected rcpt</td>",
	} {
		if !strings.Contains(page, good) {
			t.Errorf("the page lacks %s", good)
		}
	}
	want(t, read(t, dir+"/m"), map[string]string{
		`qmail_delivery_reasons_total{channel="unknown",result="failure",reason="a&b \"c\" 'd'"}`: "1",
		"qmail_send_running":                              "1",
		`qmail_smtpd_events_total{event="rejected_rcpt"}`: "1",
	})
}

// The text is what Prometheus reads: a type before its samples, each sample once.
func TestFormat(t *testing.T) {
	home(t)
	dir := t.TempDir()
	stats(t, someLog()+at(2, "qmail-smtpd[7]: CHKUSER rejected rcpt: from <a:>")+at(1, "qmail-scan: pid 1 clean: x"), "-o", dir+"/m")
	sample := regexp.MustCompile(`^([a-z_]+)(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.e+-]+$`)
	kind, family, seen := "", "", map[string]bool{}
	for line := range strings.Lines(read(t, dir+"/m")) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, kind, _ = strings.Cut(rest, " ")
			if seen["# "+family] {
				t.Errorf("%s twice", family)
			}
			seen["# "+family] = true
			if kind == "counter" != strings.HasSuffix(family, "_total") {
				t.Errorf("%s is a %s", family, kind)
			}
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		part := sample.FindStringSubmatch(line)
		if part == nil {
			t.Errorf("%q is no sample", line)
			continue
		}
		name := part[1]
		if kind == "histogram" {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		}
		if series := line[:strings.LastIndexByte(line, ' ')]; name != family || seen[series] {
			t.Errorf("%q stands below %s, or is there twice", line, family)
		} else {
			seen[series] = true
		}
	}
	if len(seen) < 60 {
		t.Errorf("%d families and series", len(seen))
	}
}

// An alert of the last day, and the end of qmail-send, stand on top of the page.
func TestTrouble(t *testing.T) {
	home(t)
	dir := t.TempDir()
	log := at(9, "new msg 1") + at(8, "alert: oh no! lost <spawn> connection! dying...") + at(7, "status: exiting")
	stats(t, log, "-s", dir+"/s", "-w", dir+"/w", "-o", dir+"/m")
	for _, want := range []string{": oh no! lost &lt;spawn&gt; connection! dying...</p>", "<p class=\"trouble\">qmail-send ended on "} {
		if page := read(t, dir+"/w"); !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	want(t, read(t, dir+"/m"), map[string]string{"qmail_send_running": "0", "qmail_alerts_total": "1"})
	stats(t, log+at(6, "status: local 0/10 remote 0/20"), "-s", dir+"/s", "-o", dir+"/m")
	want(t, read(t, dir+"/m"), map[string]string{"qmail_send_running": "1", "qmail_alerts_total": "1"})
}
