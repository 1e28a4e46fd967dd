package dns

import (
	"strings"

	miekg "github.com/miekg/dns"
)

// Text is what the first TXT record of a name says, its strings joined. The
// errors are those of Exchangers.
func (r *Resolver) Text(name string) (string, error) {
	records, err := r.lookup(name, miekg.TypeTXT)
	if err != nil {
		return "", err
	}
	for _, record := range records {
		if txt, ok := record.(*miekg.TXT); ok {
			return strings.Join(txt.Txt, ""), nil
		}
	}
	return "", ErrNone
}
