package askpass

import (
	"io"
	"os"
	"testing"
)

func TestAskTakesOneLine(t *testing.T) {
	for _, row := range []struct{ in, want, left string }{
		{"secret\nlm\n", "secret", "lm\n"}, {"secret\r\n", "secret", ""}, {"secret", "secret", ""}, {"\nx", "", "x"},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, row.in)
		w.Close()
		got, err := Ask("", r)
		left, _ := io.ReadAll(r)
		if err != nil || got != row.want || string(left) != row.left {
			t.Errorf("%q: %q, %v, left %q", row.in, got, err, left)
		}
		r.Close()
	}
	r, w, _ := os.Pipe()
	w.Close()
	if _, err := Ask("", r); err != ErrNone {
		t.Errorf("of nothing: %v", err)
	}
}
