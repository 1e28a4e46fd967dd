package sanitize

import (
	"bytes"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/emersion/go-message/charset"
)

// field is a line of a header with those that continue it, of the message from
// from to to. One that no reader understands has no name.
type field struct {
	name     string // in lower case
	from, to int
	value    int // where what follows the colon starts
}

// header reads the fields from from on, not beyond to. The body starts at body; empty
// tells whether an empty line stands before it.
func header(mess []byte, from, to int) (fields []field, body int, empty bool) {
	for at := from; at < to; {
		end := lineEnd(mess, at, to)
		line := mess[at:end]
		switch text := bytes.TrimRight(line, "\r\n"); {
		case len(text) == 0:
			return fields, end, true
		case (text[0] == ' ' || text[0] == '\t') && len(fields) > 0:
			fields[len(fields)-1].to = end
		default:
			f := field{from: at, to: end, value: at}
			if name, colon := fieldName(text); colon > 0 {
				f.name, f.value = name, at+colon+1
			}
			fields = append(fields, f)
		}
		at = end
	}
	return fields, to, false
}

// fieldName is the name at the start of a line, and where its colon is. Blanks before
// the colon are against the rules, and understood by many.
func fieldName(line []byte) (name string, colon int) {
	colon = bytes.IndexByte(line, ':')
	if colon <= 0 || colon > 255 { // no name is that long
		return "", 0
	}
	text := bytes.TrimRight(withoutNULs(line[:colon]), " \t")
	for _, b := range text {
		if b <= ' ' || b >= 0x7f {
			return "", 0
		}
	}
	return strings.ToLower(string(text)), colon
}

// withoutNULs drops what some readers do not see in names.
func withoutNULs(text []byte) []byte { return bytes.ReplaceAll(text, []byte{0}, nil) }

// lineEnd is where the line at at ends, with its end.
func lineEnd(mess []byte, at, to int) int {
	if i := bytes.IndexByte(mess[at:to], '\n'); i >= 0 {
		return at + i + 1
	}
	return to
}

// media is a Content-Type or Content-Disposition field (RFC 2045, RFC 2183), read as
// leniently as by the most lenient reader.
type media struct {
	kind   string // such as text/html, in lower case
	params []param
}

// param is a parameter. Its value is decoded of quoting alone.
type param struct {
	name, value string
	from, to    int // of the raw value in the field's value
}

// parseMedia reads the value of a field.
func parseMedia(value []byte) media {
	var m media
	i := 0
	for i < len(value) && value[i] != ';' {
		i++
	}
	kind := value[:i]
	if comment := bytes.IndexByte(kind, '('); comment >= 0 {
		kind = kind[:comment]
	}
	// What a media type cannot have in it, some readers skip.
	m.kind = strings.ToLower(string(bytes.Map(func(r rune) rune {
		if r <= ' ' || r == '"' || r == 0x7f {
			return -1
		}
		return r
	}, kind)))
	unfold := strings.NewReplacer("\r", "", "\n", "", "\t", " ")
	for i < len(value) {
		i++ // the semicolon
		start := i
		for i < len(value) && value[i] != '=' && value[i] != ';' {
			i++
		}
		if i == len(value) || value[i] == ';' {
			continue
		}
		p := param{name: strings.ToLower(strings.Trim(string(withoutNULs(value[start:i])), " \t\r\n"))}
		i++
		for i < len(value) && strings.IndexByte(" \t\r\n", value[i]) >= 0 {
			i++
		}
		p.from = i
		if i < len(value) && value[i] == '"' {
			var text []byte
			for i++; i < len(value) && value[i] != '"'; i++ {
				if value[i] == '\\' && i+1 < len(value) && (value[i+1] == '"' || value[i+1] == '\\') {
					i++
				}
				switch value[i] {
				case '\r', '\n':
				case '\t': // of a fold
					text = append(text, ' ')
				default:
					text = append(text, value[i])
				}
			}
			if i < len(value) {
				i++
			}
			p.to = i
			p.value = string(text)
			for i < len(value) && value[i] != ';' {
				i++
			}
		} else {
			for i < len(value) && value[i] != ';' {
				i++
			}
			raw := bytes.TrimRight(value[p.from:i], " \t\r\n")
			p.to = p.from + len(raw)
			p.value = unfold.Replace(string(raw))
		}
		m.params = append(m.params, p)
	}
	return m
}

// all gives every value that a parameter may be taken to have: each plain one, decoded
// as by RFC 2047 where somebody wrote it so, and the one of RFC 2231.
func (m media) all(name string) (values []string) {
	var joined []byte
	extended, coded := false, false
	for _, p := range m.params {
		if p.name == name {
			values = append(values, decodeWords(p.value))
			continue
		}
		rest, ok := strings.CutPrefix(p.name, name+"*")
		if !ok {
			continue
		}
		part, star := strings.CutSuffix(rest, "*")
		if _, err := strconv.Atoi(part); err != nil && rest != "" {
			continue
		}
		if star || rest == "" {
			if !extended {
				coded = true
			}
			joined = append(joined, unpercent(p.value)...)
		} else {
			joined = append(joined, p.value...)
		}
		extended = true
	}
	if extended {
		text := string(joined)
		if coded {
			if parts := strings.SplitN(text, "'", 3); len(parts) == 3 {
				text = toUTF8(parts[0], parts[2])
			}
		}
		values = append(values, text)
	}
	return values
}

// get is the first of all values, "" if there is none.
func (m media) get(name string) string {
	if values := m.all(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// set makes value the only one of a parameter.
func (m *media) set(name, value string) {
	var params []param
	for _, p := range m.params {
		if p.name != name && !strings.HasPrefix(p.name, name+"*") {
			params = append(params, p)
		}
	}
	m.params = append(params, param{name: name, value: value})
}

// format gives the value of a field, each parameter on a line of its own.
func (m media) format(eol string) string {
	// There may be very many parameters.
	var s strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	s.WriteString(m.kind)
	for _, p := range m.params {
		if p.name == "" || strings.ContainsFunc(p.name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?=`, r) }) {
			continue
		}
		name, value := p.name, p.value
		switch {
		case strings.HasSuffix(name, "*"):
			value = percent(value, "'%") // it is coded as it stands
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r >= 0x7f }):
			name, value = name+"*", "utf-8''"+percent(value, "")
		default:
			value = `"` + escape.Replace(value) + `"`
		}
		s.WriteString(";" + eol + "\t" + name + "=" + value)
	}
	return s.String()
}

func isToken(s, more string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._+"+more, r))
	})
}

func unpercent(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// percent codes a value, but for what is in more.
func percent(s, more string) string {
	var out strings.Builder
	for _, b := range []byte(s) {
		if b < 0x80 && isToken(string(rune(b)), more) {
			out.WriteByte(b)
		} else {
			out.WriteString("%" + strings.ToUpper(strconv.FormatUint(0x100+uint64(b), 16)[1:]))
		}
	}
	return out.String()
}

// decodeWords decodes what RFC 2047 forbids in parameters and many senders write.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if text, err := d.DecodeHeader(s); err == nil {
		return text
	}
	return s
}

// toUTF8 converts a text from a character set. What it cannot convert stays.
func toUTF8(set, s string) string {
	if r, err := charset.Reader(set, strings.NewReader(s)); err == nil {
		if text, err := io.ReadAll(r); err == nil {
			return string(text)
		}
	}
	return s
}
