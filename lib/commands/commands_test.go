package commands

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

type record []string

func (r *record) run(verb string) func(*record, string) error {
	return func(r *record, argument string) error {
		*r = append(*r, verb+"("+argument+")")
		return nil
	}
}

func serve(input string) (record, error) {
	var r record
	quit := errors.New("quit")
	table := []Command[*record]{
		{"noop", r.run("noop")},
		{"mail", r.run("mail")},
		{"quit", func(*record, string) error { return quit }},
	}
	err := Serve(bufio.NewReaderSize(strings.NewReader(input), 16), &r, table, r.run("?"))
	if err == quit {
		err = nil
	}
	return r, err
}

func TestServe(t *testing.T) {
	for _, c := range []struct {
		name, input string
		want        record
		err         error
	}{
		{"case", "noop\r\nNoOp\r\nNOOP\nquit\r\nnoop\r\n", record{"noop()", "noop()", "noop()"}, nil},
		{"arguments", "mail a b\r\nMAIL   c  \r\nmail \r\nQUIT x\r\n", record{"mail(a b)", "mail(c  )", "mail()"}, nil},
		{"tab is no blank", "noop\tx\r\nquit\r\n", record{"?()"}, nil},
		{"leading blank", " noop\r\nquit\r\n", record{"?(noop)"}, nil},
		{"empty lines", "\r\n\n\r\r\nquit\r\n", record{"?()", "?()", "?()"}, nil},
		{"only the last CR goes", "mail x\r\r\nno\rop\r\nquit\r\n", record{"mail(x\r)", "?()"}, nil},
		{"NUL ends the line", "noop\x00zzz\r\nmail a\x00b c\r\n\x00noop\r\nquit\r\n", record{"noop()", "mail(a)", "?()"}, nil},
		{"prefix", "noo\r\nnoopx\r\nquit\r\n", record{"?()", "?()"}, nil},
		{"long", "mail " + strings.Repeat("x", 100) + "\r\nquit\r\n", record{"mail(" + strings.Repeat("x", 100) + ")"}, nil},
		{"end between lines", "noop\r\n", record{"noop()"}, io.EOF},
		{"end within a line", "noop\r\nquit", record{"noop()"}, io.EOF},
		{"too long", "noop\r\n" + strings.Repeat("x", maxLine+1), record{"noop()"}, ErrTooLong},
	} {
		got, err := serve(c.input)
		if !slices.Equal(got, c.want) || err != c.err {
			t.Errorf("%s: got %q, %v; want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// FuzzSplit checks that nothing of a line but blanks is lost or made up.
func FuzzSplit(f *testing.F) {
	f.Add("MAIL FROM:<a@b>")
	f.Add("  x\x00y")
	f.Fuzz(func(t *testing.T, line string) {
		verb, argument := Split(line)
		if strings.ContainsAny(verb, " \x00") || strings.ContainsRune(argument, 0) || strings.HasPrefix(argument, " ") {
			t.Errorf("Split(%q) = %q, %q", line, verb, argument)
		}
		if end := strings.IndexByte(line, 0); end >= 0 {
			line = line[:end]
		}
		blanks := len(line) - len(verb) - len(argument)
		if blanks < 0 || line != verb+strings.Repeat(" ", blanks)+argument {
			t.Errorf("Split(%q) = %q, %q", line, verb, argument)
		}
	})
}
