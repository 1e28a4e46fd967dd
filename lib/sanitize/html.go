package sanitize

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// maxToken is the longest tag or run of text in HTML. Pictures may stand in tags.
const maxToken = 32 << 20

// maxMarkup is how deep markup is looked for in comments and styles.
const maxMarkup = 3

// page defangs HTML. It writes what it reads byte for byte, but for the few bytes that
// make what is active into what is not: a name with mark before it means nothing.
//
// What a reader takes for text or for a comment, another may take for markup, so
// both are read as markup as well.
type page struct {
	active   bool // feat_html
	webbugs  bool // feat_webbugs
	paranoid bool // feat_paranoid: nothing at all is loaded from elsewhere
	changed  bool
	depth    int
}

const mark = "DEFANGED_"

// defang copies r to w.
func (p *page) defang(r io.Reader, w io.Writer) error {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxToken)
	inside := "" // the element whose text comes next
	for {
		kind := z.Next()
		raw := bytes.Clone(z.Raw()) // the tokenizer writes to its own
		was := inside
		inside = ""
		switch kind {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				return z.Err()
			}
			// A tag that never ends is one to some readers.
			if len(raw) > 0 && raw[0] == '<' {
				raw = bytes.ReplaceAll(raw, []byte("<"), []byte("&lt;"))
				p.changed = true
			}
			_, err := w.Write(raw)
			return err
		case html.StartTagToken, html.SelfClosingTagToken:
			t := readTag(raw)
			raw = p.tag(t)
			switch {
			case t.name == "script" && kind == html.StartTagToken, t.name == "style", t.name == "title", t.name == "textarea":
				inside = t.name
			default:
				// Their text is markup to readers that know no scripts or frames,
				// and what follows <script/> in pictures.
				z.NextIsNotRawText()
			}
		case html.EndTagToken:
			if t := readTag(raw); p.active && isActive(t.name) {
				t.insert(2, mark)
				raw = t.apply()
				p.changed = true
			}
		case html.TextToken:
			switch {
			case was == "script" && p.active:
				raw = p.hide(raw)
			case was == "style":
				raw = p.markup(p.styles(raw))
			case was != "":
				raw = p.markup(raw)
			}
		case html.CommentToken:
			raw = p.comment(raw)
		case html.DoctypeToken:
			// In XML it may have markup to be put in elsewhere.
			if p.active && bytes.IndexByte(raw[1:], '<') >= 0 {
				raw = append(raw[:1:1], bytes.ReplaceAll(raw[1:], []byte("<"), []byte("&lt;"))...)
				p.changed = true
			}
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
}

// hide makes the text of a script a comment.
func (p *page) hide(text []byte) []byte {
	p.changed = true
	if p.depth > 0 { // where a comment would end another one
		return nil
	}
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("<"), []byte("&lt;")), []byte(">"), []byte("&gt;"))
	for bytes.Contains(text, []byte("--")) {
		text = bytes.ReplaceAll(text, []byte("--"), []byte("- -"))
	}
	return append(append([]byte("<!-- DEFANGED script: "), text...), " -->"...)
}

// comment defangs what stands in a comment. To the tokenizer that is also what is a
// command to other readers, such as <?import and <!ENTITY.
func (p *page) comment(raw []byte) []byte {
	inner, ok := bytes.CutPrefix(raw, []byte("<!--"))
	if !ok {
		start := strings.ToLower(string(raw[:min(len(raw), len("<?xml-stylesheet"))]))
		if p.active && (strings.HasPrefix(start, "<?") && !strings.HasPrefix(start, "<?xml") ||
			strings.HasPrefix(start, "<?xml-stylesheet") || strings.HasPrefix(start, "<!entity")) {
			p.changed = true
			return bytes.ReplaceAll(raw, []byte("<"), []byte("&lt;"))
		}
		return append(raw[:1:1], p.markup(raw[1:])...)
	}
	end := []byte("-->")
	if !bytes.HasSuffix(inner, end) {
		end = nil
	}
	return append(append([]byte("<!--"), p.markup(inner[:len(inner)-len(end)])...), end...)
}

