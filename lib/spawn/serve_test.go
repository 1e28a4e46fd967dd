package spawn

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
)

// home makes a home with message 7/2345 in its queue.
func home(t *testing.T) {
	t.Helper()
	old := auto.Home
	auto.Home = t.TempDir()
	t.Cleanup(func() { auto.Home = old })
	if err := os.MkdirAll(auto.Home+"/queue/mess/7", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(auto.Home+"/queue/mess/7/2345", []byte("message\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// client is qmail-send's end of the pipes to a server.
type client struct {
	t       *testing.T
	to      *io.PipeWriter
	from    *io.PipeReader
	reports Reports
	done    chan struct{} // closed when Serve has returned
}

func serve(t *testing.T, deliver Deliver) *client {
	home(t)
	in, to := io.Pipe()
	from, out := io.Pipe()
	c := &client{t: t, to: to, from: from, done: make(chan struct{})}
	go func() {
		s := Server{Queue: os.Getuid(), Deliver: deliver}
		s.Serve(in, out)
		close(c.done)
	}()
	greeting := make([]byte, 1)
	if _, err := io.ReadFull(from, greeting); err != nil || int(greeting[0]) != auto.Spawn() {
		t.Fatalf("greeting %q, %v", greeting, err)
	}
	return c
}

func (c *client) send(requests ...Request) {
	c.t.Helper()
	var b []byte
	for _, r := range requests {
		b = AppendRequest(b, r)
	}
	if _, err := c.to.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// expect waits for one report.
func (c *client) expect(num int, report string) {
	c.t.Helper()
	for b, seen := make([]byte, 1), false; !seen; {
		if _, err := io.ReadFull(c.from, b); err != nil {
			c.t.Fatalf("waiting for report %d %q: %v", num, report, err)
		}
		c.reports.Parse(b, func(n int, r []byte) {
			seen = true
			if n != num || string(r) != report {
				c.t.Errorf("report %d %q, want %d %q", n, r, num, report)
			}
		})
	}
}

func (c *client) end() {
	c.to.Close()
	<-c.done
}

func good(num int, recipient string) Request {
	return Request{num, "7/2345", "joe@a.example", recipient}
}

func TestServe(t *testing.T) {
	c := serve(t, func(r Request, mess *os.File) string {
		defer mess.Close()
		text, _ := io.ReadAll(mess)
		return "K" + r.Sender + " to " + r.Recipient + ": " + string(text)
	})
	c.send(good(3, "john@b"))
	c.expect(3, "Kjoe@a.example to john@b: message\n")
	c.send(good(3, "ann@b")) // the number is free again
	c.expect(3, "Kjoe@a.example to ann@b: message\n")
	c.end()
}

func TestRefusals(t *testing.T) {
	c := serve(t, func(Request, *os.File) string { t.Error("delivered"); return "" })
	mess := auto.Home + "/queue/mess/"
	os.Mkdir(mess+"7/1", 0o755)
	syscall.Mkfifo(mess+"7/2", 0o644)
	for _, row := range []struct {
		num                     int
		mess, recipient, report string
	}{
		{auto.Spawn(), "x", "x", "ZInternal error: delnum too big. (#4.3.5)\n"},
		{255, "7/2345", "a@b", "ZInternal error: delnum too big. (#4.3.5)\n"},
		{0, "7/234x", "a", "DInternal error: messid has nonnumerics. (#5.3.5)\n"},
		{0, "/7/2345", "a@b", "DInternal error: messid has nonnumerics. (#5.3.5)\n"},
		{0, "7/../7/2345", "a@b", "DInternal error: messid has nonnumerics. (#5.3.5)\n"},
		{0, strings.Repeat("x", 200), "a@b", "DInternal error: messid has nonnumerics. (#5.3.5)\n"},
		{0, strings.Repeat("1", 100), "a", "DInternal error: messid too long. (#5.3.5)\n"},
		{0, strings.Repeat("1", 99), "a@b", "Zqmail-spawn unable to open message. (#4.3.0)\n"},
		{0, "", "a", "DInternal error: messid too short. (#5.3.5)\n"},
		{0, "7/9", "a", "DSorry, address must include host name. (#5.1.3)\n"},
		{0, "7/9", "a@b", "Zqmail-spawn unable to open message. (#4.3.0)\n"},
		{0, "7/1", "a@b", "ZSorry, message has wrong type. (#4.3.5)\n"},
		{0, "7/2", "a@b", "ZSorry, message has wrong type. (#4.3.5)\n"},
	} {
		c.send(Request{row.num, row.mess, "joe@a", row.recipient})
		c.expect(row.num, row.report)
	}
	c.end()
}

func TestWrongOwner(t *testing.T) {
	home(t)
	s := Server{Queue: os.Getuid() + 1}
	if mess, refusal := s.admit(good(0, "a@b")); mess != nil || refusal != "ZSorry, message has wrong owner. (#4.3.5)\n" {
		t.Errorf("%v, %q", mess, refusal)
	}
}

// All numbers can be in use at once, reports come as deliveries end, and a
// number in use is refused.
func TestManyAtOnce(t *testing.T) {
	release := make([]chan struct{}, auto.Spawn())
	for i := range release {
		release[i] = make(chan struct{})
	}
	c := serve(t, func(r Request, mess *os.File) string {
		mess.Close()
		<-release[r.Num]
		return "K"
	})
	var all []Request
	for i := range release {
		all = append(all, good(i, "a@b"))
	}
	c.send(all...)
	c.send(good(5, "a@b"))
	c.expect(5, "ZInternal error: delnum in use. (#4.3.5)\n")
	for _, i := range []int{5, 0, auto.Spawn() - 1} {
		close(release[i])
		c.expect(i, "K")
	}
	c.to.Close() // qmail-send is about to stop, and waits for the rest
	for i := range release {
		if i != 5 && i != 0 && i != auto.Spawn()-1 {
			close(release[i])
			c.expect(i, "K")
		}
	}
	<-c.done
}

// A reader that goes away does not stop deliveries, nor the way to the end.
func TestReaderGone(t *testing.T) {
	delivered := make(chan struct{}, 2)
	c := serve(t, func(r Request, mess *os.File) string {
		mess.Close()
		delivered <- struct{}{}
		return "K"
	})
	c.from.Close()
	c.send(good(1, "a@b"))
	<-delivered
	c.send(good(2, "a@b"))
	<-delivered
	c.end()
}

func TestReadError(t *testing.T) {
	s := Server{}
	_, out := io.Pipe()
	out.CloseWithError(errors.New("gone"))
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	s.Serve(dir, out) // returns
}

// A request that is not whole when the pipe ends is none.
func TestPartialRequest(t *testing.T) {
	c := serve(t, func(Request, *os.File) string { t.Error("delivered"); return "" })
	b := AppendRequest(nil, good(1, "a@b"))
	if _, err := c.to.Write(b[:len(b)-1]); err != nil {
		t.Fatal(err)
	}
	c.end()
}

// message opens something as a message.
func message(t *testing.T) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mess")
	if err := os.WriteFile(path, []byte("message\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
