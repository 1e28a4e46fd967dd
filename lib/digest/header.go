package digest

import (
	"bytes"
	"strings"
)

// header is the fields of a header, in their order, unfolded.
type header []field

type field struct{ name, value string } // the name in lower case

// fields reads a header. Lines that are none are passed over.
func fields(text []byte) (h header) {
	var value []byte // of the last field, as far as it goes
	end := func() {
		if len(h) > 0 {
			h[len(h)-1].value = string(bytes.Trim(value, " \t"))
		}
	}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			value = append(value, line...)
			continue
		}
		name, first, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
			continue
		}
		end()
		h = append(h, field{name: strings.ToLower(string(name))})
		value = append(value[:0], first...)
	}
	end()
	return h
}

// get returns the first field of a name.
func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// describe fills in what the fields of RFC 2045 to 2557 say of a part.
func (p *Part) describe(h header, kind, subtype string) {
	p.Type, p.Subtype = kind, subtype
	if value := h.get("content-type"); value != "" {
		t := tokens{s: value}
		kind := t.token()
		subtype := ""
		if t.accept('/') {
			subtype = t.token()
		}
		if kind != "" && subtype != "" {
			p.Type, p.Subtype = strings.ToLower(kind), strings.ToLower(subtype)
			p.Params = t.params()
		} else {
			p.Type, p.Subtype = "text", "plain"
		}
	}
	if p.Type == "text" && p.param("charset") == "" && h.get("content-type") == "" && len(p.Params) == 0 {
		p.Params = []Param{{"charset", "us-ascii"}}
	}
	t := tokens{s: h.get("content-transfer-encoding")}
	if p.Encoding = strings.ToUpper(t.token()); p.Encoding == "" {
		p.Encoding = "7BIT"
	}
	t = tokens{s: h.get("content-disposition")}
	if p.Disposition = strings.ToLower(t.token()); p.Disposition != "" {
		p.DispParams = t.params()
	}
	t = tokens{s: h.get("content-language")}
	for {
		language := t.token()
		if language == "" {
			break
		}
		p.Languages = append(p.Languages, language)
		t.accept(',')
	}
	p.ID, p.Description, p.MD5 = h.get("content-id"), h.get("content-description"), h.get("content-md5")
	p.Location = h.get("content-location")
}

// tokens reads the words of a structured field.
type tokens struct {
	s       string
	comment string // the last one passed over
}

// skip passes over blanks and comments.
func (t *tokens) skip() {
	for t.s != "" {
		switch c := t.s[0]; c {
		case ' ', '\t', '\r', '\n':
			t.s = t.s[1:]
		case '(':
			t.comment = t.parenthesis()
		default:
			return
		}
	}
}

// parenthesis takes a comment, which may have others in it.
func (t *tokens) parenthesis() string {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(t.s); i++ {
		switch c := t.s[i]; {
		case c == '\\' && i+1 < len(t.s):
			i++
			b.WriteByte(t.s[i])
			continue
		case c == '(':
			if depth++; depth == 1 {
				continue
			}
		case c == ')':
			if depth--; depth == 0 {
				t.s = t.s[i+1:]
				return b.String()
			}
		}
		b.WriteByte(t.s[i])
	}
	t.s = ""
	return b.String()
}

// accept takes a byte if it is next.
func (t *tokens) accept(c byte) bool {
	t.skip()
	if t.s != "" && t.s[0] == c {
		t.s = t.s[1:]
		return true
	}
	return false
}

// token takes a token of RFC 2045.
func (t *tokens) token() string {
	t.skip()
	return t.take(func(c byte) bool { return c > ' ' && c != 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?=`, rune(c)) })
}

// take takes bytes as long as they are of a kind.
func (t *tokens) take(is func(byte) bool) string {
	i := 0
	for i < len(t.s) && is(t.s[i]) {
		i++
	}
	word := t.s[:i]
	t.s = t.s[i:]
	return word
}

// quoted takes a quoted string, whose first quote is next.
func (t *tokens) quoted() string {
	var b strings.Builder
	for i := 1; i < len(t.s); i++ {
		switch c := t.s[i]; {
		case c == '\\' && i+1 < len(t.s):
			i++
			b.WriteByte(t.s[i])
		case c == '"':
			t.s = t.s[i+1:]
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	t.s = ""
	return b.String()
}

// params takes parameters, each after a semicolon. Those that are none are passed over.
func (t *tokens) params() (params []Param) {
	for {
		if !t.accept(';') {
			if t.skip(); t.s == "" {
				return params
			}
			t.s = t.s[1:]
			continue
		}
		name := strings.ToLower(t.token())
		if name == "" || !t.accept('=') {
			continue
		}
		t.skip()
		value := ""
		if strings.HasPrefix(t.s, `"`) {
			value = t.quoted()
		} else {
			value = strings.TrimRight(t.take(func(c byte) bool { return c > ' ' && c != ';' && c != '(' && c != '"' }), " \t")
		}
		params = append(params, Param{name, value})
	}
}
