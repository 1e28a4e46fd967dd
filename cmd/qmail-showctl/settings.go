package main

import (
	"goqmail/lib/extensions"
)

// kind is how a control file is read.
type kind int

const (
	list      kind = iota // a line for each item; none is a whole sentence
	number                // a number
	text                  // one line
	host                  // one line whose default is what me says
	file                  // is there, or not
	directory             // like a list, of the names in it
)

// setting is a control file and what it means: before, the value or one
// item, and after. none is the default.
type setting struct {
	name                string
	kind                kind
	none, before, after string
}

// settings are the control files, in alphabetical order but for rcpthosts,
// with which come morercpthosts and morercpthosts.cdb.
var settings = [...]setting{
	{"badmailfrom", list, "Any MAIL FROM is allowed.", "", " not accepted in MAIL FROM."},
	{"bouncefrom", text, "MAILER-DAEMON", "Bounce user name is ", ""},
	{"bouncehost", host, "bouncehost", "Bounce host name is ", ""},
	{"concurrencylocal", number, "10", "Local concurrency is ", ""},
	{"concurrencyremote", number, "20", "Remote concurrency is ", ""},
	{"databytes", number, "0", "SMTP DATA limit is ", " bytes"},
	{"defaultdomain", host, "defaultdomain", "Default domain name is ", ""},
	{"defaulthost", host, "defaulthost", "Default host name is ", ""},
	{"doublebouncehost", host, "doublebouncehost", "2B recipient host: ", ""},
	{"doublebounceto", text, "postmaster", "2B recipient user: ", ""},
	{"envnoathost", host, "envnoathost", "Presumed domain name is ", ""},
	{"helohost", host, "helohost", "SMTP client HELO host name is ", ""},
	{"idhost", host, "idhost", "Message-ID host name is ", ""},
	{"localiphost", host, "localiphost", "Local IP address becomes ", ""},
	{"locals", list, "Messages for me are delivered locally.", "Messages for ", " are delivered locally."},
	{"me", text, "undefined! Uh-oh", "My name is ", ""},
	{"percenthack", list, "The percent hack is not allowed.", "The percent hack is allowed for user%host@", "."},
	{"plusdomain", host, "plusdomain", "Plus domain name is ", ""},
	{"qmqpservers", list, "No QMQP servers.", "QMQP server: ", "."},
	{"queuelifetime", number, "604800", "Message lifetime in the queue is ", " seconds"},
	{"rcpthosts", list, "SMTP clients may send messages to any recipient.", "SMTP clients may send messages to recipients at ", "."},
	{"smtpgreeting", host, "smtpgreeting", "SMTP greeting: 220 ", ""},
	{"smtproutes", list, "No artificial SMTP routes.", "SMTP route: ", ""},
	{"timeoutconnect", number, "60", "SMTP client connection timeout is ", " seconds"},
	{"timeoutremote", number, "1200", "SMTP client data timeout is ", " seconds"},
	{"timeoutsmtpd", number, "1200", "SMTP server data timeout is ", " seconds"},
	{"virtualdomains", list, "No virtual domains.", "Virtual domain: ", ""},
}

// patch is a control file of a patch to qmail. It is explained if it is there, or
// the extension that it belongs to is on.
type patch struct {
	setting
	extension extensions.Name
}

