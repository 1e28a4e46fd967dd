package sanitize

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/emersion/go-message/charset"
	"golang.org/x/net/html"

	"goqmail/lib/anomy"
)

// content looks at what stands in a part that stays.
func (s *sanitizer) content(p *part, where string) error {
	if p.done {
		return nil
	}
	page := p.isPage()
	switch {
	case page && !s.c.HTML && !s.c.Webbugs, !page && !strings.HasPrefix(p.kind.kind, "text/"):
		return nil
	case !p.decodes():
		return s.unread(p, where, "an encoding that cannot be read")
	case page:
		return s.page(p, where)
	case s.c.Scripts || s.c.UUEncoded:
		return s.text(p, where)
	}
	return nil
}

// isPage tells whether a part is HTML to some reader.
func (p *part) isPage() bool {
	switch p.kind.kind {
	case "text/html", "application/xhtml+xml", "image/svg+xml":
		return true
	}
	for _, name := range p.names() {
		name = strings.ToLower(plainName(name))
		for _, extension := range []string{".htm", ".html", ".shtml", ".xhtml", ".xht", ".svg"} {
			if strings.HasSuffix(name, extension) {
				return true
			}
		}
	}
	return false
}

// page defangs a part that is HTML.
func (s *sanitizer) page(p *part, where string) error {
	body := s.mess[p.body:p.to]
	in := decoder(p.encoding, body)
	set := strings.ToLower(strings.TrimSpace(p.kind.get("charset")))
	var start [2]byte
	io.ReadFull(decoder(p.encoding, body), start[:]) // of less than two bytes there is nothing to see
	if string(start[:]) == "\xff\xfe" || string(start[:]) == "\xfe\xff" {
		set = "utf-16"
	}
	// Where < may be half of another character, the text is read as UTF-8.
	wide := strings.HasPrefix(set, "utf-16") || strings.HasPrefix(set, "utf-32") || strings.HasPrefix(set, "iso-2022-") || set == "csiso2022jp" || set == "hz-gb-2312"
	nul := false
	if wide {
		r, err := charset.Reader(set, in)
		switch {
		case err == nil:
			in = r
		case strings.HasPrefix(set, "utf-"):
			return s.unread(p, where, "a character set that cannot be read")
		default:
			wide = false
		}
	}
	if s.c.HTML {
		in = &withoutNUL{in, &nul}
	}
	encoding := p.encoding
	from := s.spool.size
	out := s.spool.encoder(encoding, s.eol)
	made := page{active: s.c.HTML, webbugs: s.c.Webbugs, paranoid: s.c.Paranoid}
	err := made.defang(in, out)
	if err == nil {
		err = out.Close()
	}
	if errors.Is(err, html.ErrBufferExceeded) {
		s.spool.size = from
		return s.unread(p, where, "a tag that is too long")
	}
	if err != nil {
		return err
	}
	// UTF-7 hides all that is HTML, and nobody needs it.
	if strings.Contains(set, "utf-7") && s.c.HTML {
		s.note(where, "it is not shown as UTF-7")
		s.setCharset(p, "us-ascii")
	}
	if !made.changed && !nul {
		s.spool.size = from
		return nil
	}
	s.note(where, "its HTML was defanged")
	if wide {
		s.setCharset(p, "utf-8")
		if encoding != encodedBase64 && encoding != encodedQuoted {
			p.newEncoding = "8bit"
		}
	}
	s.spooled(p, from)
	return nil
}

func (s *sanitizer) setCharset(p *part, set string) {
	kind := p.kind
	if p.newKind != nil {
		kind = *p.newKind
	}
	kind.set("charset", set)
	p.newKind = &kind
}

// withoutNUL skips bytes that old readers skip, and tells that there were some.
type withoutNUL struct {
	r     io.Reader
	found *bool
}

func (w *withoutNUL) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		n, err = w.r.Read(p)
		if bytes.IndexByte(p[:n], 0) >= 0 {
			*w.found = true
			n = copy(p, bytes.ReplaceAll(p[:n], []byte{0}, nil))
		}
	}
	return n, err
}

