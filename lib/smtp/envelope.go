package smtp

import (
	"strings"
	"unicode/utf8"

	"goqmail/lib/extensions"
)

// envelope is what MAIL and RCPT said.
type envelope struct {
	sender     string
	utf8       bool    // the client has said that addresses may be beyond ASCII
	bad        bool    // the sender is in badmailfrom: no recipient is accepted
	denial     *denial // the same by a list of patterns; nil: it is fine
	recipients []string
	size       int // of all recipients, in bytes
}

// maxRecipients is how many bytes of recipients are kept: some hundred
// thousand addresses.
const maxRecipients = 16 << 20

func (s *session) mailFrom(argument string) error {
	if s.lacksTLS() {
		return s.reply(replyTLSFirst)
	}
	if s.authentication.required && !s.loggedIn {
		return s.reply(replyAuthRequired)
	}
	sender, err := s.address(argument)
	if err != nil {
		return err
	}
	if len(sender) > maxAddress {
		s.logTooLong("MAIL", sender)
		return s.reply(replySyntax)
	}
	p := parseParameters(argument)
	mail := &envelope{sender: sender, utf8: s.utf8 && p.utf8, bad: s.isBad(sender)}
	if mail.garbles(sender) {
		return s.reply(replySyntax)
	}
	if refusal := s.unknownDomain(sender); refusal != "" {
		return s.reply(refusal)
	}
	if mail.denial, err = s.denySender(sender); err != nil {
		return err
	}
	if s.knowsSize() && s.databytes > 0 && p.size > uint64(s.databytes) {
		return s.reply(replyTooBig)
	}
	if s.authentication.on && p.auth != nil && s.hop.RemoteInfo == nil {
		s.knownAs(*p.auth)
	}
	s.log("Sender <" + sender + ">")
	s.mail = mail
	return s.reply(replyOK)
}

// garbles tells whether an address is no UTF-8 where the client has promised
// that.
func (e *envelope) garbles(address string) bool { return e.utf8 && !utf8.ValidString(address) }

// isBad tells whether badmailfrom lists a sender or its @domain. The client
// hears of it at each RCPT only, so that it says to whom it would have written.
func (s *session) isBad(sender string) bool {
	if s.lists.noSender || s.extensions.Has(extensions.QRegex) {
		return false
	}
	if s.relayClient != nil && s.extensions.Has(extensions.BadMailFromRelay) {
		return false
	}
	at := strings.LastIndexByte(sender, '@')
	return s.badMailFrom.Has(sender) || at >= 0 && (s.badMailFrom.Has(sender[at:]) || s.isBelowBad(sender[at+1:]))
}

// isBelowBad tells whether badmailfrom lists .domain for one that a host is
// below of. Patched qmail understands such lines, plain qmail does not.
func (s *session) isBelowBad(host string) bool {
	if !s.extensions.Has(extensions.BadMailFromWildcard) {
		return false
	}
	for i, c := range []byte(host) {
		if c == '.' && s.badMailFrom.Has(host[i:]) {
			return true
		}
	}
	return false
}

func (s *session) rcptTo(argument string) error {
	if s.mail == nil {
		return s.wantMail()
	}
	recipient, err := s.address(argument)
	if err != nil {
		return err
	}
	if len(recipient) > maxAddress {
		s.logTooLong("RCPT", recipient)
		return s.reply(replySyntax)
	}
	if s.mail.garbles(recipient) {
		return s.reply(replySyntax)
	}
	if s.mail.bad {
		s.log("Sender address in badmailfrom <" + s.mail.sender + ">")
		return s.reply(replyBadMailFrom)
	}
	if d, err := s.denyRecipient(recipient); err != nil {
		return err
	} else if d != nil {
		return s.refuseDenied(d)
	}
	if s.relayClient != nil {
		recipient += *s.relayClient
	} else if ok, err := s.mayReach(recipient); err != nil {
		return hangUp(replyControls)
	} else if !ok {
		s.log("Recipient domain not in rcpthosts <" + recipient + ">")
		return s.reply(s.noGateway())
	}
	if s.maxRcpt >= 0 && len(s.mail.recipients) >= s.maxRcpt {
		s.log("Too many recipients <" + recipient + ">")
		return s.reply(replyMaxRcpt)
	}
	if refusal, err := s.refuses(recipient); err != nil {
		return err
	} else if refusal != "" {
		s.log("No such recipient <" + recipient + ">")
		s.lists.recipients++
		return s.reply(refusal)
	}
	if refusal, err := s.blocked(); err != nil {
		return err
	} else if refusal != "" {
		s.log("Client blocked <" + recipient + ">")
		return s.reply(refusal)
	}
	if s.mail.size += len(recipient); s.mail.size > maxRecipients {
		return hangUp(replyMemory)
	}
	s.mail.recipients = append(s.mail.recipients, recipient)
	s.log("Recipient <" + recipient + ">")
	s.tarpit.hold(len(s.mail.recipients))
	return s.reply(replyOK)
}

// mayReach tells whether rcpthosts, or else the client's certificate, let a
// recipient be accepted.
func (s *session) mayReach(recipient string) (bool, error) {
	ok, err := s.rcptHosts.Allow(recipient)
	if ok || err != nil {
		return ok, err
	}
	return s.certified()
}

func (s *session) rset(string) error {
	s.log("Session RSET")
	s.mail = nil
	if !s.authentication.hostname {
		s.loggedIn = false
	}
	return s.reply(replyFlushed)
}

func (s *session) wantMail() error {
	s.log("Attempted RCPT or DATA before MAIL")
	return s.reply(replyWantMail)
}
