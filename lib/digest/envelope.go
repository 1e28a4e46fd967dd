package digest

import (
	"strings"

	"goqmail/lib/casemap"
	"goqmail/lib/imap"
)

// envelope is what ENVELOPE tells of a message (RFC 9051 section 7.5.2).
type envelope struct {
	date, subject                      string
	from, sender, replyTo, to, cc, bcc []address
	inReplyTo, messageID               string
}

func readEnvelope(h header) envelope {
	e := envelope{
		date: h.get("date"), subject: h.get("subject"),
		from: h.addresses("from"), sender: h.addresses("sender"), replyTo: h.addresses("reply-to"),
		to: h.addresses("to"), cc: h.addresses("cc"), bcc: h.addresses("bcc"),
		inReplyTo: h.get("in-reply-to"), messageID: h.get("message-id"),
	}
	if e.sender == nil {
		e.sender = e.from
	}
	if e.replyTo == nil {
		e.replyTo = e.from
	}
	return e
}

// append appends the envelope as it is sent.
func (e envelope) append(b []byte) []byte {
	b = append(b, '(')
	b = imap.AppendNstring(b, e.date)
	b = append(b, ' ')
	b = imap.AppendNstring(b, e.subject)
	for _, list := range [][]address{e.from, e.sender, e.replyTo, e.to, e.cc, e.bcc} {
		b = append(b, ' ')
		b = appendAddresses(b, list)
	}
	b = append(b, ' ')
	b = imap.AppendNstring(b, e.inReplyTo)
	b = append(b, ' ')
	b = imap.AppendNstring(b, e.messageID)
	return append(b, ')')
}

func appendAddresses(b []byte, list []address) []byte {
	if len(list) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for _, a := range list {
		b = append(b, '(')
		for i, s := range []*string{a.name, a.route, a.mailbox, a.host} {
			if i > 0 {
				b = append(b, ' ')
			}
			if s == nil {
				b = append(b, "NIL"...)
			} else {
				b = imap.AppendString(b, *s)
			}
		}
		b = append(b, ')')
	}
	return append(b, ')')
}

// address is an address, or the start of a group, which has a mailbox and no host,
// or its end, which has neither. nil is NIL.
type address struct{ name, route, mailbox, host *string }

// addresses reads all fields of a name.
func (h header) addresses(name string) (list []address) {
	for _, f := range h {
		if f.name == name {
			t := tokens{s: f.value}
			list = append(list, t.addresses()...)
		}
	}
	return list
}

// maxAddresses is how many addresses of a field are looked at.
const maxAddresses = 10000

// addresses takes a list of addresses and groups. What is wrong with one costs no
// more than that one.
func (t *tokens) addresses() (list []address) {
	inGroup := false
	for len(list) < maxAddresses {
		for t.accept(',') {
		}
		if inGroup && t.accept(';') {
			list, inGroup = append(list, address{}), false
			continue
		}
		t.skip()
		if t.s == "" {
			break
		}
		before := len(t.s)
		words, isGroup, a := t.address()
		switch {
		case isGroup:
			list, inGroup = append(list, address{mailbox: &words}), true
		case a != nil:
			list = append(list, *a)
		}
		if len(t.s) == before { // a byte that is part of nothing
			t.s = t.s[1:]
		}
	}
	if inGroup {
		list = append(list, address{})
	}
	return list
}

// address takes one address, or the name of a group and its colon.
func (t *tokens) address() (name string, isGroup bool, a *address) {
	t.comment = ""
	words, raw := t.phrase()
	switch {
	case t.accept(':'):
		return words, true, nil
	case t.accept('<'):
		route, mailbox, host := t.angle()
		a = &address{route: route, mailbox: &mailbox, host: &host}
		if words != "" {
			a.name = &words
		}
		t.junk()
		return "", false, a
	case t.accept('@'):
		host := t.domain()
		t.skip()
		a = &address{mailbox: &raw, host: &host}
		if t.comment != "" { // the way of old: user@host (Name)
			name := t.comment
			a.name = &name
		}
		t.junk()
		return "", false, a
	case raw != "":
		host := ""
		a = &address{mailbox: &raw, host: &host}
		t.junk()
		return "", false, a
	}
	t.junk()
	return "", false, nil
}

