package spamd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// conn is a connection to a spamd whose answer is known before.
type conn struct {
	io.Reader
	bytes.Buffer
}

func (c *conn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

const answer = "SPAMD/1.1 0 EX_OK\r\nContent-length: 12\r\nSpam: True ; 1000.1 / 5.0\r\n\r\nGTUBE,B_AD\r\n"

func TestRequest(t *testing.T) {
	for _, mess := range []string{"", "Subject: \x00\xff\n\nbody", strings.Repeat("0123456789", 10000)} {
		c := &conn{Reader: strings.NewReader(answer)}
		// A byte that came behind it is not part of the message.
		r, err := Check(c, strings.NewReader(mess+"x"), int64(len(mess)))
		if want := (Report{true, "1000.1", "5.0", "GTUBE,B_AD"}); r != want || err != nil || r.Value() != 1000.1 {
			t.Errorf("got %v, %v", r, err)
		}
		in := bufio.NewReader(&c.Buffer)
		command, _ := in.ReadString('\n')
		length, _ := in.ReadString('\n')
		end, _ := in.ReadString('\n')
		sent, _ := io.ReadAll(in)
		if command != "SYMBOLS SPAMC/1.5\r\n" || !strings.HasPrefix(length, "Content-length: ") || end != "\r\n" || string(sent) != mess {
			t.Errorf("sent %q%q%q%.60q", command, length, end, sent)
		}
	}
	c := &conn{Reader: strings.NewReader(answer)}
	if _, err := Check(c, strings.NewReader("short"), 6); err != io.ErrUnexpectedEOF {
		t.Errorf("a short message: %v", err)
	}
	broken := errors.New("broken")
	if _, err := Check(&conn{Reader: failing{broken}}, strings.NewReader(""), 0); err != broken {
		t.Errorf("a broken connection: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, old, new string // in answer
		want           Report
	}{
		{"ham", "True ; 1000.1", "False ; -0.1", Report{false, "-0.1", "5.0", "GTUBE,B_AD"}},
		{"no test", "12\r\n", "2\r\n", Report{true, "1000.1", "5.0", ""}},
		{"fields in another order and case", "Content-length: 12\r\nSpam: True ; 1000.1 / 5.0", "X: y\r\nSPAM:True  ;  9 / 5\r\ncontent-length:12", Report{true, "9", "5", "GTUBE,B_AD"}},
		{"bare newlines", "\r\n", "\n", Report{true, "1000.1", "5.0", "GTUBE,B_AD"}},
	} {
		text := strings.ReplaceAll(answer, c.old, c.new)
		if c.name == "no test" {
			text = strings.Replace(text, "GTUBE,B_AD", "", 1)
		}
		if c.name == "bare newlines" {
			text += "\n" // of the length told
		}
		got, err := Check(&conn{Reader: strings.NewReader(text)}, strings.NewReader(""), 0)
		if got != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestNoAnswers(t *testing.T) {
	cut := func(n int) string { return answer[:len(answer)-n] }
	for _, text := range []string{
		"", "\r\n", "hello\r\n", "SPAMD/1.1\r\n\r\n",
		cut(1), cut(12), cut(14), cut(30), answer[:18],
		strings.Replace(answer, "0 EX_OK", "76 Bad header line", 1),
		strings.Replace(answer, "SPAMD", "HTTP", 1),
		strings.Replace(answer, "True", "Maybe", 1),
		strings.Replace(answer, "1000.1", "NaN", 1),
		strings.Replace(answer, "1000.1", "0x10", 1),
		strings.Replace(answer, "1000.1", "1e9", 1),
		strings.Replace(answer, "1000.1", "-", 1),
		strings.Replace(answer, "1000.1", strings.Repeat("9", 30), 1),
		strings.Replace(answer, "/ 5.0", "", 1),
		strings.Replace(answer, "/ 5.0", "/ ", 1),
		strings.Replace(answer, "Spam:", "Ham:", 1),
		strings.Replace(answer, "Content-length: 12\r\n", "", 1),
		strings.Replace(answer, ": 12", ": -1", 1),
		strings.Replace(answer, ": 12", ": 99999999999999999999", 1),
		strings.Replace(answer, ": 12", ": 1000000000", 1),
		strings.Replace(answer, "GTUBE,", "G\nX: ,", 1),
		strings.Replace(answer, "GTUBE,", "GT BE,", 1),
		strings.Replace(answer, "GTUBE,", "GTUB\xff,", 1),
		strings.Replace(answer, "Spam:", strings.Repeat("x", 100000)+":", 1),
	} {
		got, err := Check(&conn{Reader: strings.NewReader(text)}, strings.NewReader(""), 0)
		if err == nil {
			t.Errorf("%.100q: %v", text, got)
		}
	}
}

// What is believed holds no byte that could make up a header field or a line of a log.
func FuzzRead(f *testing.F) {
	f.Add([]byte(answer))
	f.Add([]byte(strings.Replace(answer, "True ; 1000.1", "False ; -0.1", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := read(bufio.NewReaderSize(bytes.NewReader(text), maxLine))
		if err != nil {
			return
		}
		if _, ok := Number(r.Score); !ok {
			t.Errorf("score %q", r.Score)
		}
		if _, ok := Number(r.Required); !ok {
			t.Errorf("required %q", r.Required)
		}
		if strings.ContainsFunc(r.Tests, notInTests) {
			t.Errorf("tests %q", r.Tests)
		}
	})
}
