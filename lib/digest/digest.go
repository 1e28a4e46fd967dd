// Package digest reads a message once and keeps what IMAP clients ask for again
// and again, so that listing, sorting and searching headers need not open the message.
package digest

import (
	"bytes"
	"crypto/sha256"
	"io"
	"mime"
	"strings"

	"github.com/emersion/go-message/charset"

	"goqmail/lib/casemap"
)

// Digest is what is kept of a message.
type Digest struct {
	Envelope      []byte // ENVELOPE (RFC 9051 section 7.5.2) as it is sent, without the name
	BodyStructure []byte // BODYSTRUCTURE likewise
	Parts         []byte // the message as a Part, for ParseParts
	ID            []byte // EMAILID (RFC 8474): the same for the same bytes
	Header        []byte // the header with the empty line, or a part of a very long one without; see Whole

	// What RFC 5256 sorts and threads by.
	Date       int64  // the sent date in seconds since 1970, 0 if there is none
	Subject    string // the base subject, as lib/casemap has it
	Reply      bool   // the subject is that of a reply or forward
	From       string // the mailbox of the first address of each field, likewise
	To         string
	Cc         string
	MessageID  string   // without < and >
	References []string // likewise; In-Reply-To if there are none
}

// Read reads a message of a size. It keeps no more of it in memory than its header.
func Read(r io.ReaderAt, size int64) (*Digest, error) {
	sum := sha256.New()
	p, text, err := scan(io.TeeReader(io.NewSectionReader(r, 0, size), sum))
	if err != nil {
		return nil, err
	}
	d := &Digest{
		Envelope: p.Envelope, BodyStructure: p.AppendBody(nil, true), Parts: p.AppendParts(nil),
		ID: sum.Sum(nil)[:16], Header: text,
	}
	h := fields(text)
	if date, ok := SentDate(h.get("date")); ok {
		d.Date = date.Unix()
	}
	d.Subject, d.Reply = BaseSubject(Decode(h.get("subject")))
	d.From, d.To, d.Cc = h.sortMailbox("from"), h.sortMailbox("to"), h.sortMailbox("cc")
	d.MessageID, d.References = h.thread()
	return d, nil
}

// Whole tells whether a Digest's Header is all of it, with the empty line.
func Whole(header []byte) bool {
	return bytes.HasSuffix(header, []byte("\n\r\n")) || string(header) == "\r\n"
}

// sortMailbox is what SORT takes of a field with addresses.
func (h header) sortMailbox(name string) string {
	for _, a := range h.addresses(name) {
		if a.mailbox != nil {
			return casemap.String(*a.mailbox)
		}
	}
	return ""
}

// thread returns the ids of the message and of those it refers to.
func (h header) thread() (id string, references []string) {
	if ids := messageIDs(h.get("message-id")); len(ids) > 0 {
		id = ids[0]
	}
	references = messageIDs(h.get("references"))
	if len(references) == 0 {
		references = messageIDs(h.get("in-reply-to"))
		references = references[:min(1, len(references))]
	}
	return id, references
}

// maxReferences is how many references of a message are kept, the last ones.
const maxReferences = 500

// messageIDs returns what stands between < and > in a field, without blanks.
func messageIDs(s string) (ids []string) {
	for {
		_, rest, ok := strings.Cut(s, "<")
		if !ok {
			return ids[max(0, len(ids)-maxReferences):]
		}
		id, after, ok := strings.Cut(rest, ">")
		if !ok {
			return ids[max(0, len(ids)-maxReferences):]
		}
		if strings.Contains(id, `"`) { // <"a"@b> is <a@b>
			t := tokens{s: id}
			_, mailbox := t.phrase()
			id = mailbox + t.s
		}
		if id = strings.Join(strings.Fields(id), ""); id != "" {
			ids = append(ids, id)
		}
		s = after
	}
}

// Decode decodes the encoded words (RFC 2047) of a field; what cannot be decoded stays.
func Decode(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	decoder := mime.WordDecoder{CharsetReader: func(name string, r io.Reader) (io.Reader, error) {
		if decoded, err := charset.Reader(name, r); err == nil {
			return decoded, nil
		}
		return r, nil // what is ASCII in it can be read
	}}
	if decoded, err := decoder.DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}

// maxSubject is how much of a subject is looked at.
const maxSubject = 1000

// BaseSubject returns what a subject is without the marks of replies and forwards (RFC
// 5256 section 2.1), in the form in which subjects compare, and whether it had any.
func BaseSubject(s string) (base string, reply bool) {
	s = strings.Join(strings.FieldsFunc(s[:min(len(s), maxSubject)], func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }), " ")
	for {
		for s = strings.TrimRight(s, " "); hasSuffixFold(s, "(fwd)"); s = strings.TrimRight(s, " ") {
			s, reply = s[:len(s)-len("(fwd)")], true
		}
		for {
			s = strings.TrimLeft(s, " ")
			if rest, ok := withoutLeader(s); ok {
				s, reply = rest, true
			} else if rest, ok := withoutBlob(s); ok && rest != "" {
				s = rest
			} else {
				break
			}
		}
		if !hasPrefixFold(s, "[fwd:") || !strings.HasSuffix(s, "]") {
			return casemap.String(s), reply
		}
		s, reply = s[len("[fwd:"):len(s)-1], true
	}
}

// withoutLeader takes "Re:" and its like from a subject, with what mailing lists put
// into brackets before it.
func withoutLeader(s string) (rest string, ok bool) {
	for {
		rest, ok := withoutBlob(s)
		if !ok {
			break
		}
		s = rest
	}
	switch {
	case hasPrefixFold(s, "re"):
		s = s[len("re"):]
	case hasPrefixFold(s, "fwd"):
		s = s[len("fwd"):]
	case hasPrefixFold(s, "fw"):
		s = s[len("fw"):]
	default:
		return "", false
	}
	s = strings.TrimLeft(s, " ")
	if rest, ok := withoutBlob(s); ok {
		s = rest
	}
	return strings.CutPrefix(s, ":")
}

// withoutBlob takes something in brackets from a subject, and the blanks after it.
func withoutBlob(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return s, false
	}
	end := strings.IndexAny(s[1:], "[]") + 1
	if end == 0 || s[end] == '[' {
		return s, false
	}
	return strings.TrimLeft(s[end+1:], " "), true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// Header fields of a message as they stand, for FETCH and SEARCH.

// Fields returns the fields of a header whose names are, or are not, in a list, as they
// stand there, and the empty line.
func Fields(header []byte, names []string, not bool) []byte {
	var result []byte
	for len(header) > 0 {
		end := fieldEnd(header)
		f := header[:end]
		header = header[end:]
		name, _, ok := bytes.Cut(f, []byte(":"))
		if !ok {
			continue
		}
		if contains(names, string(bytes.TrimRight(name, " \t"))) != not {
			result = append(result, f...)
		}
	}
	return append(result, "\r\n"...)
}

// fieldEnd is where the first field ends, with the lines that continue it.
func fieldEnd(header []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(header[i:], '\n')
		if n < 0 {
			return len(header)
		}
		if i += n + 1; i == len(header) || header[i] != ' ' && header[i] != '\t' {
			return i
		}
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
