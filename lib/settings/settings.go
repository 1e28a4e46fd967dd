// Package settings lists the control files that programs of this tree read, with
// what each holds and means in a sentence. See qmail-control(5).
package settings

import (
	"goqmail/lib/extensions"
)

// Kind is how a control file is read.
type Kind int

const (
	List      Kind = iota // a line for each item; None is a whole sentence
	Number                // a number
	Text                  // one line
	Host                  // one line whose default is what me says
	File                  // is there, or not
	Directory             // like a list, of the names in it
)

// Setting is a control file and what it means: Before, the value or one
// item, and After. None is the default.
type Setting struct {
	Name                string
	Kind                Kind
	None, Before, After string
}

// Plain are the control files of qmail itself, in alphabetical order but for rcpthosts,
// with which come morercpthosts and morercpthosts.cdb.
var Plain = [...]Setting{
	{"badmailfrom", List, "Any MAIL FROM is allowed.", "", " not accepted in MAIL FROM."},
	{"bouncefrom", Text, "MAILER-DAEMON", "Bounce user name is ", ""},
	{"bouncehost", Host, "bouncehost", "Bounce host name is ", ""},
	{"concurrencylocal", Number, "10", "Local concurrency is ", ""},
	{"concurrencyremote", Number, "20", "Remote concurrency is ", ""},
	{"databytes", Number, "0", "SMTP DATA limit is ", " bytes"},
	{"defaultdomain", Host, "defaultdomain", "Default domain name is ", ""},
	{"defaulthost", Host, "defaulthost", "Default host name is ", ""},
	{"doublebouncehost", Host, "doublebouncehost", "2B recipient host: ", ""},
	{"doublebounceto", Text, "postmaster", "2B recipient user: ", ""},
	{"envnoathost", Host, "envnoathost", "Presumed domain name is ", ""},
	{"helohost", Host, "helohost", "SMTP client HELO host name is ", ""},
	{"idhost", Host, "idhost", "Message-ID host name is ", ""},
	{"localiphost", Host, "localiphost", "Local IP address becomes ", ""},
	{"locals", List, "Messages for me are delivered locally.", "Messages for ", " are delivered locally."},
	{"me", Text, "undefined! Uh-oh", "My name is ", ""},
	{"percenthack", List, "The percent hack is not allowed.", "The percent hack is allowed for user%host@", "."},
	{"plusdomain", Host, "plusdomain", "Plus domain name is ", ""},
	{"qmqpservers", List, "No QMQP servers.", "QMQP server: ", "."},
	{"queuelifetime", Number, "604800", "Message lifetime in the queue is ", " seconds"},
	{"rcpthosts", List, "SMTP clients may send messages to any recipient.", "SMTP clients may send messages to recipients at ", "."},
	{"smtpgreeting", Host, "smtpgreeting", "SMTP greeting: 220 ", ""},
	{"smtproutes", List, "No artificial SMTP routes.", "SMTP route: ", ""},
	{"timeoutconnect", Number, "60", "SMTP client connection timeout is ", " seconds"},
	{"timeoutremote", Number, "1200", "SMTP client data timeout is ", " seconds"},
	{"timeoutsmtpd", Number, "1200", "SMTP server data timeout is ", " seconds"},
	{"virtualdomains", List, "No virtual domains.", "Virtual domain: ", ""},
}

// Patch is a control file of a patch to qmail. It is explained if it is there, or
// the extension that it belongs to is on.
type Patch struct {
	Setting
	Extension extensions.Name
}

