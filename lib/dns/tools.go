package dns

import (
	"errors"
	"io"
	"strings"

	miekg "github.com/miekg/dns"

	"goqmail/lib/exit"
	"goqmail/lib/ip"
	"goqmail/lib/resolv"
)

// Name is the name of an address, the first if it has several. The errors are
// those of Exchangers.
func (r *Resolver) Name(a ip.Addr) (string, error) {
	records, err := r.lookup(strings.Join(resolv.Reverse(a), "."), miekg.TypePTR)
	if err != nil {
		return "", err
	}
	for _, record := range records {
		if ptr, ok := record.(*miekg.PTR); ok {
			return strings.TrimSuffix(ptr.Ptr, "."), nil
		}
	}
	return "", ErrNone
}

// Complain writes what the programs that look something up say of an error, and
// returns their exit code.
func Complain(w io.Writer, err error) int {
	if errors.Is(err, ErrNone) {
		io.WriteString(w, "hard error\n")
		return exit.Perm
	}
	io.WriteString(w, "soft error\n")
	return exit.Temp
}