// patches are those files, in alphabetical order.
var patches = [...]patch{
	{setting{"authsenders", list, "No relays by sender.", "Relay by sender: ", ""}, extensions.SMTPAuth},
	{setting{"badhelo", list, "", "", " not accepted in HELO."}, ""},
	{setting{"badhelonorelay", list, "", "", " not accepted in HELO from clients that may not relay."}, ""},
	{setting{"badmailfromnorelay", list, "", "", " not accepted in MAIL FROM from clients that may not relay."}, ""},
	{setting{"badmailto", list, "", "", " not accepted in RCPT TO."}, ""},
	{setting{"badmailtonorelay", list, "", "", " not accepted in RCPT TO from clients that may not relay."}, ""},
	{setting{"badrcptto", list, "", "", " not accepted in RCPT TO."}, ""},
	{setting{"badrcpttonorelay", list, "", "", " not accepted in RCPT TO from clients that may not relay."}, ""},
	{setting{"bouncemaxbytes", number, "50000", "Bounces contain at most ", " bytes of a message; 0 is all"}, extensions.DoubleBounceTrim},
	{setting{"brtlimit", number, "0", "SMTP clients may try ", " bad recipients; 0 is any number"}, ""},
	{setting{"clientca.pem", file, "Certificates of SMTP clients are not checked.", "Certificates of SMTP clients are checked with this one.", ""}, extensions.SMTPTLS},
	{setting{"clientcert.pem", file, "SMTP client has no certificate.", "SMTP client has this certificate.", ""}, extensions.SMTPTLS},
	{setting{"clientcrl.pem", file, "", "Certificates of SMTP clients that are listed here do not count.", ""}, ""},
	{setting{"concurrencyincoming", number, "40", "SMTP servers at once: ", ""}, ""},
	{setting{"concurrencypop3", number, "40", "POP3 servers at once: ", ""}, ""},
	{setting{"dnsblfailclosed", number, "0", "DNS lists of hosts that cannot be asked have all: ", "; 0 is no"}, ""},
	{setting{"dnsbllist", list, "", "DNS list of hosts: ", ""}, ""},
	{setting{"goodrcptto", list, "", "", " exists, as a recipient."}, ""},
	{setting{"maxrcpt", number, "any number of", "A message from an SMTP client may have ", " recipients"}, ""},
	{setting{"mfcheck", number, "0", "The domains of senders must be in DNS: ", "; 0 is no"}, ""},
	{setting{"moregoodrcptto", list, "", "", " exists, as a recipient."}, ""},
	{setting{"moregoodrcptto.cdb", file, "", "More of goodrcptto.", ""}, ""},
	{setting{"moreipme", list, "", "", " is an address of this host."}, ""},
	{setting{"morevalidrcptto", list, "", "Recipients, which a - refuses: ", "."}, ""},
	{setting{"morevalidrcptto.cdb", file, "", "More of validrcptto.", ""}, ""},
	{setting{"notipme", list, "", "", " is no address of this host."}, ""},
	{setting{"notlshosts", directory, "", "No TLS with ", "."}, ""},
	{setting{"outgoingip", text, "", "Outgoing IP address is ", ""}, ""},
	{setting{"rcptchecks", list, "", "Recipients are checked by ", "."}, ""},
	{setting{"recipients", list, "", "Recipients are looked up by ", "."}, ""},
	{setting{"servercert.pem", file, "SMTP server does not offer STARTTLS.", "SMTP server has this certificate.", ""}, extensions.SMTPTLS},
	{setting{"servercerts", directory, "", "SMTP server has a certificate for ", "."}, ""},
	{setting{"smtp", file, "", "Rules for SMTP clients.", ""}, ""},
	{setting{"smtp.cdb", file, "", "Rules for SMTP clients, from smtp.", ""}, ""},
	{setting{"smtputf8", number, "0", "SMTP with addresses beyond ASCII: ", "; 0 is no"}, ""},
	{setting{"tarpitcount", number, "0", "SMTP replies are delayed from recipient number ", " on; 0 is never"}, ""},
	{setting{"tarpitdelay", number, "5", "They are delayed by ", " seconds"}, ""},
	{setting{"tlsclientciphers", list, "SMTP client uses the usual ciphers.", "SMTP client cipher: ", ""}, extensions.SMTPTLS},
	{setting{"tlsclients", list, "No SMTP client may relay because of its certificate.", "SMTP clients may relay with a certificate for ", "."}, extensions.SMTPTLS},
	{setting{"tlshosts", directory, "", "TLS is a must by ", "."}, ""},
	{setting{"tlsserverciphers", list, "SMTP server uses the usual ciphers.", "SMTP server cipher: ", ""}, extensions.SMTPTLS},
	{setting{"validrcptto", list, "", "Recipients, which a - refuses: ", "."}, ""},
}

// What morercpthosts means depends on whether there is a rcpthosts.
var (
	moreAdds   = setting{"morercpthosts", list, "No effect.", "SMTP clients may send messages to recipients at ", "."}
	moreUnused = setting{"morercpthosts", list, "No rcpthosts; morercpthosts is irrelevant.", "No rcpthosts; doesn't matter that morercpthosts has ", "."}
)

// known tells whether this program explains the file: one of plain qmail's, or
// also one of a patch.
func known(name string, patched bool) bool {
	switch name {
	case "morercpthosts", "morercpthosts.cdb":
		return true
	case "extensions":
		return patched
	}
	for _, s := range settings {
		if s.name == name {
			return true
		}
	}
	for _, p := range patches {
		if p.name == name {
			return patched
		}
	}
	return false
}
