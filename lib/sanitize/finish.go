package sanitize

import (
	"bytes"
	"slices"
	"strings"
)

// maxLine is how long a line may be (RFC 5322 section 2.1.1), maxDate how long a date,
// which once was enough to take over Outlook.
const (
	maxLine = 998
	maxDate = 100
)

// mend decides on the fields of a part, after all in it is decided.
func (s *sanitizer) mend(p *part) {
	seen := map[string]bool{}
	mended := false
	for _, f := range p.fields {
		old := string(s.mess[f.from:f.to])
		text := s.field(p, f, old)
		again := seen[f.name]
		seen[f.name] = true
		fixed := text
		if s.c.FixMIME && again && isSingle(f.name) {
			fixed = "X-" + old // readers differ about which of them counts
		} else if s.c.FixMIME && f.name == "" {
			fixed = "X-Junk: " + strings.TrimLeft(old, " \t")
		}
		if s.c.FixMIME && len(p.fields) > 1 {
			fixed = withoutBareCR(fixed) // which ends a line to some
		}
		if s.c.Lengths {
			// Cut or folded somewhere, such a field might say something else.
			if isSingle(f.name) && !again && (longest(fixed) > maxLine || strings.IndexByte(fixed, 0) >= 0) {
				fixed = s.written(p, f.name, fixed)
			}
			fixed = s.bounded(f.name, fixed)
		}
		mended = mended || fixed != text
		p.texts = append(p.texts, fixed)
	}
	if s.c.FixMIME && !p.empty && len(p.fields) == 0 && p.looksHeaded(s.mess) {
		p.headless, mended = true, true
	}
	if mended {
		s.note(p.where, "its header was mended")
	}
}

// written is a field of MIME as it was understood, without what is too long in it.
func (s *sanitizer) written(p *part, name, text string) string {
	if name == "content-transfer-encoding" {
		if p.newEncoding != "" {
			return text
		}
		return "Content-Transfer-Encoding: " + shorten(p.encoding, maxName) + s.eol
	}
	_, value, _ := strings.Cut(text, ":")
	title, m := "Content-Disposition", parseMedia([]byte(value))
	if name == "content-type" {
		title = "Content-Type"
		if p.newKind == nil {
			m.kind = p.kind.kind
		}
	}
	m.params = slices.DeleteFunc(m.params, func(p param) bool {
		return len(p.name)+len(p.value) > 2*maxName || strings.ContainsFunc(p.value, func(r rune) bool { return r < ' ' })
	})
	return title + ": " + m.format(s.eol) + s.eol
}

// withoutBareCR makes each CR that ends no line a blank.
func withoutBareCR(text string) string {
	if strings.Count(text, "\r") == strings.Count(text, "\r\n") {
		return text
	}
	return strings.NewReplacer("\r\n", "\r\n", "\r", " ").Replace(text)
}

// isSingle tells whether there must be only one field of a name, lest readers see
// different messages.
func isSingle(name string) bool {
	return name == "content-type" || name == "content-disposition" || name == "content-transfer-encoding"
}

// finish writes the header of a part. message tells that it is the header of a message.
func (s *sanitizer) finish(p *part, message bool) {
	wrapped := ""
	wrap := p.before != "" || p.after != ""
	seen := map[string]bool{}
	for i, f := range p.fields {
		old, text := string(s.mess[f.from:f.to]), p.texts[i]
		seen[f.name] = true
		if wrap && strings.HasPrefix(f.name, "content-") {
			wrapped += text
			text = ""
		}
		if text != old {
			s.replace(p.inHeader(), f.from, f.to, text)
		}
	}
	var more string
	add := func(name string, m *media, old string) {
		if m != nil && !seen[old] {
			more += name + ": " + m.format(s.eol) + s.eol
		}
	}
	add("Content-Type", p.newKind, "content-type")
	add("Content-Disposition", p.newDisposition, "content-disposition")
	if p.newEncoding != "" && p.newEncoding != "none" && !seen["content-transfer-encoding"] {
		more += "Content-Transfer-Encoding: " + p.newEncoding + s.eol
	}
	if wrap {
		if wrapped += more; wrapped != "" && !strings.HasSuffix(wrapped, "\n") {
			wrapped += s.eol
		}
		more = s.wrap(p, wrapped, message && !seen["mime-version"])
	}
	for _, field := range p.more {
		more += field + s.eol
	}
	unended := p.end > p.from && s.mess[p.end-1] != '\n'
	if more != "" || unended && p.text != "" {
		if unended {
			more = s.eol + more
		}
		if !p.empty && (p.body < p.to || wrap) {
			more += s.eol
		}
		s.replace(p.inHeader(), p.end, p.end, more)
	} else if p.headless {
		s.replace(p.inHeader(), p.from, p.from, s.eol)
	}
	if p.newBoundary != "" {
		for _, at := range p.delimiters {
			s.replace(p.inBody(), at, at+len(p.boundary), p.newBoundary)
		}
	}
}

