package digest

import (
	"encoding/binary"
	"errors"
)

// ErrParts is for bytes that AppendParts has not written.
var ErrParts = errors.New("malformed parts")

// AppendParts appends the part and those in it in the form that ParseParts reads:
// strings after their lengths and numbers, all as varints.
func (p *Part) AppendParts(b []byte) []byte {
	for _, s := range []string{p.Type, p.Subtype, p.ID, p.Description, p.Encoding, p.MD5, p.Disposition, p.Location, string(p.Envelope)} {
		b = appendText(b, s)
	}
	for _, list := range [][]Param{p.Params, p.DispParams} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, param := range list {
			b = appendText(appendText(b, param.Name), param.Value)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(p.Languages)))
	for _, language := range p.Languages {
		b = appendText(b, language)
	}
	for _, n := range []int64{p.Header.Start, p.Header.Len(), p.Body.Start, p.Body.Len(), int64(p.Lines), int64(len(p.Parts))} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, child := range p.Parts {
		b = child.AppendParts(b)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// ParseParts reads what AppendParts has written.
func ParseParts(b []byte) (*Part, error) {
	r := partReader{b: b}
	p := r.part(0)
	if r.bad || len(r.b) > 0 {
		return nil, ErrParts
	}
	return p, nil
}

type partReader struct {
	b   []byte
	bad bool
}

func (r *partReader) part(depth int) *Part {
	p := new(Part)
	for _, s := range []*string{&p.Type, &p.Subtype, &p.ID, &p.Description, &p.Encoding, &p.MD5, &p.Disposition, &p.Location} {
		*s = r.text()
	}
	p.Envelope = []byte(r.text())
	for _, list := range []*[]Param{&p.Params, &p.DispParams} {
		for range r.count() {
			*list = append(*list, Param{r.text(), r.text()})
		}
	}
	for range r.count() {
		p.Languages = append(p.Languages, r.text())
	}
	p.Header.Start = r.number()
	p.Header.End = p.Header.Start + r.number()
	p.Body.Start = r.number()
	p.Body.End = p.Body.Start + r.number()
	p.Lines = int(r.number())
	for range r.count() {
		if r.bad = r.bad || depth > maxDepth; r.bad {
			break
		}
		p.Parts = append(p.Parts, r.part(depth+1))
	}
	return p
}

func (r *partReader) number() int64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<62 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int64(n)
}

// count is a number of things that follow, each of one byte at least.
func (r *partReader) count() int {
	n := r.number()
	if n > int64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *partReader) text() string {
	n := r.count()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
