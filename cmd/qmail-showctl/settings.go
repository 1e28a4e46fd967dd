package main

// kind is how a control file is read.
type kind int

const (
	list   kind = iota // a line for each item; none is a whole sentence
	number             // a number
	text               // one line
	host               // one line whose default is what me says
	patch              // one line that plain qmail does not know: explained where it is there, and told to be unknown as well
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
	{"outgoingip", patch, "", "Outgoing IP address is ", ""},
	{"percenthack", list, "The percent hack is not allowed.", "The percent hack is allowed for user%host@", "."},
	{"plusdomain", host, "plusdomain", "Plus domain name is ", ""},
	{"qmqpservers", list, "No QMQP servers.", "QMQP server: ", "."},
	{"queuelifetime", number, "604800", "Message lifetime in the queue is ", " seconds"},
	{"rcpthosts", list, "SMTP clients may send messages to any recipient.", "SMTP clients may send messages to recipients at ", "."},
	{"smtpgreeting", host, "smtpgreeting", "SMTP greeting: 220 ", ""},
	{"smtproutes", list, "No artificial SMTP routes.", "SMTP route: ", ""},
	{"smtputf8", patch, "", "SMTPUTF8: ", ""},
	{"timeoutconnect", number, "60", "SMTP client connection timeout is ", " seconds"},
	{"timeoutremote", number, "1200", "SMTP client data timeout is ", " seconds"},
	{"timeoutsmtpd", number, "1200", "SMTP server data timeout is ", " seconds"},
	{"virtualdomains", list, "No virtual domains.", "Virtual domain: ", ""},
}

// What morercpthosts means depends on whether there is a rcpthosts.
var (
	moreAdds   = setting{"morercpthosts", list, "No effect.", "SMTP clients may send messages to recipients at ", "."}
	moreUnused = setting{"morercpthosts", list, "No rcpthosts; morercpthosts is irrelevant.", "No rcpthosts; doesn't matter that morercpthosts has ", "."}
)

// known tells whether this program explains the file.
func known(name string) bool {
	if name == "morercpthosts" || name == "morercpthosts.cdb" {
		return true
	}
	for _, s := range settings {
		if s.name == name && s.kind != patch {
			return true
		}
	}
	return false
}