// looksHeaded tells whether some reader may find a header in a part that has none.
func (p *part) looksHeaded(mess []byte) bool {
	for at := p.from; at < p.to; {
		end := lineEnd(mess, at, p.to)
		line := bytes.TrimRight(mess[at:end], "\r\n")
		if len(line) == 0 {
			return false
		}
		if name, _ := fieldName(line); strings.HasPrefix(name, "content-") {
			return true
		}
		at = end
	}
	return false
}

// wrap makes a part a multipart of texts and of what it was, whose fields come here
// and now stand within. It gives the fields that are to stand outside.
func (s *sanitizer) wrap(p *part, fields string, version bool) (outside string) {
	boundary := s.newBoundary()
	delimiter := "--" + boundary
	note := func(text string) string {
		set := "us-ascii"
		if strings.ContainsFunc(text, func(r rune) bool { return r >= 0x7f }) {
			set = "utf-8"
		}
		return delimiter + s.eol + "Content-Type: text/plain; charset=" + set + s.eol + "Content-Disposition: inline" + s.eol + s.eol + s.lines(text)
	}
	start := ""
	if p.before != "" {
		start = note(p.before)
	}
	s.replace(p.atBody(), p.body, p.body, start+delimiter+s.eol+fields+s.eol)
	end := ""
	if p.to > p.body {
		end = s.eol
	}
	if p.after != "" {
		end += note(p.after)
	}
	end += delimiter + "--"
	if p.to == len(s.mess) {
		end += s.eol
	}
	s.replace(p.atEnd(), p.to, p.to, end)
	m := media{kind: "multipart/mixed"}
	m.set("boundary", boundary)
	outside = "Content-Type: " + m.format(s.eol) + s.eol
	if version {
		outside = "MIME-Version: 1.0" + s.eol + outside
	}
	return outside
}

// lines gives a text the line ends of the message, and one at its end.
func (s *sanitizer) lines(text string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n")+"\n", "\r", "")
	return strings.ReplaceAll(text, "\n", s.eol)
}

// field is a field as what was decided on the part has it.
func (s *sanitizer) field(p *part, f field, text string) string {
	end := ""
	for _, eol := range []string{"\r\n", "\n"} {
		if strings.HasSuffix(text, eol) {
			end = eol
			break
		}
	}
	raw := text[f.value-f.from:]
	switch f.name {
	case "content-type":
		switch {
		case p.newKind != nil:
			m := *p.newKind
			return "Content-Type: " + m.format(s.eol) + end
		case p.newBoundary != "":
			m := parseMedia([]byte(raw))
			if !p.doubtful() {
				for _, param := range m.params {
					if param.name == "boundary" {
						return text[:f.value-f.from] + raw[:param.from] + `"` + p.newBoundary + `"` + raw[param.to:]
					}
				}
			}
			m.set("boundary", p.newBoundary)
			return "Content-Type: " + m.format(s.eol) + end
		}
	case "content-disposition":
		if p.newDisposition != nil {
			return "Content-Disposition: " + p.newDisposition.format(s.eol) + end
		}
	case "content-transfer-encoding":
		switch {
		case p.newEncoding == "none":
			return "X-" + text
		case p.newEncoding != "":
			return "Content-Transfer-Encoding: " + p.newEncoding + end
		}
	}
	return text
}

// bounded is a field without NUL and without lines that are too long.
func (s *sanitizer) bounded(name, text string) string {
	limit := maxLine
	if name == "date" {
		limit = maxDate
	}
	if strings.IndexByte(text, 0) < 0 && longest(text) <= limit {
		return text
	}
	text = strings.ReplaceAll(text, "\x00", "")
	var out strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		for {
			body := strings.TrimRight(line, "\r\n")
			if len(body) <= limit {
				out.WriteString(line)
				break
			}
			// Folded where it may be, and else cut.
			at := strings.LastIndexAny(body[:limit], " \t")
			if at > 0 && strings.TrimSpace(body[:at]) != "" && body[at-1] != ':' && name != "date" {
				out.WriteString(body[:at] + s.eol)
				line = line[at:]
				continue
			}
			out.WriteString(body[:limit])
			rest := strings.IndexAny(body[limit:], " \t")
			if rest < 0 || name == "date" {
				out.WriteString(line[len(body):])
				break
			}
			out.WriteString(s.eol)
			line = line[limit+rest:]
		}
	}
	return out.String()
}

// longest is the length of the longest line.
func longest(text string) (n int) {
	for line := range strings.SplitSeq(text, "\n") {
		n = max(n, len(strings.TrimRight(line, "\r")))
	}
	return n
}
