package main

// verdict is the report on the message as a whole, without the NUL at its end:
// K it was accepted by at least one recipient's host, Z it may be tried again,
// D it failed for good; and a text that goes to the log or into a bounce.
type verdict string

// The verdicts that need no details. qmail-rspawn knows them by their first
// byte, people by their text, programs by the code in it (RFC 3463).
const (
	noHome      verdict = "ZUnable to switch to home directory. (#4.3.0)\n"
	noControls  verdict = "ZUnable to read control files. (#4.3.0)\n"
	badSource   verdict = "Zinvalid ipaddr in control/outgoingip (#4.3.0)\n"
	noResources verdict = "ZSystem resources temporarily unavailable. (#4.3.0)\n"
	noMessage   verdict = "ZUnable to read message. (#4.3.0)\n"
	noDNS       verdict = "ZSorry, I couldn't find any host by that name. (#4.1.2)\n"
	noAnswer    verdict = "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"
	misused     verdict = "DI (qmail-remote) was invoked improperly. (#5.3.5)\n"
	partialLine verdict = "DSMTP cannot transfer messages with partial final lines. (#5.6.2)\n"
	noExchanger verdict = "DSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n"
	ambiguous   verdict = "DSorry. Although I'm listed as a best-preference MX or A for that host,\n" +
		"it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n"
)

// These stand for a verdict where there is none yet.
const (
	tryNext   verdict = "next" // another host may take the message
	startOver verdict = "over" // over a new connection, this one may
)

// noHost is the verdict where DNS knows no such host.
func noHost(name string) verdict {
	return verdict("DSorry, I couldn't find any host named " + printable(name) + ". (#5.1.2)\n")
}

// printable replaces what would garble a line.
func printable(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c <= ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
