package rfc822

// lineLen is the length that folded lines keep to. A line with a single address
// may be longer.
const lineLen = 80

// Format writes the tokens as a header field holds them, folded after commas
// (RFC 822, section 3.4.8), with a newline at the end. An Atom goes without
// quotes whatever is in it, so one that had a special character quoted by a
// backslash may read back as several tokens.
func (t Tokens) Format() string {
	var out, part []byte
	width := 0 // of the last line of out
	flush := func() {
		switch {
		case len(out) == 0:
			width = len(part)
		case width+2+len(part) <= lineLen:
			width += len(part)
		default:
			out = append(out, "\n "...)
			width = 1 + len(part)
		}
		out = append(out, part...)
		part = part[:0]
	}
	for i, token := range t {
		if i > 0 && needSpace(t[i-1].Kind, token.Kind) {
			part = append(part, ' ')
		}
		part = token.appendTo(part)
		if token.Kind == Comma {
			flush()
		}
	}
	flush()
	return string(append(out, '\n'))
}

func needSpace(before, after Kind) bool {
	return before == Colon || before == Comma || after == Left || before.text() && after.text()
}

func (k Kind) text() bool { return k <= Comment }

func (t Token) appendTo(out []byte) []byte {
	switch t.Kind {
	case Atom:
		return appendText(out, t.Text)
	case Quote:
		return append(appendText(append(out, '"'), t.Text), '"')
	case Literal:
		return append(appendText(append(out, '['), t.Text), ']')
	case Comment:
		return append(appendText(append(out, '('), t.Text), ')')
	}
	return append(out, byte(t.Kind))
}

func appendText(out []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '[', ']', '(', ')', '\\', '\r', '\n':
			out = append(out, '\\')
		}
		out = append(out, text[i])
	}
	return out
}
