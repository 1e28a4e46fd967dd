package spawn

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

func parseRequests(pieces ...[]byte) (list []Request) {
	var p Requests
	for _, piece := range pieces {
		p.Parse(piece, func(r Request) { list = append(list, r) })
	}
	return list
}

func TestRequests(t *testing.T) {
	want := []Request{
		{0, "7/2345", "joe@a.example", "john@b.example"},
		{255, "0/1", "", "@"},
		{0, "", "", ""}, // four NULs in a row are a request, of the number 0
		{10, "1/2", "a\n\xff", "b\x01"},
	}
	var stream []byte
	for _, r := range want {
		stream = AppendRequest(stream, r)
	}
	for _, size := range []int{1, 2, 7, len(stream)} {
		if got := parseRequests(slices.Collect(slices.Chunk(stream, size))...); !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: %+v, want %+v", size, got, want)
		}
	}
	if got := parseRequests(stream[:len(stream)-1]); !slices.Equal(got, want[:3]) {
		t.Errorf("without the last byte: %+v", got)
	}
}

func TestAddress(t *testing.T) {
	for recipient, want := range map[string][2]string{
		"john@b.example": {"john", "b.example"},
		"a@b@c":          {"a@b", "c"},
		"@":              {"", ""},
	} {
		if local, host := (Request{Recipient: recipient}).Address(); local != want[0] || host != want[1] {
			t.Errorf("%q: %q, %q, want %q", recipient, local, host, want)
		}
	}
}

func parseReports(pieces ...[]byte) (list []numbered) {
	var p Reports
	for _, piece := range pieces {
		p.Parse(piece, func(num int, report []byte) { list = append(list, numbered{num, string(report)}) })
	}
	return list
}

func TestReports(t *testing.T) {
	want := []numbered{{0, "Kdid 1+0+0\n"}, {255, "D"}, {0, ""}, {7, "Z\xff\n"}}
	var stream []byte
	for _, r := range want {
		stream = AppendReport(stream, r.num, r.report)
	}
	for _, size := range []int{1, 3, len(stream)} {
		if got := parseReports(slices.Collect(slices.Chunk(stream, size))...); !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: %+v, want %+v", size, got, want)
		}
	}
}

// What a spawn is stopped in the middle of is no report.
func TestReportCut(t *testing.T) {
	stream := AppendReport(AppendReport(nil, 1, "Kdone"), 2, "Kdone as well")
	if got := parseReports(stream[:len(stream)-1]); !slices.Equal(got, []numbered{{1, "Kdone"}}) {
		t.Errorf("%+v", got)
	}
}

func TestReportNul(t *testing.T) {
	if got := AppendReport(nil, 1, "Dbefore\x00after"); string(got) != "\x01Dbefore\x00" {
		t.Errorf("%q", got)
	}
}

func TestReportLong(t *testing.T) {
	got := parseReports(AppendReport(AppendReport(nil, 1, "K"+strings.Repeat("x", 50000)), 2, "Z"))
	if len(got) != 2 || len(got[0].report) != ReportMax-1 || got[1] != (numbered{2, "Z"}) {
		t.Errorf("%d reports, the first of %d bytes", len(got), len(got[0].report))
	}
}

// FuzzRequests asserts that it does not matter how a stream is cut into
// pieces, and that what was parsed prints back to itself.
func FuzzRequests(f *testing.F) {
	f.Add([]byte("\x017/2345\x00joe@a\x00john@b\x00\x02"), 3)
	f.Add([]byte("\x00\x00\x00\x00\x00"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole := parseRequests(stream)
		if cut := parseRequests(slices.Collect(slices.Chunk(stream, max(1, size)))...); !slices.Equal(cut, whole) {
			t.Errorf("%q in pieces of %d: %+v, whole %+v", stream, size, cut, whole)
		}
		var again []byte
		for _, r := range whole {
			again = AppendRequest(again, r)
		}
		if !bytes.HasPrefix(stream, again) {
			t.Errorf("%q prints as %q", stream, again)
		}
	})
}

// FuzzReports asserts the same of reports, as long as they are short.
func FuzzReports(f *testing.F) {
	f.Add([]byte("\x01Kdone\x00\x00D\x00\x00\x00"), 2)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole := parseReports(stream)
		if cut := parseReports(slices.Collect(slices.Chunk(stream, max(1, size)))...); !slices.Equal(cut, whole) {
			t.Errorf("%q in pieces of %d: %+v, whole %+v", stream, size, cut, whole)
		}
		var again []byte
		for _, r := range whole {
			again = AppendReport(again, r.num, r.report)
		}
		if len(stream) <= ReportMax && !bytes.HasPrefix(stream, again) {
			t.Errorf("%q prints as %q", stream, again)
		}
	})
}

// Where more than 255 deliveries are built in, numbers have two bytes.
func TestWide(t *testing.T) {
	const wide = width(2)
	numbers := []int{0, 1, 255, 256, 257, 299, 65535}
	var requests, reports []byte
	for _, n := range numbers {
		requests = wide.appendRequest(requests, Request{Num: n, Mess: "7/2345", Sender: "", Recipient: "@"})
		reports = wide.appendReport(reports, n, "K")
	}
	for _, size := range []int{1, 3, len(requests)} {
		asked, told := Requests{width: wide}, Reports{width: wide}
		var got, answered []int
		for piece := range slices.Chunk(requests, size) {
			asked.Parse(piece, func(r Request) {
				got = append(got, r.Num)
				if r.Mess != "7/2345" || r.Sender != "" || r.Recipient != "@" {
					t.Errorf("got %+v", r)
				}
			})
		}
		for piece := range slices.Chunk(reports, size) {
			told.Parse(piece, func(n int, report []byte) {
				answered = append(answered, n)
				if string(report) != "K" {
					t.Errorf("%d: got %q", n, report)
				}
			})
		}
		if !slices.Equal(got, numbers) || !slices.Equal(answered, numbers) {
			t.Errorf("in pieces of %d: %v, %v", size, got, answered)
		}
	}
}

func TestGreeting(t *testing.T) {
	for _, c := range []struct {
		width    width
		greeting string
		limit    int
		err      error
	}{
		{1, "\x78", 120, nil},
		{1, "\x2c\x01", 0, ErrMixed},
		{1, "", 0, io.EOF},
		{2, "\x2c\x01", 300, nil},
		{2, "\x00\x01", 256, nil},
		{2, "\x2c\x01\x00", 0, ErrMixed},
		{2, "\x78", 0, io.EOF},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		w.WriteString(c.greeting)
		w.Close()
		limit, err := c.width.readGreeting(r)
		if limit != c.limit || !errors.Is(err, c.err) {
			t.Errorf("%d, %q: got %d, %v", c.width, c.greeting, limit, err)
		}
		r.Close()
	}
}
