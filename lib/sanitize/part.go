package sanitize

import (
	"bytes"
	"strings"
)

// maxDepth is how deep parts may stand in each other, and maxParts how many a message
// may have. What is beyond is a file that nobody looked into.
const (
	maxDepth = 30
	maxParts = 10000
)

// part is a message or a part of one: places in the whole message.
type part struct {
	from, end, body, to int // the fields are from from to end
	depth               int
	empty               bool
	fields              []field

	kind        media  // of Content-Type
	disposition media  // of Content-Disposition
	encoding    string // of Content-Transfer-Encoding, in lower case

	boundary   string
	delimiters []int   // where the boundary stands
	parts      []*part // of a multipart, or the message within
	unread     string  // why the parts are not known, if they are not

	// What becomes of it.
	newKind, newDisposition *media
	newEncoding             string // "" for as it is, "none" for none
	newBoundary             string
	before, after           string // texts to show with it
	more                    []string
	text                    string   // that stands in its place
	where                   string   // in words
	texts                   []string // of fields, as they are to be
	headless                bool     // to some readers it has a header, and it shall have none
	done                    bool     // what stands in it is not looked at
}

// parse reads a part. kind is its media type if it names none.
func (s *sanitizer) parse(from, to int, kind string, depth int) *part {
	p := &part{from: from, to: to, depth: depth}
	p.fields, p.body, p.empty = header(s.mess, from, to)
	if len(p.fields) > 0 && p.fields[0].name == "" {
		// It has no header.
		p.fields, p.end, p.body, p.empty = nil, from, from, false
	} else {
		p.end = from
		if n := len(p.fields); n > 0 {
			p.end = p.fields[n-1].to
		}
	}
	p.kind.kind = kind
	if value := p.first(s.mess, "content-type"); value != nil {
		p.kind = parseMedia(value)
		if major, minor, _ := strings.Cut(p.kind.kind, "/"); major == "" || minor == "" {
			p.kind.kind = kind
		}
	}
	p.disposition = parseMedia(p.first(s.mess, "content-disposition"))
	p.encoding = parseMedia(p.first(s.mess, "content-transfer-encoding")).kind

	s.parts++
	switch {
	case strings.HasPrefix(p.kind.kind, "multipart/"):
		p.boundary = p.plain("boundary")
		switch {
		case depth >= maxDepth:
			p.unread = tooMany
		case p.boundary != "" && bytes.Contains(s.mess[p.body:p.to], []byte("\r--"+p.boundary)):
			p.unread = "lines that end with CR alone" // to some
		case p.boundary != "":
			s.split(p, depth)
		}
	case p.isMessage() && s.c.Forwards:
		switch {
		case depth >= maxDepth || s.parts >= maxParts:
			p.unread = tooMany
		case p.coded():
			p.unread = "a message that is encoded"
		default:
			p.parts = []*part{s.parse(p.body, p.to, "text/plain", depth+1)}
		}
	}
	return p
}

const tooMany = "more parts than are looked into"

// split reads the parts of a multipart (RFC 2046 section 5.1.1).
func (s *sanitizer) split(p *part, depth int) {
	kind := "text/plain"
	if p.kind.kind == "multipart/digest" {
		kind = "message/rfc822"
	}
	start := -1 // of the part that goes on
	finish := func(to int) {
		if start >= 0 && s.parts < maxParts {
			p.parts = append(p.parts, s.parse(start, max(start, to), kind, depth+1))
		} else if start >= 0 {
			p.unread = tooMany
		}
	}
	for at := p.body; at < p.to && p.unread == ""; {
		end := lineEnd(s.mess, at, p.to)
		rest, ok := bytes.CutPrefix(s.mess[at:end], []byte("--"))
		if ok {
			rest, ok = bytes.CutPrefix(rest, []byte(p.boundary))
		}
		rest = bytes.TrimRight(rest, " \t\r\n")
		if ok && (len(rest) == 0 || string(rest) == "--") {
			p.delimiters = append(p.delimiters, at+2)
			to := at // without the line end that belongs to the delimiter
			if to > p.body && s.mess[to-1] == '\n' {
				if to--; to > p.body && s.mess[to-1] == '\r' {
					to--
				}
			}
			finish(to)
			if start = end; len(rest) > 0 {
				return
			}
		}
		at = end
	}
	finish(p.to)
}

// first is the value of the first field of a name, nil if there is none.
func (p *part) first(mess []byte, name string) []byte {
	for _, f := range p.fields {
		if f.name == name {
			return bytes.Trim(mess[f.value:f.to], " \t\r\n")
		}
	}
	return nil
}

// plain is a parameter of Content-Type as it is written.
func (p *part) plain(name string) string {
	for _, param := range p.kind.params {
		if param.name == name {
			return strings.TrimRight(param.value, " \t")
		}
	}
	return strings.TrimRight(p.kind.get(name), " \t")
}

func (p *part) isMessage() bool {
	switch p.kind.kind {
	case "message/rfc822", "message/global", "message/news":
		return true
	}
	return false
}

// coded tells whether the body is not seen as it stands there.
func (p *part) coded() bool {
	switch p.encoding {
	case encodedBase64, encodedQuoted, "x-uuencode", "x-uue", "uuencode", "x-uu", "binhex", "mac-binhex40", "x-yenc":
		return true
	}
	return false
}

// decodes tells whether what the body is can be read here.
func (p *part) decodes() bool {
	return !p.coded() || p.encoding == encodedBase64 || p.encoding == encodedQuoted
}

// names are the names that the part gives itself as a file.
func (p *part) names() (names []string) {
	for _, name := range append(p.disposition.all("filename"), p.kind.all("name")...) {
		if strings.TrimSpace(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// signed tells whether a part is signed or encrypted, so that a change would spoil it.
func (p *part) signed(mess []byte) bool {
	if len(p.parts) != 2 {
		return false
	}
	second := p.parts[1]
	switch p.kind.kind {
	case "multipart/signed":
		switch second.kind.kind {
		case "application/pgp-signature":
			return bytes.Contains(mess[second.body:second.to], []byte("-----BEGIN PGP "))
		case "application/pkcs7-signature", "application/x-pkcs7-signature":
			return second.encoding == encodedBase64
		}
	case "multipart/encrypted":
		return p.parts[0].kind.kind == "application/pgp-encrypted" && bytes.Contains(mess[second.body:second.to], []byte("-----BEGIN PGP MESSAGE-----"))
	}
	return false
}
