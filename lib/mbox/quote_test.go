package mbox

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestFrom(t *testing.T) {
	when := time.Date(2024, time.March, 5, 4, 3, 2, 0, time.FixedZone("", 3600))
	for _, row := range []struct{ sender, want string }{
		{"joe@a.example", "From joe@a.example Tue Mar 05 03:03:02 2024\n"},
		{"MAILER-DAEMON", "From MAILER-DAEMON Tue Mar 05 03:03:02 2024\n"},
		{"a b\tc\nd@x", "From a-b-c-d@x Tue Mar 05 03:03:02 2024\n"},
		{"From me", "From From-me Tue Mar 05 03:03:02 2024\n"},
		{"#@[]", "From #@[] Tue Mar 05 03:03:02 2024\n"},
	} {
		if got := From(row.sender, when); got != row.want {
			t.Errorf("From(%q) = %q, want %q", row.sender, got, row.want)
		}
	}
}

// quote copies message through a Quoter, in parts of at most size bytes.
func quote(t *testing.T, message string, size int) string {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	q := NewQuoter(w)
	for rest := message; rest != ""; {
		n := min(size, len(rest))
		if written, err := q.Write([]byte(rest[:n])); written != n || err != nil {
			t.Fatalf("Write: %d, %v", written, err)
		}
		rest = rest[n:]
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	return out.String()
}

func TestQuoter(t *testing.T) {
	for _, row := range []struct{ name, message, want string }{
		{"plain", "Subject: x\n\nhello\n", "Subject: x\n\nhello\n\n"},
		{"nothing", "", "\n"},
		{"no newline at the end", "a", "a\n\n"},
		{"From", "From me\n", ">From me\n\n"},
		{"quoted before", ">From me\n>>From me\n", ">>From me\n>>>From me\n\n"},
		{"not at the start of the line", " From me\nxFrom me\n> From me\n", " From me\nxFrom me\n> From me\n\n"},
		{"case and blank count", "from me\nFROM me\nFrom\tme\nFrom:\nFrom\n", "from me\nFROM me\nFrom\tme\nFrom:\nFrom\n\n"},
		{"ends within it", "x\n>Fro", "x\n>Fro\n\n"},
		{"ends behind it", "x\n>From ", "x\n>>From \n\n"},
		{"starts twice", "FFrom x\nFrFrom x\n>F>From x\n", "FFrom x\nFrFrom x\n>F>From x\n\n"},
		{"CR before LF", "From me\r\n\r\nFrom you\r\n", ">From me\r\n\r\n>From you\r\n\n"},
		{"NUL", "\x00\nFrom \x00", "\x00\n>From \x00\n\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, len(row.message) + 1} {
				if got := quote(t, row.message, size); got != row.want {
					t.Errorf("in parts of %d: got %q, want %q", size, got, row.want)
				}
			}
		})
	}
}

func TestQuoterKeepsWriteError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no device that is always full:", err)
	}
	defer full.Close()
	q := NewQuoter(bufio.NewWriterSize(full, 16))
	if _, err := q.Write([]byte(strings.Repeat("line\n", 100))); err == nil {
		t.Error("Write: no error")
	}
	if err := q.Close(); err == nil {
		t.Error("Close: no error")
	}
}

// unquote reads the message back as a mail reader would.
func unquote(s string) string {
	lines := strings.SplitAfter(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
			lines[i] = line[1:]
		}
	}
	return strings.Join(lines, "")
}

// FuzzQuoter: no line of a message starts a new one, and the message can be
// had back, whatever the parts in which it came.
func FuzzQuoter(f *testing.F) {
	f.Add("From me\n>From you\nFro", 3)
	f.Add("\n\n>>>\n", 1)
	f.Fuzz(func(t *testing.T, message string, size int) {
		got := quote(t, message, max(1, size))
		if strings.HasPrefix(got, "From ") || strings.Contains(got, "\nFrom ") {
			t.Errorf("%q has a line that starts a message", got)
		}
		want := message
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if back, ok := strings.CutSuffix(unquote(got), "\n"); !ok || back != want {
			t.Errorf("%q came back as %q", message, back)
		}
	})
}
