package blast

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// decode feeds wire in pieces of the given size.
func decode(wire string, size int) (text, rest string, end bool, err error) {
	var d Decoder
	var dst []byte
	taken := 0
	for taken < len(wire) && !end && err == nil {
		var n int
		before := len(dst)
		piece := wire[taken:min(taken+size, len(wire))]
		dst, n, end, err = d.Decode(dst, []byte(piece))
		if len(dst)-before > len(piece)+2 {
			panic("text longer than promised")
		}
		taken += n
	}
	return string(dst), wire[taken:], end, err
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, wire, text, rest string }{
		{"empty", ".\r\nQUIT\r\n", "", "QUIT\r\n"},
		{"lines", "a\r\n\r\nb\r\n.\r\n", "a\n\nb\n", ""},
		{"dots", "..\r\n...\r\n.a\r\na.b.\r\n.\r\nx", ".\n..\na\na.b.\n", "x"},
		{"dot CR", ".\r.\r\n.\r\r\n.\r\n", ".\r.\n.\r\n", ""},
		{"dot CR x", ".\rx\r\n.\r\n", ".\rx\n", ""},
		{"bare CR", "\ra\r\rb\r\r\n\r.\r\n.\r\n", "\ra\r\rb\r\n\r.\n", ""},
		{"binary", "\x00\xff\r\n.\x00\r\n.\r\n", "\x00\xff\n\x00\n", ""},
	} {
		for _, size := range []int{1, 2, 3, 1000} {
			text, rest, end, err := decode(c.wire, size)
			if text != c.text || rest != c.rest || !end || err != nil {
				t.Errorf("%s, by %d: got %q, %q, %v, %v", c.name, size, text, rest, end, err)
			}
		}
	}
	for _, wire := range []string{"\n", "a\n", "\r\n\n", ".\n", "a\r\n.\n", "..\n", "a\r\nb\n.\n.\r\n"} {
		for _, size := range []int{1, 1000} {
			if _, rest, end, err := decode(wire, size); !errors.Is(err, ErrBareLF) || end || rest[0] != '\n' {
				t.Errorf("%q: got %q, %v, %v", wire, rest, end, err)
			}
		}
	}
	for _, wire := range []string{"", ".", ".\r", "a\r\n.\r", "a\r\n"} {
		if _, rest, end, err := decode(wire, 1000); end || err != nil || rest != "" {
			t.Errorf("%q: got %q, %v, %v", wire, rest, end, err)
		}
	}
}

func encode(text string, size int) (wire string, err error) {
	var b bytes.Buffer
	e := NewEncoder(&b, size)
	if _, err := e.Write([]byte(text)); err != nil {
		return "", err
	}
	err = e.End()
	return b.String(), err
}

func TestEncode(t *testing.T) {
	for _, c := range []struct{ text, wire string }{
		{"", ""},
		{"a\n\nb\n", "a\r\n\r\nb\r\n"},
		{".\n..\n.a\na.\n", "..\r\n...\r\n..a\r\na.\r\n"},
		{"a\r\nb\r\n", "a\r\nb\r\n"},
		{"\x00\xff\n", "\x00\xff\r\n"},
		{"a\rb\n", "a\r\nb\r\n"},
		{"a\r\rb\n", "a\r\n\rb\r\n"},
		{"a\r\r\rb\n", "a\r\n\r\r\nb\r\n"},
		{"a\r\r\n", "a\r\n\r\r\n"},
		{"a\r", "a\r\n"},
		{"a\n\r", "a\r\n\r\n"},
		{"a\r.\nQUIT\n", "a\r\n..\r\nQUIT\r\n"}, // else the message would end here
		{"a\r.\r\nb\n", "a\r\n..\r\nb\r\n"},
		{"a\r\r.\nb\n", "a\r\n\r..\r\nb\r\n"},
	} {
		if wire, err := encode(c.text, 1000); wire != c.wire+".\r\n" || err != nil {
			t.Errorf("%q: got %q, %v", c.text, wire, err)
		}
	}
	for _, text := range []string{"a", "a\nb", ".", "a\r\r", "a\r\nb", "a\rb"} {
		if wire, err := encode(text, 1000); err != ErrPartialLine || strings.HasSuffix(wire, "\r\n.\r\n") {
			t.Errorf("%q: got %q, %v", text, wire, err)
		}
	}
}

func TestEncodeWrites(t *testing.T) {
	var sizes []int
	e := NewEncoder(writerFunc(func(p []byte) (int, error) {
		sizes = append(sizes, len(p))
		if bytes.HasPrefix(p, []byte("\n")) {
			t.Error("CR LF divided")
		}
		return len(p), nil
	}), 10)
	if _, err := e.Write([]byte(strings.Repeat("12345678\n", 3))); err != nil {
		t.Fatal(err)
	}
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	for _, n := range sizes {
		if n > 10 {
			t.Errorf("pieces of %v", sizes)
		}
	}
	broken := errors.New("broken")
	e = NewEncoder(writerFunc(func([]byte) (int, error) { return 0, broken }), 10)
	if _, err := e.Write(make([]byte, 100)); err != broken {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// FuzzRoundTrip: what was encoded decodes to the same text, but for CRs, and
// ends where it should for readers of all kinds.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a\n.\nb\n", 3)
	f.Add("\r.\n.\r\r.\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = 3 + size&63
		wire, err := encode(text, size)
		if err != nil {
			if text == "" || strings.HasSuffix(text, "\n") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		got, rest, end, err := decode(wire+"QUIT\r\n", size)
		if err != nil || !end || rest != "QUIT\r\n" {
			t.Fatalf("%q: sent %q, got %q, %q, %v, %v", text, wire, got, rest, end, err)
		}
		if !strings.Contains(text, "\r") && got != text {
			t.Fatalf("sent %q, got %q", text, got)
		}
		// Behind a CR that was sent as it is, a doubled dot stays.
		if !strings.Contains(text, "\r\r.") && dropEnds(got) != dropEnds(text) {
			t.Fatalf("sent %q, got %q", text, got)
		}
		lines := strings.FieldsFunc(wire, func(c rune) bool { return c == '\r' || c == '\n' })
		for i, line := range lines {
			if line == "." && i < len(lines)-1 {
				t.Fatalf("%q: %q can end early", text, wire)
			}
		}
	})
}

func dropEnds(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }

// FuzzDecode: the pieces do not matter, and no end is seen but CR LF dot CR LF.
func FuzzDecode(f *testing.F) {
	f.Add("a\r\n.\r\nb")
	f.Add(".\r\r\n\r.\r\n..\r\n.\n")
	f.Fuzz(func(t *testing.T, wire string) {
		text, rest, end, err := decode(wire, len(wire)+1)
		for size := 1; size < 4; size++ {
			text2, rest2, end2, err2 := decode(wire, size)
			if text2 != text || rest2 != rest || end2 != end || err2 != err {
				t.Fatalf("%q: by %d: %q, %q, %v, %v", wire, size, text2, rest2, end2, err2)
			}
		}
		taken := "\r\n" + wire[:len(wire)-len(rest)]
		if ends := strings.Index(taken, "\r\n.\r\n"); end != (ends >= 0) || end && ends != len(taken)-5 {
			t.Fatalf("%q: took %q for a whole message", wire, taken)
		}
		if err != nil && bytes.ContainsRune([]byte(strings.ReplaceAll(taken, "\r\n", "")), '\n') {
			t.Fatalf("%q: took a bare LF", wire)
		}
	})
}
