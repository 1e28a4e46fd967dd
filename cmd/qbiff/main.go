// Qbiff tells a user who is logged in that mail has come. It is meant for
// .qmail files; the environment is qmail-local's.
//
//	qbiff
//
// It writes the addresses and the start of the message to the terminals of
// USER that are open to messages (biff y). It always exits 0: news of a message
// must not stop its delivery. See qbiff(1).
package main

import (
	"io"
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/rfc822"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	user, ok1 := c.Env.Lookup("USER")
	sender, ok2 := c.Env.Lookup("SENDER")
	local, ok3 := c.Env.Lookup("LOCAL")
	if !ok1 || !ok2 || !ok3 {
		return exit.OK
	}
	text, err := excerpt(c.In())
	if err != nil {
		return exit.OK
	}
	news := "\r\n\a" + printable("*** TO <"+local+"> FROM <"+sender+">", '_') + "\r\n" + printable(text, '/') + "\r\n"
	for _, line := range terminals(user) {
		tell(line, news)
	}
	return exit.OK
}

// excerpt returns the subject and the start of the body, indented, at most as
// much as fits a line of a terminal. It reads the whole message.
func excerpt(mess io.Reader) (string, error) {
	const most = 78
	text := "    "
	r := rfc822.NewReader(mess)
	for {
		field, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if field.Name() == "subject" {
			_, subject, _ := strings.Cut(string(field), ":")
			text += strings.TrimLeft(subject, " \t\r\n")
		}
		text = text[:min(len(text), most)]
	}
	body := make([]byte, most-len(text))
	n, err := io.ReadFull(r.Body(), body)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return text + string(body[:n]), nil
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body())
	}
	return text + string(body), err
}

// printable puts mark in the place of each byte that a terminal might obey.
func printable(s string, mark byte) string {
	b := []byte(s)
	for i, c := range b {
		if c < 32 || c > 126 {
			b[i] = mark
		}
	}
	return string(b)
}