// Patches are those files, in alphabetical order.
var Patches = [...]Patch{
	{Setting{"authsenders", List, "No relays by sender.", "Relay by sender: ", ""}, extensions.SMTPAuth},
	{Setting{"badhelo", List, "", "", " not accepted in HELO."}, ""},
	{Setting{"badhelonorelay", List, "", "", " not accepted in HELO from clients that may not relay."}, ""},
	{Setting{"badmailfromnorelay", List, "", "", " not accepted in MAIL FROM from clients that may not relay."}, ""},
	{Setting{"badmailto", List, "", "", " not accepted in RCPT TO."}, ""},
	{Setting{"badmailtonorelay", List, "", "", " not accepted in RCPT TO from clients that may not relay."}, ""},
	{Setting{"badrcptto", List, "", "", " not accepted in RCPT TO."}, ""},
	{Setting{"badrcpttonorelay", List, "", "", " not accepted in RCPT TO from clients that may not relay."}, ""},
	{Setting{"bouncemaxbytes", Number, "50000", "Bounces contain at most ", " bytes of a message; 0 is all"}, extensions.DoubleBounceTrim},
	{Setting{"brtlimit", Number, "0", "SMTP clients may try ", " bad recipients; 0 is any number"}, ""},
	{Setting{"clamd", Text, "", "Messages are looked at for viruses by the clamd at ", ""}, ""},
	{Setting{"clientca.pem", File, "Certificates of SMTP clients are not checked.", "Certificates of SMTP clients are checked with this one.", ""}, extensions.SMTPTLS},
	{Setting{"clientcert.pem", File, "SMTP client has no certificate.", "SMTP client has this certificate.", ""}, extensions.SMTPTLS},
	{Setting{"clientcrl.pem", File, "", "Certificates of SMTP clients that are listed here do not count.", ""}, ""},
	{Setting{"concurrencyincoming", Number, "40", "SMTP servers at once: ", ""}, ""},
	{Setting{"concurrencypop3", Number, "40", "POP3 servers at once: ", ""}, ""},
	{Setting{"dnsblfailclosed", Number, "0", "DNS lists of hosts that cannot be asked have all: ", "; 0 is no"}, ""},
	{Setting{"dnsbllist", List, "", "DNS list of hosts: ", ""}, ""},
	{Setting{"goodrcptto", List, "", "", " exists, as a recipient."}, ""},
	{Setting{"maxrcpt", Number, "any number of", "A message from an SMTP client may have ", " recipients"}, ""},
	{Setting{"mfcheck", Number, "0", "The domains of senders must be in DNS: ", "; 0 is no"}, ""},
	{Setting{"moregoodrcptto", List, "", "", " exists, as a recipient."}, ""},
	{Setting{"moregoodrcptto.cdb", File, "", "More of goodrcptto.", ""}, ""},
	{Setting{"moreipme", List, "", "", " is an address of this host."}, ""},
	{Setting{"morevalidrcptto", List, "", "Recipients, which a - refuses: ", "."}, ""},
	{Setting{"morevalidrcptto.cdb", File, "", "More of validrcptto.", ""}, ""},
	{Setting{"notipme", List, "", "", " is no address of this host."}, ""},
	{Setting{"notlshosts", Directory, "", "No TLS with ", "."}, ""},
	{Setting{"outgoingip", Text, "", "Outgoing IP address is ", ""}, ""},
	{Setting{"rcptchecks", List, "", "Recipients are checked by ", "."}, ""},
	{Setting{"recipients", List, "", "Recipients are looked up by ", "."}, ""},
	{Setting{"scanbytes", Number, "26214400", "Messages are looked at for viruses up to ", " bytes; 0 is any size"}, ""},
	{Setting{"scanfailure", Text, "defer", "What becomes of messages that cannot be looked at: ", ""}, ""},
	{Setting{"scanreply", Text, "", "Viruses are refused with: ", ""}, ""},
	{Setting{"scanskip", List, "", "Messages are not looked at: ", ""}, ""},
	{Setting{"scantimeout", Number, "180", "A message is looked at for ", " seconds"}, ""},
	{Setting{"scanvirus", Text, "refuse", "What becomes of viruses: ", ""}, ""},
	{Setting{"servercert.pem", File, "SMTP server does not offer STARTTLS.", "SMTP server has this certificate.", ""}, extensions.SMTPTLS},
	{Setting{"servercerts", Directory, "", "SMTP server has a certificate for ", "."}, ""},
	{Setting{"smtp", File, "", "Rules for SMTP clients.", ""}, ""},
	{Setting{"smtp.cdb", File, "", "Rules for SMTP clients, from smtp.", ""}, ""},
	{Setting{"smtputf8", Number, "0", "SMTP with addresses beyond ASCII: ", "; 0 is no"}, ""},
	{Setting{"spambytes", Number, "512000", "Messages are looked at for spam up to ", " bytes; 0 is any size"}, ""},
	{Setting{"spamd", Text, "", "Messages are looked at for spam by the spamd at ", ""}, ""},
	{Setting{"spamscore", Text, "", "Spam is refused from this score on: ", ""}, ""},
	{Setting{"spamskip", List, "", "Messages are not looked at for spam: ", ""}, ""},
	{Setting{"tarpitcount", Number, "0", "SMTP replies are delayed from recipient number ", " on; 0 is never"}, ""},
	{Setting{"tarpitdelay", Number, "5", "They are delayed by ", " seconds"}, ""},
	{Setting{"tlsclientciphers", List, "SMTP client uses the usual ciphers.", "SMTP client cipher: ", ""}, extensions.SMTPTLS},
	{Setting{"tlsclients", List, "No SMTP client may relay because of its certificate.", "SMTP clients may relay with a certificate for ", "."}, extensions.SMTPTLS},
	{Setting{"tlshosts", Directory, "", "TLS is a must by ", "."}, ""},
	{Setting{"tlsserverciphers", List, "SMTP server uses the usual ciphers.", "SMTP server cipher: ", ""}, extensions.SMTPTLS},
	{Setting{"validrcptto", List, "", "Recipients, which a - refuses: ", "."}, ""},
}

// What morercpthosts means depends on whether there is a rcpthosts.
var (
	MoreAdds   = Setting{"morercpthosts", List, "No effect.", "SMTP clients may send messages to recipients at ", "."}
	MoreUnused = Setting{"morercpthosts", List, "No rcpthosts; morercpthosts is irrelevant.", "No rcpthosts; doesn't matter that morercpthosts has ", "."}
)

// Known tells whether there is such a control file: one of plain qmail's, or also one
// of a patch.
func Known(name string, patched bool) bool {
	switch name {
	case "morercpthosts", "morercpthosts.cdb":
		return true
	case "extensions":
		return patched
	}
	for _, s := range Plain {
		if s.Name == name {
			return true
		}
	}
	for _, p := range Patches {
		if p.Name == name {
			return patched
		}
	}
	return false
}
