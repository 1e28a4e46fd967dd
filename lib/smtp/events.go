package smtp

import (
	"errors"
	"strconv"
	"strings"

	"goqmail/lib/extensions"
)

// event is what smtpd-log has a line for; see qmail-log(5).
type event struct {
	name      string
	sender    string
	user      string // "": who the client is known to be
	recipient string
	text      string
}

// The names of events. Those about senders and recipients are chkuser's, which
// logwatch counts; "status:" it passes over.
const (
	senderAccepted   = "accepted sender"
	bounceAccepted   = "accepted null sender"
	senderRejected   = "rejected sender"
	rcptAccepted     = "accepted rcpt"
	rcptRelayed      = "relaying rcpt"
	rcptRejected     = "rejected rcpt"
	relayingRejected = "rejected relaying"
	sessionStatus    = "session status"
	authStatus       = "auth status"
	messageStatus    = "message status"
)

// tell tells standard error of an event, if smtpd-log is among the extensions.
func (s *session) tell(e event) {
	if !s.extensions.Has(extensions.SMTPDLog) {
		return
	}
	if e.user == "" && s.hop.RemoteInfo != nil {
		e.user = *s.hop.RemoteInfo
	}
	helo := ""
	if s.hop.Helo != nil {
		helo = *s.hop.Helo
	}
	// Of what stands between colons only the last may have some: an IPv6 address.
	// The line is short enough for a pipe to take it whole, whoever else writes.
	s.call.Err().WriteString("qmail-smtpd[" + strconv.Itoa(s.call.Pid) + "]: CHKUSER " + e.name +
		": from <" + tame(e.sender, " :", maxAddress) + ":" + tame(e.user, " :", 255) +
		":> remote <" + tame(helo, " :", 255) + ":" + tame(s.hop.RemoteHost, " :", 255) + ":" + tame(s.hop.RemoteIP, " ", 255) +
		"> rcpt <" + tame(e.recipient, " ", maxAddress) + "> : " + tame(e.text, "", 900) + "\n")
}

// tame gives at most max bytes of s, with all of them replaced that could make
// others' words look like parts of the line, and those in also.
func tame(s, also string, max int) string {
	b := []byte(s[:min(len(s), max)])
	for i, c := range b {
		if c < ' ' || c > '~' || strings.IndexByte(`<>"`, c) >= 0 || strings.IndexByte(also, c) >= 0 {
			b[i] = '_'
		}
	}
	return string(b)
}

// answer is what the client heard, or will hear, or why it will not.
func (s *session) answer(err error) string {
	var last hangUp
	switch {
	case err == nil:
		return s.said
	case errors.As(err, &last):
		return string(last)
	}
	return s.ending(err)
}

// mailTold is MAIL and its event.
func (s *session) mailTold(argument string) error {
	err := s.mailFrom(argument)
	e := event{name: senderAccepted, sender: parseAddress(argument), text: "sender accepted"}
	if answer := s.answer(err); answer != replyOK {
		e.name, e.text = senderRejected, answer
	} else if e.sender == "" {
		e.name, e.text = bounceAccepted, "accepted null sender always"
	}
	s.tell(e)
	return err
}

// rcptTold is RCPT and its event.
func (s *session) rcptTold(argument string) error {
	err := s.rcptTo(argument)
	e := event{name: rcptAccepted, recipient: parseAddress(argument), text: "found existing recipient domain"}
	if s.mail != nil {
		e.sender = s.mail.sender
	}
	switch answer := s.answer(err); {
	case answer == s.noGateway():
		e.name, e.text = relayingRejected, answer
	case answer != replyOK:
		e.name, e.text = rcptRejected, answer
	case s.relayClient != nil:
		e.name, e.text = rcptRelayed, "client allowed to relay"
	case s.rcptCheck != recipientCheck{}:
		e.text = "found existing recipient"
	}
	s.tell(e)
	return err
}

// dataTold is DATA and its event.
func (s *session) dataTold(argument string) error {
	e := event{name: messageStatus}
	recipients := 0
	if s.mail != nil {
		e.sender, recipients = s.mail.sender, len(s.mail.recipients)
	}
	err := s.data(argument)
	e.text = s.answer(err) + ", " + strconv.Itoa(recipients) + " recipients"
	s.tell(e)
	return err
}

// authTold is AUTH and its event.
func (s *session) authTold(argument string) error {
	s.claimed = ""
	err := s.logIn(argument)
	s.tell(event{name: authStatus, user: s.claimed, text: s.answer(err)})
	return err
}
