// Sanitizer takes out of a message what could harm who opens it: a filter from
// descriptor 0 to descriptor 1.
//
//	sanitizer [ file | name=value | name+=value ] ...
//
// The files are configurations of the Anomy mail sanitizer; see anomy.conf(5). It
// exits 0 once a whole message is written, be it the one it got, marked, because
// something went wrong, 75 if it may be tried again and 77 if the
// configuration has the message refused. Nothing is written before all is decided.
// See sanitizer(1).
package main

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"goqmail/lib/anomy"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/sanitize"
)

// Exit codes of sysexits(3), which procmail(1) and its like know.
const (
	tempFail = 75
	refused  = 77
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	say := func(text string) { io.WriteString(c.Err(), "sanitizer: "+text+"\n") } // nobody else to tell
	config, warnings, err := anomy.Read(c.Args[1:])
	for _, warning := range warnings {
		say("warning: " + warning)
	}

	in := &input{r: c.In()}
	mess, unload, failed := sanitize.Load(in)
	defer unload()
	if in.err != nil {
		say("unable to read message: " + in.err.Error())
		return tempFail
	}
	if err = errors.Join(err, failed); err == nil {
		var m *sanitize.Message
		if m, err = sanitize.Sanitize(mess, config); err == nil {
			defer m.Close()
			if config.LogStderr {
				for _, line := range m.Log {
					say(line)
				}
			}
			if m.Refused {
				say("message refused")
				return refused
			}
			if _, err := m.WriteTo(c.Out()); err != nil {
				say("unable to write message: " + err.Error())
				return tempFail
			}
			return exit.OK
		}
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		say(line)
	}
	if config.Defer {
		return tempFail
	}
	if err := pass(c.Out(), mess, in, err); err != nil {
		say("unable to write message: " + err.Error())
		return tempFail
	}
	return exit.OK
}

// pass writes the message as it came, with a field that tells why.
func pass(w io.Writer, mess []byte, rest *input, why error) error {
	reason := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return ' '
		}
		return r
	}, why.Error())
	at := 0
	for bytes.HasPrefix(mess[at:], []byte("From ")) || bytes.HasPrefix(mess[at:], []byte(">From ")) {
		end := bytes.IndexByte(mess[at:], '\n')
		if end < 0 {
			break
		}
		at += end + 1
	}
	eol := "\n"
	if i := bytes.IndexByte(mess, '\n'); i > 0 && mess[i-1] == '\r' {
		eol = "\r\n"
	}
	for _, piece := range [][]byte{mess[:at], []byte("X-Sanitizer-Error: not sanitized: " + reason[:min(len(reason), 800)] + eol), mess[at:]} {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	if _, err := io.Copy(w, rest); err != nil {
		return err
	}
	return rest.err
}

// input keeps the error of reading apart from those of what is done with it.
type input struct {
	r   io.Reader
	err error
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	if err != nil && err != io.EOF {
		i.err = err
	}
	return n, err
}
