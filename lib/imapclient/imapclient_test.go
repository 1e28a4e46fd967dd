package imapclient

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"goqmail/lib/saslclient"
)

// server is a server that greets and then answers each line with what reply returns,
// in which TAG is the line's.
func server(t *testing.T, trace io.Writer, reply func(line string) string) *Client {
	t.Helper()
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		io.WriteString(there, "* OK [ALERT] mail.example.org ready\r\n")
		in := bufio.NewReader(there)
		tag := ""
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			first, _, _ := strings.Cut(line, " ")
			if strings.HasPrefix(first, "A0") {
				tag = first
			}
			io.WriteString(there, strings.ReplaceAll(reply(strings.TrimRight(line, "\r\n")), "TAG", tag))
		}
	}()
	c, err := New(here, trace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestResponses(t *testing.T) {
	c := server(t, nil, func(string) string {
		return "* LIST (\\HasChildren) \".\" {3}\r\na b\r\n* 3 FETCH (BODY[HEADER.FIELDS (A B)] NIL X ((1) ()))\r\n* OK [UIDNEXT 3] Ok\r\n* ID NIL\r\nTAG OK [X] done\r\n"
	})
	if c.Greeting.Code != "ALERT" || c.Greeting.Text != "mail.example.org ready" {
		t.Errorf("greeting %+v", c.Greeting)
	}
	got, err := c.Do("X")
	want := []Response{
		{Tag: "*", Name: "LIST", Values: []any{[]any{`\HasChildren`}, ".", "a b"}},
		{Tag: "*", Name: "FETCH", Number: 3, Values: []any{[]any{"BODY[HEADER.FIELDS (A B)]", nil, "X", []any{[]any{"1"}, []any{}}}}},
		{Tag: "*", Name: "OK", Code: "UIDNEXT 3", Text: "Ok"},
		{Tag: "*", Name: "ID", Values: []any{nil}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestArguments(t *testing.T) {
	var got []string
	c := server(t, nil, func(line string) string {
		got = append(got, line)
		if strings.HasSuffix(line, "}") {
			return "+ go ahead\r\n"
		}
		return "TAG NO [CODE] not you\r\n"
	})
	_, err := c.Do("SET", "a b", Raw(`("x" NIL)`), "ä", "")
	var refused Error
	if !errors.As(err, &refused) || refused.Code != "CODE" || err.Error() != "not you" {
		t.Errorf("refused by %v", err)
	}
	if want := []string{`A01 SET "a b" ("x" NIL) {2}`, `ä ""`}; !reflect.DeepEqual(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestLogin(t *testing.T) {
	var trace bytes.Buffer
	c := server(t, &trace, func(line string) string {
		switch {
		case strings.HasSuffix(line, "}"):
			return "+ go ahead\r\n"
		case line == "secret":
			return "TAG OK in\r\n"
		}
		return "TAG BAD what\r\n"
	})
	if err := c.Login("john", "secret"); err != nil {
		t.Error(err)
	}
	want := "S: * OK [ALERT] mail.example.org ready\nC: A01 LOGIN john {6}\nS: + go ahead\nC: <omitted>\nS: A01 OK in\n"
	if trace.String() != want {
		t.Errorf("trace %q, want %q", trace.String(), want)
	}
}

func TestAuthenticate(t *testing.T) {
	for _, row := range []struct{ caps, wrong, want string }{
		{"SASL-IR", "", "A02 AUTHENTICATE PLAIN AGpvaG4AcA=="}, {"", "", "AGpvaG4AcA=="}, {"", "NO", "AGpvaG4AcA=="},
	} {
		var last string
		c := server(t, nil, func(line string) string {
			switch {
			case strings.HasSuffix(line, "CAPABILITY"):
				return "* CAPABILITY " + row.caps + " X\r\nTAG OK done\r\n"
			case strings.HasSuffix(line, "PLAIN"):
				return "+ \r\n"
			}
			last = line
			if row.wrong != "" {
				return "TAG NO wrong\r\n"
			}
			return "TAG OK in\r\n"
		})
		m, _ := saslclient.New("PLAIN", saslclient.Login{User: "john", Password: "p"})
		err := c.Authenticate(m, true)
		if (err != nil) != (row.wrong != "") || last != row.want {
			t.Errorf("%+v: %v, sent %q", row, err, last)
		}
	}
}

// Whatever a server says, reading it ends.
func FuzzRead(f *testing.F) {
	f.Add("* 1 FETCH (A {3}\r\nabc)\r\nA01 OK [X] done\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		here, there := net.Pipe()
		go func() {
			io.WriteString(there, s)
			there.Close()
		}()
		c, err := New(here, nil)
		for err == nil {
			_, err = c.Read()
		}
		here.Close()
	})
}
