package digest

import (
	"strconv"

	"goqmail/lib/imap"
)

// AppendBody appends the part as BODY, or as BODYSTRUCTURE if extended is set, has it
// (RFC 9051 section 7.5.2).
func (p *Part) AppendBody(b []byte, extended bool) []byte {
	b = append(b, '(')
	if p.Type == "multipart" {
		for _, child := range p.Parts {
			b = child.AppendBody(b, extended)
		}
		if len(p.Parts) == 0 { // there has to be one
			b = (&Part{Type: "text", Subtype: "plain", Encoding: "7BIT"}).AppendBody(b, extended)
		}
		b = append(b, ' ')
		b = imap.AppendString(b, p.Subtype)
		if extended {
			b = append(b, ' ')
			b = appendParams(b, p.Params)
			b = p.appendExtension(b)
		}
		return append(b, ')')
	}
	b = imap.AppendString(b, p.Type)
	b = append(b, ' ')
	b = imap.AppendString(b, p.Subtype)
	b = append(b, ' ')
	b = appendParams(b, p.Params)
	b = append(b, ' ')
	b = imap.AppendNstring(b, p.ID)
	b = append(b, ' ')
	b = imap.AppendNstring(b, p.Description)
	b = append(b, ' ')
	b = imap.AppendString(b, p.Encoding)
	b = append(b, ' ')
	b = strconv.AppendInt(b, p.Body.Len(), 10)
	if p.isMessage() && len(p.Parts) == 1 {
		b = append(b, ' ')
		b = append(b, p.Parts[0].Envelope...)
		b = append(b, ' ')
		b = p.Parts[0].AppendBody(b, extended)
	}
	if p.Type == "text" || p.isMessage() {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(p.Lines), 10)
	}
	if extended {
		b = append(b, ' ')
		b = imap.AppendNstring(b, p.MD5)
		b = p.appendExtension(b)
	}
	return append(b, ')')
}

// appendExtension appends disposition, language and location.
func (p *Part) appendExtension(b []byte) []byte {
	if p.Disposition == "" {
		b = append(b, " NIL"...)
	} else {
		b = append(b, " ("...)
		b = imap.AppendString(b, p.Disposition)
		b = append(b, ' ')
		b = appendParams(b, p.DispParams)
		b = append(b, ')')
	}
	switch len(p.Languages) {
	case 0:
		b = append(b, " NIL"...)
	default:
		b = append(b, " ("...)
		for i, language := range p.Languages {
			if i > 0 {
				b = append(b, ' ')
			}
			b = imap.AppendString(b, language)
		}
		b = append(b, ')')
	}
	b = append(b, ' ')
	return imap.AppendNstring(b, p.Location)
}

func appendParams(b []byte, params []Param) []byte {
	if len(params) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for i, p := range params {
		if i > 0 {
			b = append(b, ' ')
		}
		b = imap.AppendString(b, p.Name)
		b = append(b, ' ')
		b = imap.AppendString(b, p.Value)
	}
	return append(b, ')')
}