// junk passes over what stands where a comma should.
func (t *tokens) junk() {
	for {
		t.skip()
		if t.s == "" || t.s[0] == ',' || t.s[0] == ';' {
			return
		}
		if t.s[0] == '"' {
			t.quoted()
		} else {
			t.s = t.s[1:]
		}
	}
}

// phrase takes words and quoted strings: as a phrase, with a space between words,
// and as a local part, as they stand.
func (t *tokens) phrase() (words, raw string) {
	var w, r strings.Builder
	for {
		had := len(t.s)
		t.skip()
		space := len(t.s) < had
		if t.s == "" {
			break
		}
		word := ""
		if t.s[0] == '"' {
			word = t.quoted()
		} else if word = t.take(isAtom); word == "" {
			break
		}
		if w.Len() > 0 && (space || word != "." && !strings.HasSuffix(r.String(), ".") && !strings.HasPrefix(word, ".")) {
			w.WriteByte(' ')
		}
		w.WriteString(word)
		r.WriteString(word)
	}
	return w.String(), r.String()
}

// isAtom tells whether a byte may be part of a word; dots may, as people write
// them in names.
func isAtom(c byte) bool {
	return c > ' ' && c != 0x7f && !strings.ContainsRune(`()<>@,;:\"[]`, rune(c))
}

// angle takes what stands between < and >.
func (t *tokens) angle() (route *string, mailbox, host string) {
	t.skip()
	if strings.HasPrefix(t.s, "@") { // <@a,@b:user@host>
		if r, rest, ok := strings.Cut(t.s, ":"); ok && !strings.Contains(r, ">") {
			route, t.s = &r, rest
		}
	}
	_, mailbox = t.phrase()
	if t.accept('@') {
		host = t.domain()
	}
	if i := strings.IndexByte(t.s, '>'); i >= 0 {
		t.s = t.s[i+1:]
	}
	return route, mailbox, host
}

// domain takes a host's name or address.
func (t *tokens) domain() string {
	t.skip()
	if strings.HasPrefix(t.s, "[") {
		if i := strings.IndexByte(t.s, ']'); i >= 0 {
			host := t.s[:i+1]
			t.s = t.s[i+1:]
			return host
		}
	}
	var b strings.Builder
	for {
		word := t.take(func(c byte) bool { return isAtom(c) && c != '.' })
		b.WriteString(word)
		saved := *t
		if !t.accept('.') {
			if word != "" || b.Len() > 0 {
				*t = saved
			}
			return b.String()
		}
		b.WriteByte('.')
		t.skip()
	}
}

// Display returns what stands for a message's senders or recipients in a list (RFC 5957):
// the name of the first address of a field, or the address, in the form in which they
// compare.
func Display(head []byte, name string) string {
	list := fields(head).addresses(name)
	if len(list) == 0 {
		return ""
	}
	a := list[0]
	switch {
	case a.name != nil && *a.name != "":
		return casemap.String(Decode(*a.name))
	case a.mailbox == nil:
		return ""
	case a.host == nil || *a.host == "": // a group, or a name alone
		return casemap.String(Decode(*a.mailbox))
	}
	return casemap.String(*a.mailbox + "@" + *a.host)
}

// Addresses returns the value of a field with addresses in its plainest form, without
// comments and quotes: Name <mailbox@host>, group:, and so on.
func Addresses(value string) string {
	t := tokens{s: unfolded(value)}
	var b strings.Builder
	for _, a := range t.addresses() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		if a.name != nil {
			b.WriteString(*a.name + " ")
		}
		switch {
		case a.mailbox == nil: // a group ends
		case a.host == nil:
			b.WriteString(*a.mailbox + ":")
		default:
			b.WriteString("<" + *a.mailbox + "@" + *a.host + ">")
		}
	}
	return b.String()
}

// unfolded puts a field on one line.
func unfolded(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r", ""), "\n", "")
}