// markup defangs a text that is markup to somebody.
func (p *page) markup(text []byte) []byte {
	if bytes.IndexByte(text, '<') < 0 {
		return text
	}
	if p.depth >= maxMarkup {
		p.changed = true
		return bytes.ReplaceAll(text, []byte("<"), []byte("&lt;"))
	}
	inner := page{active: p.active, webbugs: p.webbugs, paranoid: p.paranoid, depth: p.depth + 1}
	var out bytes.Buffer
	if err := inner.defang(bytes.NewReader(text), &out); err != nil {
		p.changed = true
		return nil
	}
	if !inner.changed {
		return text
	}
	p.changed = true
	return out.Bytes()
}

// isActive tells whether an element runs something, or shows something from elsewhere.
func isActive(name string) bool {
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	switch name {
	case "script", "object", "embed", "applet", "iframe", "frame", "frameset", "layer", "ilayer", "bgsound", "portal", "fencedframe":
		return true
	}
	return false
}

// tag defangs the start of an element.
func (p *page) tag(t *tag) []byte {
	if p.active && p.forbidden(t) || p.webbugs && t.name == "link" && remote(t.get("href")) {
		t.insert(1, mark)
	}
	bug := p.webbugs && isBug(t)
	for _, a := range t.attributes {
		switch {
		case p.active && strings.HasPrefix(a.name, "on") && len(a.name) > 2,
			p.active && a.name == "srcdoc",
			a.name == "style" && p.bad(a.value),
			bug && (a.name == "src" || a.name == "srcset"),
			p.paranoid && p.webbugs && loads(t.name, a.name) && remote(a.value):
			t.insert(a.from, mark)
		}
		if p.active && executes(a.value) {
			t.insert(a.valueFrom, mark)
		}
	}
	// In an attribute, < stands for itself; to those who take it all for
	// text it would start a tag.
	next := 0
	for i := 1; i < len(t.raw); i++ {
		if t.raw[i] != '<' {
			continue
		}
		for next < len(t.attributes) && t.attributes[next].valueTo <= i {
			next++
		}
		with := "_"
		if next < len(t.attributes) && t.attributes[next].valueFrom <= i {
			with = "&lt;"
		}
		t.edits = append(t.edits, tagEdit{i, i + 1, with})
	}
	if len(t.edits) > 0 {
		p.changed = true
	}
	return t.apply()
}

// forbidden tells whether an element must not be one.
func (p *page) forbidden(t *tag) bool {
	switch t.name {
	case "meta":
		switch strings.ToLower(strings.TrimSpace(t.get("http-equiv"))) {
		case "refresh", "set-cookie":
			return true
		}
		// A page that turns out to be in another character set was not read at all.
		return strings.Contains(squeeze(t.get("charset")+t.get("content")), "utf-7")
	case "link":
		return strings.Contains(strings.ToLower(t.get("rel")), "import")
	case "set", "animate", "animatetransform", "animatemotion":
		return strings.Contains(strings.ToLower(t.get("attributename")), "href")
	case "form", "isindex":
		return p.paranoid
	}
	return isActive(t.name)
}

// loads tells whether an attribute has something loaded as soon as a page is opened.
func loads(element, attribute string) bool {
	switch attribute {
	case "src", "srcset", "background", "poster", "lowsrc", "dynsrc", "data", "xlink:href":
		return true
	case "href":
		return element == "link" || element == "image" || element == "use"
	}
	return false
}

// squeeze is a text without what readers skip in URLs, in lower case.
func squeeze(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' || 0x7f <= r && r <= 0xa0 || r == 0x200b || r == 0x200c || r == 0x200d || r == 0xfeff {
			return -1
		}
		return r
	}, s))
}

