package smtp

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"goqmail/lib/commands"
	"goqmail/lib/extensions"
)

// maxLog is how many bytes of a text are told.
const maxLog = 4000

// log tells standard error what happens, if smtpd-logmsg is among the
// extensions, in a line "qmail-smtpd[PID]: TEXT". Other programs read these
// lines. A client's own words must not make up lines: control bytes in them
// become question marks, and there are no more of them than a pipe takes whole.
func (s *session) log(text string) {
	if !s.extensions.Has(extensions.SMTPDLogmsg) {
		return
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	s.call.Err().WriteString("qmail-smtpd[" + strconv.Itoa(s.call.Pid) + "]: " + text[:min(len(text), maxLog)] + "\n")
}

// logTooLong tells of a MAIL or RCPT with an address above maxAddress. Its
// length counts a NUL at the end.
func (s *session) logTooLong(verb, address string) {
	s.log(verb + " with too long address (" + strconv.Itoa(len(address)+1) + " bytes) given")
}

// ending says why a dialogue is over.
func (s *session) ending(err error) string {
	var last hangUp
	switch {
	case errors.Is(err, errQuit):
		return "Remote end QUIT"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "Connection timed out"
	case errors.Is(err, commands.ErrTooLong):
		return "Out of memory"
	case errors.As(err, &last):
		return "Replied " + string(last)
	case errors.Is(err, errWrite):
		return "Write error (disconnect?)"
	}
	return "Read error (disconnect?)"
}
