package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	env := func(string) string { return "root" }
	o, err := parseOptions([]string{"-m", "login", "-p", "imap", "-acyrus", "-t", "", "-iv", "localhost"}, env)
	want := options{port: "imap", mechanism: "login", user: "cyrus", host: "localhost", starttls: true, login: true, verbose: true}
	if err != nil || !reflect.DeepEqual(o, want) {
		t.Errorf("%+v, %v, want %+v", o, err, want)
	}
	for _, args := range [][]string{{}, {"-y", "h"}, {"h", "-p"}, {"a", "b"}} {
		if _, err := parseOptions(args, env); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// A session logs in, shows what is said, and goes on with what is typed.
func TestSession(t *testing.T) {
	for _, row := range []struct{ name, reply, want string }{
		{"accepted", "OK User logged in", "Authenticated.\nSecurity strength factor: 0\n* BYE bye\r\n. OK done\r\nConnection closed.\n"},
		{"refused", "NO wrong", "Authentication failed. wrong\n* BYE bye\r\n. OK done\r\nConnection closed.\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				io.WriteString(conn, "* OK mail.example.org ready\r\n")
				in := bufio.NewReader(conn)
				for {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
					switch {
					case rest == "CAPABILITY":
						io.WriteString(conn, "* CAPABILITY IMAP4rev1\r\n"+tag+" OK done\r\n")
					case strings.HasPrefix(rest, "LOGIN"):
						io.WriteString(conn, "+ go ahead\r\n")
						in.ReadString('\n')
						io.WriteString(conn, tag+" "+row.reply+"\r\n")
					case rest == "logout":
						io.WriteString(conn, "* BYE bye\r\n"+tag+" OK done\r\n")
						return
					}
				}
			}()
			var out bytes.Buffer
			host, port, _ := net.SplitHostPort(listener.Addr().String())
			s := &session{
				options: options{host: host, port: port, user: "john", login: true, mechanism: "login"}, in: strings.NewReader(". logout\n"), out: &out,
				password: func() (string, error) { return "secret", nil },
			}
			show(s)
			_, got, _ := strings.Cut(out.String(), row.reply+"\n")
			if got != row.want {
				t.Errorf("shown %q, want %q after the reply", out.String(), row.want)
			}
		})
	}
}
