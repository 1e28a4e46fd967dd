package main

import (
	"io"

	"goqmail/lib/rfc822"
)

func (in *injection) readHeader(mess *rfc822.Reader) error {
	for {
		field, err := mess.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errRead
		}
		if err := in.add(field); err != nil {
			return err
		}
	}
}

// add adds a field to the header, with its addresses rewritten. Where they are
// recipients, or the sender, they are noted.
func (in *injection) add(field rfc822.Field) error {
	name := field.Name()
	if in.drops(name) {
		return nil
	}
	in.seen[name] = true

	// A list of recipients with a mistake in it goes out as it is: the message
	// may have been given its recipients in other ways.
	rewrite, mayFail := in.rewriter(name)
	if rewrite != nil {
		rewritten, err := rfc822.RewriteAddresses(field, rewrite)
		switch {
		case err == nil:
			field = rewritten
		case !mayFail:
			return unparsable(string(field))
		}
	}
	switch name {
	case "bcc", "resent-bcc", "return-path":
	case "content-length": // counts what later programs will change
	default:
		in.header = append(in.header, field)
	}
	return nil
}

// drops tells whether QMAILINJECT has a field taken as not there.
func (in *injection) drops(name string) bool {
	switch name {
	case "from":
		return in.letters.dropFrom
	case "message-id":
		return in.letters.dropMessageID
	case "return-path":
		return in.letters.dropReturnPath
	}
	return false
}

// rewriter returns what to do with the addresses in a field; nil when it is not
// known to have any.
func (in *injection) rewriter(name string) (rewrite func(rfc822.Tokens) rfc822.Tokens, mayFail bool) {
	switch name {
	case "to", "cc":
		return in.noting(&in.recipients, &in.toCc), true
	case "bcc", "apparently-to":
		return in.noting(&in.recipients), true
	case "resent-to", "resent-cc", "resent-bcc":
		return in.noting(&in.resentRecipients), true
	case "return-path":
		return in.setSender, false
	case "sender", "from", "reply-to", "return-receipt-to", "errors-to",
		"resent-sender", "resent-from", "resent-reply-to":
		return in.rules.apply, false
	}
	return nil, false
}

// noting returns a function that rewrites an address and adds it to lists.
func (in *injection) noting(lists ...*[]string) func(rfc822.Tokens) rfc822.Tokens {
	return func(address rfc822.Tokens) rfc822.Tokens {
		address = in.rules.apply(address)
		for _, list := range lists {
			*list = append(*list, address.String())
		}
		return address
	}
}

// setSender rewrites an address and makes it the sender, if it is the first.
func (in *injection) setSender(address rfc822.Tokens) rfc822.Tokens {
	address = in.rules.apply(address)
	if !in.hasSender {
		in.sender, in.hasSender = address.String(), true
		if in.letters.verpByRecipient {
			in.sender += "-@[]" // qmail-send(8) puts each recipient there
		}
	}
	return address
}

// resent tells whether the message is one that someone sends on (RFC 822,
// section 4.2).
func (in *injection) resent() bool {
	return in.has("resent-sender", "resent-from", "resent-reply-to", "resent-to",
		"resent-cc", "resent-bcc", "resent-date", "resent-message-id")
}

// has tells whether one of the names is among the fields seen.
func (in *injection) has(names ...string) bool {
	for _, name := range names {
		if in.seen[name] {
			return true
		}
	}
	return false
}
