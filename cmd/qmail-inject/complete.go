package main

import (
	"io"
	"strconv"

	"goqmail/lib/date822"
	"goqmail/lib/quote"
	"goqmail/lib/rfc822"
)

// makeSender makes up the envelope sender of a message that does not say it.
func (in *injection) makeSender() error {
	box := in.user.senderBox
	if in.letters.verpByMessage {
		box += "-" + strconv.FormatInt(in.start.Unix(), 10) + "." + strconv.Itoa(in.pid)
	}
	if in.letters.verpByRecipient {
		box += "-"
	}
	field := rfc822.Tokens{{Kind: rfc822.Atom, Text: "Return-Path"}, {Kind: rfc822.Colon}, {Kind: rfc822.Quote, Text: box}}
	_, err := in.made(append(field, at(in.user.senderHost)...), in.setSender)
	return err
}

// from makes a From field.
func (in *injection) from() (rfc822.Field, error) {
	address := rfc822.Tokens{{Kind: rfc822.Atom, Text: in.user.box}}
	if quote.Need(in.user.box) {
		address[0].Kind = rfc822.Quote
	}
	address = append(address, at(in.user.host)...)

	field := rfc822.Tokens{{Kind: rfc822.Atom, Text: "From"}, {Kind: rfc822.Colon}}
	switch name := in.user.fullName; {
	case !name.ok:
		field = append(field, address...)
	case in.letters.commentName:
		field = append(append(field, address...), rfc822.Token{Kind: rfc822.Comment, Text: name.value})
	default:
		field = append(field, rfc822.Token{Kind: rfc822.Quote, Text: name.value}, rfc822.Token{Kind: rfc822.Left})
		field = append(append(field, address...), rfc822.Token{Kind: rfc822.Right})
	}
	return in.made(field, in.rules.apply)
}

// at is the end of an address at host. The name is one token here, but not once
// it is written and read again.
func at(host optional) rfc822.Tokens {
	if !host.ok {
		return nil
	}
	return rfc822.Tokens{{Kind: rfc822.At}, {Kind: rfc822.Atom, Text: host.value}}
}

// made treats a field that we made like one that we read.
func (in *injection) made(field rfc822.Tokens, rewrite func(rfc822.Tokens) rfc822.Tokens) (rfc822.Field, error) {
	text := rfc822.Field(field.Format())
	rewritten, err := rfc822.RewriteAddresses(text, rewrite)
	if err != nil {
		return "", unparsable(string(text))
	}
	return rewritten, nil
}

// missing returns the fields that the message must have and has not.
func (in *injection) missing() (fields string, err error) {
	prefix, lower := "", ""
	if in.resent() {
		prefix, lower = "Resent-", "resent-"
	}
	if !in.has(lower + "date") {
		fields += prefix + "Date: " + date822.Format(in.start) + "\n"
	}
	if !in.has(lower + "message-id") {
		fields += prefix + "Message-ID: <" + in.messageID() + ">\n"
	}
	if !in.has(lower + "from") {
		from, err := in.from()
		if err != nil {
			return "", err
		}
		fields += prefix + string(from)
	}
	if !in.has(lower+"to", lower+"cc") {
		fields += prefix + "Cc: recipient list not shown: ;\n"
	}
	if prefix == "" {
		fields += in.mailFollowupTo()
	}
	return fields, nil
}

// messageID makes a name that no other message has, as long as idhost belongs to
// this machine and process numbers do not come back within a second.
func (in *injection) messageID() string {
	return date822.Stamp(in.start) + "." + strconv.Itoa(in.pid) + ".qmail@" + untilNUL(in.idHost)
}

// mailFollowupTo makes a Mail-Followup-To field with all addresses of To and Cc
// if one of them is a mailing list of the author's, as QMAILMFTFILE says.
func (in *injection) mailFollowupTo() string {
	if in.has("mail-followup-to") || !in.toLists() {
		return ""
	}
	field := "Mail-Followup-To: "
	for i := len(in.toCc) - 1; i >= 0; i-- {
		field += quote.Address(untilNUL(in.toCc[i]))
		if i > 0 {
			field += ",\n  "
		}
	}
	return field + "\n"
}

func (in *injection) toLists() bool {
	for _, address := range in.toCc {
		if in.lists.Has(address) {
			return true
		}
	}
	return false
}

// write writes the complete message to out, which does not fail.
func (in *injection) write(out io.Writer, body io.Reader) error {
	fields, err := in.missing()
	if err != nil {
		return err
	}
	io.WriteString(out, fields)
	for _, field := range in.header {
		io.WriteString(out, string(field))
	}
	buf := make([]byte, 8192)
	for {
		n, err := body.Read(buf)
		out.Write(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errRead
		}
	}
}
