// Package blast carries the text of a message over SMTP and back (RFC 5321,
// section 4.5.2). Here a message is lines that end in LF. On the wire they end
// in CR LF, a line that starts with a dot has one more dot, and a line with
// nothing but a dot is the end.
//
// The two directions agree on where a message ends, and so must every host
// that may see the bytes: otherwise the rest of a message could pass for
// commands. So Decoder takes nothing but CR LF for the end of a line and
// refuses a bare LF, and Encoder lets no line be a single dot, whether a
// reader ends lines at CR LF, at LF or at CR.
package blast

import "errors"

// ErrBareLF is the error for a LF without CR before it. See
// https://cr.yp.to/docs/smtplf.html.
var ErrBareLF = errors.New("bare LF in message")

// Decoder takes a message off the wire. The zero value is at its start.
type Decoder struct{ at place }

// place is what the bytes so far end in.
type place byte

const (
	start  place = iota // CR LF, or nothing yet
	inside              // something else within a line
	dot                 // CR LF dot
	dotCR               // CR LF dot CR
	cr                  // CR, not yet decoded
)

// Decode decodes wire, the next bytes, appends the text to dst and returns the
// result and how many bytes it took. end is true when these finish the message:
// what follows them belongs to the next command. The text is at most two bytes
// longer than wire. The error is ErrBareLF.
func (d *Decoder) Decode(dst, wire []byte) (text []byte, n int, end bool, err error) {
	for n, c := range wire {
		if c == '\n' && d.at != cr && d.at != dotCR {
			return dst, n, false, ErrBareLF
		}
		switch d.at {
		case start, inside:
			switch {
			case c == '\r':
				d.at = cr
			case c == '.' && d.at == start:
				d.at = dot
			default:
				d.at = inside
				dst = append(dst, c)
			}
		case dot: // it was one too many, whatever follows but CR LF
			if c == '\r' {
				d.at = dotCR
			} else {
				d.at = inside
				dst = append(dst, c)
			}
		case dotCR:
			if c == '\n' {
				d.at = start
				return dst, n + 1, true, nil
			}
			// Not the end, so the dot counts as text. Senders double dots;
			// this one did not.
			dst = append(dst, '.', '\r')
			if c == '\r' {
				d.at = cr
			} else {
				d.at = inside
				dst = append(dst, c)
			}
		case cr:
			switch c {
			case '\n':
				d.at = start
				dst = append(dst, '\n')
			case '\r': // the one before stands alone
				dst = append(dst, '\r')
			default:
				d.at = inside
				dst = append(dst, '\r', c)
			}
		}
	}
	return dst, len(wire), false, nil
}
