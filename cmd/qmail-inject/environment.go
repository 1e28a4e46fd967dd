package main

import "goqmail/lib/call"

// letters are what QMAILINJECT asks for.
type letters struct {
	commentName     bool // c: write From as "address (name)", not "name <address>"
	dropReturnPath  bool // s
	dropFrom        bool // f
	dropMessageID   bool // i
	verpByRecipient bool // r: make the sender end in -@host-@[]
	verpByMessage   bool // m: make the sender end in -date.pid@host
}

// user is the author of the message, as far as the header does not say.
type user struct {
	box, senderBox   string
	host, senderHost optional // the default host, if missing
	fullName         optional
}

// optional is a variable of the environment. An empty one is not a missing one.
type optional struct {
	value string
	ok    bool
}

func (in *injection) readEnvironment(env call.Env) {
	in.letters = parseLetters(env.Get("QMAILINJECT"))

	in.user.host = first(env, "QMAILHOST", "MAILHOST")
	in.user.senderHost = first(env, "QMAILSHOST")
	if !in.user.senderHost.ok {
		in.user.senderHost = in.user.host
	}

	in.user.box = "anonymous"
	if box := first(env, "QMAILUSER", "MAILUSER", "USER", "LOGNAME"); box.ok {
		in.user.box = box.value
	}
	in.user.senderBox = in.user.box
	if box := first(env, "QMAILSUSER"); box.ok {
		in.user.senderBox = box.value
	}
	in.user.fullName = first(env, "QMAILNAME", "MAILNAME", "NAME")
}

// first returns the first of the variables that is set.
func first(env call.Env, names ...string) optional {
	for _, name := range names {
		if value, ok := env.Lookup(name); ok {
			return optional{value, true}
		}
	}
	return optional{}
}

func parseLetters(s string) (l letters) {
	for i := range len(s) {
		switch s[i] {
		case 'c':
			l.commentName = true
		case 's':
			l.dropReturnPath = true
		case 'f':
			l.dropFrom = true
		case 'i':
			l.dropMessageID = true
		case 'r':
			l.verpByRecipient = true
		case 'm':
			l.verpByMessage = true
		}
	}
	return l
}
