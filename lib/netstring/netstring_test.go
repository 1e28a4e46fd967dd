package netstring

import (
	"io"
	"strings"
	"testing"
)

func TestLength(t *testing.T) {
	for _, test := range []struct {
		in   string
		want int
	}{
		{"0:", 0},
		{":", 0},
		{"5:hello,", 5},
		{"0005:", 5},
		{"200000000:", 200000000},
		{"2000000009:", 2000000009},
	} {
		if n, err := Length(strings.NewReader(test.in)); n != test.want || err != nil {
			t.Errorf("%q: got %d, %v, want %d", test.in, n, err, test.want)
		}
	}
	for _, test := range []struct {
		in   string
		want error
	}{
		{"", io.EOF},
		{"12", io.EOF},
		{"-1:", ErrFormat},
		{"1 :", ErrFormat},
		{"x", ErrFormat},
		{"20000000100:", ErrTooLong},
		{"200000001x", ErrTooLong},
	} {
		if n, err := Length(strings.NewReader(test.in)); n != 0 || err != test.want {
			t.Errorf("%q: got %d, %v, want %v", test.in, n, err, test.want)
		}
	}
}

func TestComma(t *testing.T) {
	for in, want := range map[string]error{",": nil, ",x": nil, "": io.EOF, "x": ErrFormat} {
		if err := Comma(strings.NewReader(in)); err != want {
			t.Errorf("%q: got %v, want %v", in, err, want)
		}
	}
}

func TestAppend(t *testing.T) {
	if got := string(Append(Append(nil, ""), "hello world!")); got != "0:,12:hello world!," {
		t.Errorf("got %q", got)
	}
}

func FuzzLength(f *testing.F) {
	f.Add("12:x")
	f.Add("20000000000:")
	f.Fuzz(func(t *testing.T, in string) {
		n, err := Length(strings.NewReader(in))
		if n < 0 || n >= 1<<31 || err != nil && n != 0 {
			t.Fatalf("%q: %d, %v", in, n, err)
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add("hello")
	f.Fuzz(func(t *testing.T, s string) {
		r := strings.NewReader(string(Append(nil, s)))
		n, err := Length(r)
		if err != nil || n != len(s) {
			t.Fatalf("%q: length %d, %v", s, n, err)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil || string(body) != s {
			t.Fatalf("%q comes back as %q, %v", s, body, err)
		}
		if err := Comma(r); err != nil || r.Len() != 0 {
			t.Fatalf("%q: %v, %d bytes left", s, err, r.Len())
		}
	})
}
