package smtp

import (
	"errors"
	"strings"

	"goqmail/lib/badlist"
	"goqmail/lib/call"
	"goqmail/lib/extensions"
)

// badLists are the lists of names and addresses that clients may not use.
type badLists struct {
	badlist.Lists
	heloName   *string // in HELO or EHLO, before it was looked at
	helo       *denial // of that name; nil: it is fine
	noHelo     bool    // NOBADHELO: badhelo counts for nothing
	noSender   bool    // DISABLE_BADMAILFROM: the same for badmailfrom
	logPattern bool    // LOGREGEX: the log tells the pattern
	recipients int     // so far that were bad
}

// denial is why no recipient is accepted. Log and reply are as those of the
// patch qregex.
type denial struct {
	what    string // badhelo, badmailfrom or badmailto
	text    string // the name or address
	line    string // of the list
	norelay bool   // only for clients without RELAYCLIENT
}

func readBadLists(c *call.Call, read *badlist.Read) badLists {
	b := badLists{Lists: badlist.Lists{Env: c.Env, Stderr: c.Err(), Read: read}}
	_, b.noHelo = c.Env.Lookup("NOBADHELO")
	_, b.noSender = c.Env.Lookup("DISABLE_BADMAILFROM")
	_, b.logPattern = c.Env.Lookup("LOGREGEX")
	return b
}

// deny looks a text up in lists, of which those with names in norelay are for
// clients without RELAYCLIENT. It returns nil where none has it. An error ends
// the dialogue: what cannot be told must not pass.
func (s *session) deny(what, text string, lists ...string) (*denial, error) {
	for _, list := range lists {
		norelay := strings.HasSuffix(list, "norelay")
		if norelay && s.relayClient != nil {
			continue
		}
		line, found, err := s.lists.Find(list, text)
		if err != nil {
			s.note("fatal: " + err.Error())
			return nil, errors.Join(hangUp(replyNoList), err)
		}
		if found {
			return &denial{what, text, line, norelay}, nil
		}
	}
	return nil, nil
}

// denyHelo looks at the name in HELO or EHLO, once. The client hears of it at
// RCPT.
func (s *session) denyHelo() (err error) {
	if name := s.lists.heloName; name != nil && !s.lists.noHelo {
		s.lists.helo, err = s.deny("badhelo", *name, "badhelo", "badhelonorelay")
	}
	s.lists.heloName = nil
	return err
}

// denySender looks at the address in MAIL. Bounces always pass.
func (s *session) denySender(sender string) (*denial, error) {
	switch {
	case sender == "" || s.lists.noSender:
		return nil, nil
	case s.extensions.Has(extensions.QRegex):
		if s.relayClient == nil || !s.extensions.Has(extensions.BadMailFromRelay) {
			return s.deny("badmailfrom", sender, "badmailfrom", "badmailfromnorelay")
		}
	}
	return s.deny("badmailfrom", sender, "badmailfromnorelay")
}

// denyRecipient tells why a recipient is not to be accepted, be it because of
// the client's name, the sender, or itself.
func (s *session) denyRecipient(recipient string) (*denial, error) {
	if err := s.denyHelo(); err != nil {
		return nil, err
	}
	for _, d := range []*denial{s.lists.helo, s.mail.denial} {
		if d != nil && (!d.norelay || s.relayClient == nil) { // the client may have logged in since
			return d, nil
		}
	}
	if s.tooManyBad() {
		s.note("badrcptto: excessive rcptto violations hanging up on " + s.hop.RemoteIP)
		return nil, hangUp(replyTooManyBad)
	}
	d, err := s.deny("badmailto", recipient, "badrcptto", "badmailto", "badrcpttonorelay", "badmailtonorelay")
	if d != nil {
		s.lists.recipients++
	}
	return d, err
}

// tooManyBad tells whether the client has named so many bad recipients that it
// need not stay.
func (s *session) tooManyBad() bool { return s.brtLimit > 0 && s.lists.recipients >= s.brtLimit }

// refuseDenied replies, and tells the log in the words that logwatch knows.
func (s *session) refuseDenied(d *denial) error {
	text := d.what + ": <" + d.text + "> at " + s.hop.RemoteIP
	if s.lists.logPattern {
		text += " matches pattern: " + d.line
	}
	s.note(text)
	switch d.what {
	case "badhelo":
		return s.reply(replyBadHelo)
	case "badmailfrom":
		return s.reply(replyBadSender)
	}
	return s.reply(replyBadRecipient)
}

// note tells standard error of something that a list was asked for. Control
// bytes become question marks: these lines have a client's own words.
func (s *session) note(text string) {
	b := []byte("qmail-smtpd: " + text)
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = '?'
		}
	}
	s.call.Err().Write(append(b, '\n'))
}
