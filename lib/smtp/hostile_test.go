package smtp

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/qmail"
)

// repeated is a text of n bytes, a block again and again.
type repeated struct {
	block string
	n     int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n = copy(p[:min(len(p), r.n)], r.block)
	r.n -= n
	return n, nil
}

// stream is talk with a client that says more than one wants to have at once. It
// returns how much memory that took as well.
func stream(t *testing.T, input io.Reader) (output string, used uint64) {
	t.Helper()
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer outR.Close()
	go func() {
		io.Copy(struct{ io.Writer }{inW}, input) // as it comes: a pipe would be asked for a file
		inW.Close()
	}()
	said := make(chan string)
	go func() {
		data, _ := io.ReadAll(outR)
		said <- string(data)
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Serve(call.New([]string{"qmail-smtpd"}, nil, map[int]*os.File{0: inR, 1: outW, 2: outW}), qmail.Open)
	runtime.ReadMemStats(&after)
	outW.Close()
	return <-said, after.TotalAlloc - before.TotalAlloc
}

// A line of 100 MB passes through little memory, with NULs and bare CRs in it.
func TestHugeLine(t *testing.T) {
	const size = 100 << 20
	home(t, map[string]string{"me": "me"})
	write(t, "bin/qmail-queue", "#!/bin/sh\nwc -c >size && cat <&1 >envelope\n")
	block := strings.Repeat("x\x00\r\rDATA\r.\rQUIT", 100)
	output, used := stream(t, io.MultiReader(
		strings.NewReader("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"), &repeated{block, size}, strings.NewReader("\r\n.\r\nQUIT\r\n")))
	output = accepted.ReplaceAllString(output, "QUEUED\r\n")
	if want := lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me"); output != want {
		t.Errorf("got %q", output)
	}
	if used > 4<<20 {
		t.Errorf("took %d bytes of memory", used)
	}
	got, _ := os.ReadFile(filepath.Join(auto.Home, "size"))
	if len(strings.TrimSpace(string(got))) != len("104857600") {
		t.Errorf("queued %s bytes", got)
	}
}

// A command that does not end is not waited for.
func TestEndlessCommand(t *testing.T) {
	home(t, map[string]string{"me": "me"})
	for _, block := range []string{"MAIL FROM:<", "\x00", " ", "\r"} {
		output, used := stream(t, &repeated{strings.Repeat(block, 4096), 100 << 20})
		if want := lines("220 me ESMTP", replyMemory); output != want {
			t.Errorf("%q: got %q", block, output)
		}
		if used > 8<<20 {
			t.Errorf("%q took %d bytes of memory", block, used)
		}
	}
}

// A client that does not wait for replies gets them in as few pieces as possible
// (RFC 2920, section 3.2), but all there are before it is waited for.
func TestPipelining(t *testing.T) {
	home(t, map[string]string{"me": "me"})
	client := func(kind int) (near, far *os.File) {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
		if err != nil {
			t.Fatal(err)
		}
		near, far = os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
		t.Cleanup(func() { near.Close(); far.Close() })
		return near, far
	}
	in, inFar := client(syscall.SOCK_STREAM)
	out, outFar := client(syscall.SOCK_SEQPACKET) // keeps writes apart
	done := make(chan int)
	go func() {
		done <- Serve(call.New([]string{"qmail-smtpd"}, nil, map[int]*os.File{0: in, 1: out, 2: out}), qmail.Open)
	}()
	for _, step := range []struct{ said, want string }{
		{"", lines("220 me ESMTP")},
		{lines("EHLO x", "MAIL FROM:<a>", "RCPT TO:<b>", "RCPT TO:<c>", "DATA"),
			lines("250-me", "250-PIPELINING", "250 8BITMIME", "250 ok", "250 ok", "250 ok", "354 go ahead")},
		{lines("text", ".", "NOOP", "MAIL FROM:<a>", "RCPT TO:<b>", "DATA", "text", ".", "QUIT"),
			lines("QUEUED", "250 ok", "250 ok", "250 ok", "354 go ahead", "QUEUED", "221 me")},
	} {
		io.WriteString(inFar, step.said)
		buf := make([]byte, 4096)
		n, err := outFar.Read(buf)
		if got := accepted.ReplaceAllString(string(buf[:n]), "QUEUED\r\n"); got != step.want || err != nil {
			t.Errorf("got %q, %v\nwant %q", got, err, step.want)
		}
	}
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Whatever others may take for the end of a message, commands behind it are text
// or the end of the dialogue.
func TestSmuggling(t *testing.T) {
	const hidden = "MAIL FROM:<evil>\r\nRCPT TO:<victim>\r\nDATA\r\nhidden\r\n.\r\n"
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\r\n.\r\r\n", "\n.\r", "\r.\n"} {
		home(t, map[string]string{"me": "me"})
		output, _ := talk(t, nil, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\ntext"+end+hidden+"QUIT\r\n")
		output = accepted.ReplaceAllString(output, "QUEUED\r\n")
		start := lines("220 me ESMTP", "250 ok", "250 ok", "354 go ahead")
		if output != start+lines("QUEUED", "221 me") && output != start+lines(replyBareLF) {
			t.Errorf("%q: got %q", end, output)
		}
		if mess := stored(t); strings.Contains(mess, "Fevil") || strings.Contains(output, "QUEUED") && !strings.Contains(mess, "DATA\nhidden\n") {
			t.Errorf("%q: stored %q", end, mess)
		}
	}
}
