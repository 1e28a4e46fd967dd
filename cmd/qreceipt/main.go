// Qreceipt answers a message that asks for a notice of its delivery. It is
// meant for .qmail files; the environment is qmail-local's.
//
//	qreceipt deliveryaddress
//
// A message asks with a field Notice-Requested-Upon-Delivery-To that holds the
// address. The answer goes to its envelope sender, if it has one. Qreceipt
// exits 0 when the message is answered or needs no answer, 100 if it cannot be
// parsed or the queue refuses the answer, and 111 if it may be tried again. See
// qreceipt(1).
package main

import (
	"errors"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/quote"
	"goqmail/lib/rfc822"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	signal.Ignore(syscall.SIGPIPE)
	sender, ok := c.Env.Lookup("SENDER")
	if len(c.Args) < 2 || !ok {
		io.WriteString(c.Err(), "qreceipt: usage: qreceipt deliveryaddress\n")
		return exit.Perm
	}
	return exit.Report(c.Err(), "qreceipt", qreceipt(c, sender, c.Args[1]))
}

func qreceipt(c *call.Call, sender, target string) error {
	mess := rfc822.NewReader(c.In())
	asked, messageID, err := readHeader(mess, target)
	// Bounces and double bounces get no answer.
	if err != nil || !asked || sender == "" || sender == "#@[]" {
		return err
	}
	if err := answer(c, sender, target, messageID); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, mess.Body()); err != nil {
		return exit.Defer("read error", nil)
	}
	return nil
}

// readHeader tells whether the message asks for a notice to target, and
// returns its last Message-ID field.
func readHeader(mess *rfc822.Reader, target string) (asked bool, messageID rfc822.Field, err error) {
	for {
		field, err := mess.Next()
		switch {
		case err == io.EOF:
			return asked, messageID, nil
		case err != nil:
			return false, "", exit.Defer("read error", nil)
		}
		switch field.Name() {
		case "message-id":
			messageID = field
		case "notice-requested-upon-delivery-to":
			_, err := rfc822.RewriteAddresses(field, func(address rfc822.Tokens) rfc822.Tokens {
				asked = asked || address.String() == target
				return address
			})
			if err != nil {
				return false, "", exit.Reject("unable to parse this: "+strings.TrimSuffix(string(field), "\n"), nil)
			}
		}
	}
}

func answer(c *call.Call, sender, target string, messageID rfc822.Field) error {
	queue, err := qmail.Open(c.Env, c.Err())
	if err != nil {
		return exit.Defer("unable to fork", nil)
	}
	address := quote.Address(sender)
	queue.WriteString("From: DELIVERY NOTICE SYSTEM <" + address + ">\n" +
		"To: <" + address + ">\n" +
		"Subject: success notice\n" +
		"\n" +
		"Hi! This is the qreceipt program. Your message was delivered to the\n" +
		"following address: " + target + ". Thanks for asking.\n")
	if messageID != "" {
		queue.WriteString("Your " + string(messageID))
	}
	queue.From("") // nobody answers an answer
	queue.To(sender)
	var failure *exit.Error
	switch err := queue.Close(); {
	case err == nil:
		return nil
	case errors.As(err, &failure) && failure.Code == exit.Perm:
		return exit.Reject("permanent qmail-queue error", nil)
	default:
		return exit.Defer("temporary qmail-queue error", nil)
	}
}