// executes tells whether a URL is a program of its own.
func executes(url string) bool {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok {
		return false
	}
	switch scheme, rest = squeeze(scheme), squeeze(rest[:min(len(rest), 200)]); scheme {
	case "javascript", "vbscript", "livescript", "mocha", "mhtml", "ms-its", "its", "mk", "hcp", "shell", "res", "jar", "view-source",
		"search-ms", "ms-msdt", "ms-officecmd", "ms-appinstaller":
		return true
	case "data":
		return strings.HasPrefix(rest, "image/svg") ||
			!strings.HasPrefix(rest, "image/") && !strings.HasPrefix(rest, "font/") && !strings.HasPrefix(rest, "application/font")
	}
	return false
}

// remote tells whether a URL, or one in a list, has something loaded from elsewhere.
func remote(url string) bool {
	url = strings.ReplaceAll(squeeze(url[:min(len(url), 1<<16)]), `\`, "/")
	return strings.HasPrefix(url, "//") || strings.Contains(url, "://") && !strings.HasPrefix(url, "data:")
}

// isBug tells whether an image is there only to tell that it was loaded: one that
// nobody sees.
func isBug(t *tag) bool {
	switch t.name {
	case "img", "image", "input":
	default:
		return false
	}
	if !remote(t.get("src")) && !remote(t.get("srcset")) {
		return false
	}
	small, large := false, false
	size := func(value string) {
		n := 0
		for n < len(value) && '0' <= value[n] && value[n] <= '9' {
			n++
		}
		if pixels, err := strconv.Atoi(value[:n]); err != nil {
			return
		} else if pixels <= 2 && !strings.HasPrefix(value[n:], "%") && !strings.HasPrefix(value[n:], "e") && !strings.HasPrefix(value[n:], ".") {
			small = true
		} else if strings.TrimRight(value[n:], ".0") != "%" || pixels > 0 {
			large = true
		}
	}
	for _, a := range t.attributes {
		switch a.name {
		case "width", "height":
			size(strings.TrimSpace(a.value))
		case "hidden":
			return true
		case "style":
			for _, property := range strings.Split(squeeze(a.value), ";") {
				name, value, _ := strings.Cut(property, ":")
				value = strings.TrimSuffix(value, "!important")
				switch name {
				case "width", "height", "max-width", "max-height":
					size(value)
				case "display", "visibility", "mso-hide":
					if value == "none" || value == "hidden" || value == "all" {
						return true
					}
				}
			}
		}
	}
	return small && !large
}

// styles defangs a style sheet: what it says is put in a comment as a whole.
func (p *page) styles(text []byte) []byte {
	if !p.bad(string(text)) {
		return text
	}
	p.changed = true
	return append(append([]byte("/* DEFANGED "), bytes.ReplaceAll(text, []byte("*/"), []byte("* /"))...), " */"...)
}

// bad tells whether a style does more than style.
func (p *page) bad(style string) bool {
	plain := plainStyle(html.UnescapeString(style))
	if p.active {
		for _, word := range []string{"expression(", "javascript:", "vbscript:", "-moz-binding:", "@import\"javascript"} {
			if strings.Contains(plain, word) {
				return true
			}
		}
		for rest := plain; ; {
			_, after, ok := strings.Cut(rest, "behavior:url(")
			if !ok {
				break
			}
			// Outlook draws with one that is built in.
			if !strings.HasPrefix(strings.TrimLeft(after, `"'`), "#default#") {
				return true
			}
			rest = after
		}
	}
	if p.webbugs && p.paranoid {
		return strings.Contains(plain, "@import") || strings.Contains(plain, "url(") && (strings.Contains(plain, "//") || strings.Contains(plain, `\`))
	}
	return false
}

// plainStyle is a style without comments, escapes and blanks, in lower case.
func plainStyle(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				// Not all agree that it never ends.
				i++
				continue
			}
			i += 2 + end + 1
		case s[i] == '\\' && i+1 < len(s):
			n, digits := 0, 0
			for digits < 6 && i+1 < len(s) && unhex(s[i+1]) >= 0 {
				n = n<<4 | unhex(s[i+1])
				i++
				digits++
			}
			if digits > 0 {
				out.WriteRune(rune(n))
				if i+1 < len(s) && s[i+1] == ' ' {
					i++
				}
			}
		default:
			out.WriteByte(s[i])
		}
	}
	return squeeze(out.String())
}