// text looks for scripts and uuencoded files in a part that is text.
func (s *sanitizer) text(p *part, where string) error {
	data := s.mess[p.body:p.to]
	if p.coded() {
		decoded, unload, err := Load(decoder(p.encoding, data))
		defer unload()
		if err != nil {
			return err
		}
		data = decoded
	}
	var pieces []piece
	if s.c.Scripts && bytes.HasPrefix(data, []byte("#!")) {
		s.note(where, "a script was defanged")
		pieces = append(pieces, piece{1, 1, "DEFANGED"})
	}
	for at := 0; at < len(data); {
		end := lineEnd(data, at, len(data))
		line := bytes.TrimRight(data[at:end], "\r\n")
		if s.c.TrustPGP && bytes.HasPrefix(line, []byte("-----BEGIN PGP ")) {
			if i := bytes.Index(data[end:], []byte("\n-----END PGP ")); i >= 0 {
				block := data[at : end+i]
				if s.c.Verbose && s.c.MsgPGP != "" && bytes.Contains(block, []byte("\nbegin")) {
					pieces = append(pieces, piece{at, at, s.lines(s.c.MsgPGP)})
				}
				at = end + i + 1
				continue
			}
		}
		if s.c.UUEncoded && s.c.Files {
			if name := uuName(line); name > 0 {
				to, base64, ok := uuEnd(data, at, end)
				if ok {
					more, err := s.uu(where, data, at, at+name, at+len(line), end, to, base64)
					if err != nil {
						return err
					}
					pieces = append(pieces, more...)
					end = to
				}
			}
		}
		at = end
	}
	if len(pieces) == 0 {
		return nil
	}
	from := s.spool.size
	out := s.spool.encoder(p.encoding, s.eol)
	at := 0
	for _, e := range pieces {
		if _, err := out.Write(data[at:e.from]); err != nil {
			return err
		}
		if _, err := io.WriteString(out, e.with); err != nil {
			return err
		}
		at = e.to
	}
	if _, err := out.Write(data[at:]); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	s.spooled(p, from)
	return nil
}

// uuName is where the name is in a line that starts a uuencoded file, 0 if it does not.
func uuName(line []byte) int {
	i := len("begin")
	if !bytes.HasPrefix(line, []byte("begin")) {
		return 0
	}
	if bytes.HasPrefix(line[i:], []byte("-base64")) {
		i += len("-base64")
	}
	start := i
	for i < len(line) && line[i] == ' ' {
		i++
	}
	if i == start {
		return 0
	}
	start = i
	for i < len(line) && '0' <= line[i] && line[i] <= '7' {
		i++
	}
	if i-start < 3 || i-start > 4 {
		return 0
	}
	start = i
	for i < len(line) && line[i] == ' ' {
		i++
	}
	if i == start || i == len(line) {
		return 0
	}
	return i
}

// uuEnd is where a uuencoded file ends, whose first line goes from at to end.
func uuEnd(data []byte, at, end int) (to int, base64, ok bool) {
	base64 = bytes.HasPrefix(data[at:], []byte("begin-"))
	last := "end"
	if base64 {
		last = "===="
	}
	for next := end; next < len(data); {
		stop := lineEnd(data, next, len(data))
		line := bytes.TrimRight(data[next:stop], " \t\r\n")
		if string(line) == last {
			return stop, base64, true
		}
		// The first line tells whether this is more than words.
		if next == end && !base64 && len(line) > 0 && !uuLine(line) {
			return 0, false, false
		}
		next = stop
	}
	return len(data), base64, end < len(data)
}

// uuLine tells whether a line may be one of a uuencoded file.
func uuLine(line []byte) bool {
	if line[0] < ' ' || line[0] > '`' {
		return false
	}
	n := int(line[0]-' ') & 63
	want := (n + 2) / 3 * 4
	return len(line)-1 <= want+2
}

// piece is a text instead of a piece of another.
type piece struct {
	from, to int
	with     string
}

// uu judges a uuencoded file: data[at:to], with its name from name to nameEnd.
func (s *sanitizer) uu(where string, data []byte, at, name, nameEnd, start, to int, base64 bool) ([]piece, error) {
	file := string(data[name:nameEnd])
	v, err := s.judge([]string{file}, func() io.Reader {
		if base64 {
			return decoder(encodedBase64, data[start:to])
		}
		return bytes.NewReader(fromUU(data[start:to]))
	})
	if err != nil {
		return nil, err
	}
	var p part
	switch v.policy {
	case anomy.Accept:
		v.cleaned = false // what is cleaned is not put back
		return nil, s.enforce(&p, where, "", v, file)
	case anomy.Defang, anomy.Mangle:
		if err := s.enforce(&p, where, "", v, file); err != nil {
			return nil, err
		}
		return []piece{{name, nameEnd, strings.ReplaceAll(p.newDisposition.get("filename"), " ", "_")}}, nil
	case anomy.Save, anomy.Drop:
		if err := s.enforce(&p, where, "", v, file); err != nil {
			return nil, err
		}
		return []piece{{at, to, p.text}}, nil
	}
	return nil, s.enforce(&p, where, "", v, file)
}

// fromUU decodes the lines of a uuencoded file, as far as they are such.
func fromUU(lines []byte) (out []byte) {
	for line := range bytes.Lines(lines) {
		line = bytes.TrimRight(line, "\r\n")
		if string(line) == "end" {
			break
		}
		if len(line) == 0 || !uuLine(line) {
			continue
		}
		n := int(line[0]-' ') & 63
		line = line[1:]
		for i := 0; i < n; i += 3 {
			var group [4]byte
			for j := range group {
				if k := i/3*4 + j; k < len(line) {
					group[j] = (line[k] - ' ') & 63
				}
			}
			three := []byte{group[0]<<2 | group[1]>>4, group[1]<<4 | group[2]>>2, group[2]<<6 | group[3]}
			out = append(out, three[:min(3, n-i)]...)
		}
	}
	return out
}
