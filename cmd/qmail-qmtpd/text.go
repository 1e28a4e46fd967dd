package main

import (
	"time"

	"goqmail/lib/netstring"
)

// text takes the text of a message, n bytes of which the first says how lines
// end: in LF, or in CR LF.
func (s *session) text(m *mail, n int) error {
	kind, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	if kind != '\n' && kind != '\r' {
		return netstring.ErrFormat
	}
	n--
	m.WriteString(s.hop.Line("QMTP", time.Now()))
	if kind == '\n' && m.limit > 0 && int64(n) > m.limit {
		m.tooBig = true
		m.Fail()
	}
	var plain []byte
	cr := false // the text so far ends in a CR, not yet stored
	for n > 0 {
		piece, err := s.next(n)
		if err != nil {
			return err
		}
		n -= len(piece)
		if kind == '\n' {
			m.Write(piece)
		} else {
			plain, cr = fromDOS(plain[:0], piece, cr)
			m.store(plain)
		}
	}
	if cr {
		m.store([]byte{'\r'})
	}
	return netstring.Comma(s.in)
}

// fromDOS adds text to plain with each CR LF as LF. A CR elsewhere is a byte like
// others. cr tells whether a CR comes before the text, and the result whether
// one is at its end and waits.
func fromDOS(plain, text []byte, cr bool) ([]byte, bool) {
	for _, c := range text {
		if cr && c != '\n' {
			plain = append(plain, '\r')
		}
		if cr = c == '\r'; !cr {
			plain = append(plain, c)
		}
	}
	return plain, cr
}

// store adds text to the message, as far as that may still grow.
func (m *mail) store(text []byte) {
	m.size += int64(len(text))
	if over := m.size - m.limit; m.limit > 0 && over > 0 {
		m.Write(text[:max(0, int64(len(text))-over)])
		m.tooBig = true
		m.Fail()
		return
	}
	m.Write(text)
}
