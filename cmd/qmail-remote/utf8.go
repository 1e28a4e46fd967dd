package main

import (
	"bufio"
	"strings"
	"unicode/utf8"

	"goqmail/lib/quote"
)

// maxHeader is how much of a message is looked at for what its header says, in
// bytes.
const maxHeader = 64 << 10

// need tells why a message can only go to a host that knows SMTPUTF8 (RFC 6531),
// or should.
type need int

const (
	none  need = iota
	asked      // it came by SMTPUTF8, but could do without
	must       // an address is beyond ASCII, or the header of a message that came so
)

// needUTF8 looks at a message, and notes its need. Headers that are not ASCII have always been sent
// as they are; only in mail that came by SMTPUTF8 they are known to be UTF-8, and
// to be of those that other hosts need not understand.
func (m *message) needUTF8() {
	for _, address := range append([]string{m.sender}, m.recipients...) {
		if !isASCII(address) {
			m.utf8 = must
			return
		}
	}
	text := bufio.NewReaderSize(m.text, maxHeader)
	start, _ := text.Peek(maxHeader) // an error comes again when the message is read
	m.text = text
	header := headerOf(string(start))
	switch {
	case !cameByUTF8(header):
	case isASCII(header):
		m.utf8 = asked
	default:
		m.utf8 = must
	}
}

// headerOf is what comes before the first empty line.
func headerOf(text string) string {
	n := 0
	for line := range strings.Lines(text) {
		if line == "\n" {
			break
		}
		n += len(line)
	}
	return text[:n]
}

// cameByUTF8 tells whether the first Received field that says by which protocol
// the message came names one with UTF-8.
func cameByUTF8(header string) bool {
	received := false
	for line := range strings.Lines(header) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := strings.Cut(line, ":")
			received = strings.EqualFold(name, "Received")
		}
		if !received {
			continue
		}
		words := strings.Fields(line)
		for i, word := range words[:max(len(words)-1, 0)] {
			if strings.EqualFold(word, "with") {
				return len(words[i+1]) >= 4 && strings.EqualFold(words[i+1][:4], "UTF8")
			}
		}
	}
	return false
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// announceUTF8 returns the parameter of MAIL that the message needs. A verdict
// says that the host cannot take it.
func (c *client) announceUTF8() (parameter string, v verdict, err error) {
	switch {
	case c.utf8 == none:
	case c.offersExtension("SMTPUTF8"):
		return " SMTPUTF8", "", nil
	case c.utf8 == must:
		c.said = nil
		v, err = c.quit("DConnected to ", " but server does not support internationalized email addresses", nil)
	}
	return "", v, err
}

// quoteAddress gives an address as SMTP commands carry it: with its local part
// quoted if need be. Without a domain, it is left alone. With SMTPUTF8, letters
// beyond ASCII need no quoting (RFC 6531, section 3.3).
func (c *config) quoteAddress(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || c.utf8 && utf8.ValidString(address) && !quote.Need(asLetters(address[:at])) {
		return address
	}
	return quote.Address(address)
}

// asLetters puts a letter for all that is not ASCII.
func asLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return 'x'
		}
		return r
	}, s)
}
