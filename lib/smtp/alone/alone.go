// Package alone knows which SMTP sessions start no program but the home's
// qmail-queue, without what package smtp has to lead one. It errs on the safe side.
package alone

import (
	"goqmail/lib/call"
	"goqmail/lib/control"
)

// variables start programs in a session, or let files be elsewhere.
var variables = [...]string{
	"QMAILQUEUE", "RCPTCHECK", "VALIDRCPTTO", "MOREVALIDRCPTTO_CDB", "VALIDRCPTTO_CDB", "MFCHECK", "MFDNSCHECK", "DNSBLLIST",
	"SMTPS", "UCSPITLS",
}

// files are the control files of which a session may start programs: for TLS, for
// recipients, for DNS, and for lists that may have patterns.
var files = [...]string{
	"extensions", "servercert.pem",
	"rcptchecks", "validrcptto", "morevalidrcptto.cdb", "goodrcptto", "moregoodrcptto.cdb", "recipients",
	"dnsbllist", "mfcheck",
	"badhelo", "badhelonorelay", "badmailfromnorelay", "badrcptto", "badmailto", "badrcpttonorelay", "badmailtonorelay",
}

// Knower knows which sessions are alone. Its zero value is ready for use.
type Knower struct{ none control.Kept[bool] }

// Session tells whether a session with these arguments and variables is alone.
func (k *Knower) Session(args []string, env call.Env) bool {
	if len(args) > 1 { // a checker of passwords
		return false
	}
	for _, name := range variables {
		if _, set := env.Lookup(name); set {
			return false
		}
	}
	none, _, _ := k.none.Get(none)
	return none
}

// none tells whether there is none of the files. A link is one, wherever it leads.
func none() (bool, error) {
	for _, name := range files {
		if control.Named(name) {
			return false, nil
		}
	}
	return true, nil
}
