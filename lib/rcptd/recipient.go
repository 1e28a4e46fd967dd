package rcptd

import (
	"strings"

	"goqmail/lib/route"
)

// Recipient asks about a recipient's address as it arrives by SMTP. One that is
// not delivered to on this machine is nobody's business here: it exists. The
// control files are read by whoever calls, so that qmail-rcptd need not.
func Recipient(recipient string) (Answer, error) {
	table, err := route.ReadFor(recipient)
	if err != nil {
		return Unsure, err
	}
	address, local := table.Route(recipient)
	if !local {
		return Exists, nil
	}
	return Ask(address[:strings.LastIndexByte(address, '@')])
}

// Refuses tells whether a recipient's address certainly does not exist here. The
// error, which goes to a log, is why nobody can tell.
func Refuses(recipient string) (bool, error) {
	answer, err := Recipient(recipient)
	return answer == Missing, err
}
