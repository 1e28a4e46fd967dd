// Package extensions reads control/extensions, which names the behaviours of
// well-known patches to qmail that a system wants. Only what a patch changes
// without being asked has a name here: what has a control file or an
// environment variable of its own is asked for by that.
//
// Without the file every program behaves as plain qmail does. See
// qmail-control(5).
package extensions

import (
	"errors"
	"slices"

	"goqmail/lib/control"
)

// Name is one line of control/extensions.
type Name string

// The names, which are those that the patches are known by.
const (
	SMTPAuth            Name = "smtp-auth"                 // AUTH in and out, SMTPAUTH
	SMTPAuthHostname    Name = "smtp-auth-hostname"        // AUTH in, with a host name as first argument
	SMTPTLS             Name = "smtp-tls"                  // STARTTLS in and out, STLS
	SMTPDLogmsg         Name = "smtpd-logmsg"              // qmail-smtpd tells its log what happens
	SMTPDLog            Name = "smtpd-log"                 // the same, for programs that read logs
	BadMailFromWildcard Name = "badmailfrom-wildcard"      // lines .domain in badmailfrom
	BadMailFromRelay    Name = "badmailfrom-x-relayclient" // badmailfrom is not for RELAYCLIENT
	QRegex              Name = "qregex"                    // lines of badmailfrom are patterns
	NullSenderOneRcpt   Name = "nullenvsender-recipcount"  // a bounce has one recipient
	RFC2821             Name = "rfc2821"                   // a host that refuses by 4xx: try the next
	DoubleBounceTrim    Name = "doublebounce-trim"         // an empty doublebounceto drops them
	RereadConcurrency   Name = "reread-concurrency"        // HUP rereads concurrency*
	ESMTPSize           Name = "esmtp-size"                // SIZE in EHLO, also without AUTH
	SMTPUTF8            Name = "smtputf8"                  // addresses beyond ASCII, in and out
)

// Known lists all names.
func Known() []Name {
	return []Name{
		SMTPAuth, SMTPAuthHostname, SMTPTLS, SMTPDLogmsg, SMTPDLog, BadMailFromWildcard, BadMailFromRelay,
		QRegex, NullSenderOneRcpt, RFC2821, DoubleBounceTrim, RereadConcurrency, ESMTPSize, SMTPUTF8,
	}
}

// Set is the extensions that are on; nil is none.
type Set []Name

// Has tells whether an extension is on.
func (s Set) Has(name Name) bool { return slices.Contains(s, name) }

// Unknown is the error for a name that means nothing here: a misspelt one must
// not quietly leave a protection off.
type Unknown string

func (u Unknown) Error() string { return "unknown name in control/extensions: " + string(u) }

// Read reads control/extensions. Without the file nothing is on. The error is
// one of reading, or wraps an Unknown for each such name; the set that comes
// with those is the names that are known.
func Read() (Set, error) {
	lines, _, err := control.Lines("extensions")
	if err != nil {
		return nil, err
	}
	var set Set
	var unknown []error
	known := Known()
	for _, line := range lines {
		if !slices.Contains(known, Name(line)) {
			unknown = append(unknown, Unknown(line))
			continue
		}
		set = append(set, Name(line))
	}
	return set, errors.Join(unknown...)
}

// UTF8 tells whether mail with addresses beyond ASCII is spoken of in SMTP: with
// SMTPUTF8 in the set, or by a file of its own, control/smtputf8, with a number
// other than 0.
func (s Set) UTF8() (bool, error) {
	n, err := control.Int("smtputf8", 0)
	return n != 0 || s.Has(SMTPUTF8), err
}
