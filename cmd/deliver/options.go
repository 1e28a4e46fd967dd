package main

import (
	"os"
	"strings"

	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/quote"
)

const usage = "421-4.3.0 usage: deliver [-C <alt_config> ] [-m mailbox] [-a auth] [-r return_path] [-l] [-D]\r\n421 4.3.0 goqmail\r\n"

// options are what deliver is called with.
type options struct {
	config      string
	mailbox     string  // -m
	user        *string // -a
	sender      *string // -r
	ignoreQuota bool
	pipe        bool
	users       []string
}

// parse reads the arguments. problem is what to say before the usage.
func parse(args []string) (o options, problem string) {
	o.config = imapconf.Default
	opts := getopt.New(args, "C:df:r:m:a:F:eE:lqD")
	for {
		option, ok := opts.Next()
		if !ok {
			break
		}
		arg := opts.Arg
		switch option {
		case 'C':
			o.config = arg
			if dir, err := os.Getwd(); err == nil && !strings.HasPrefix(arg, "/") {
				o.config = dir + "/" + arg // lmtpd is to find it, too
			}
		case 'd', 'D', 'e': // are for compatibility
		case 'f', 'r':
			o.sender = &arg
		case 'm':
			if o.mailbox != "" {
				return o, "deliver: multiple -m options\n"
			}
			o.mailbox = arg
		case 'a':
			if o.user != nil {
				return o, "deliver: multiple -a options\n"
			}
			o.user = &arg
		case 'F', 'E':
			return o, "deliver: '" + string(option) + "' option no longer supported\n"
		case 'l':
			o.pipe = true
		case 'q':
			o.ignoreQuota = true
		default:
			return o, opts.Problem()
		}
	}
	o.users = opts.Rest()
	if !o.pipe && len(o.users) == 0 && o.mailbox == "" {
		return o, "deliver: no recipient\n"
	}
	return o, ""
}

// recipients returns the recipients: users, with the mailbox of -m below their INBOX, or
// that mailbox itself.
func (o *options) recipients() (all []*recipient) {
	users := o.users
	if len(users) == 0 {
		users = []string{""}
	}
	for _, user := range users {
		if o.mailbox != "" {
			local, domain := user, ""
			if at := strings.LastIndexByte(user, '@'); at >= 0 {
				local, domain = user[:at], user[at:]
			}
			user = local + "+" + o.mailbox + domain
		}
		all = append(all, &recipient{address: user})
	}
	return all
}

// envelope returns who sends, and for whom.
func (o *options) envelope(c caller) envelope {
	e := envelope{sender: c.name, user: c.name, ignoreQuota: o.ignoreQuota}
	if o.sender != nil {
		e.sender = strings.TrimSuffix(strings.TrimPrefix(*o.sender, "<"), ">")
	}
	if o.user != nil {
		e.user = c.claim(*o.user)
	}
	return e
}

// path writes an address as LMTP has it.
func path(address string) string {
	clean := []byte(address)
	for i, c := range clean {
		if c < ' ' || c == 0x7f {
			clean[i] = '?'
		}
	}
	address = string(clean)
	if at := strings.LastIndexByte(address, '@'); at >= 0 && !isDomain(address[at+1:]) {
		return "<" + quote.Box(address) + ">"
	}
	return "<" + quote.Address(address) + ">"
}

// isDomain tells whether a text may stand behind the @.
func isDomain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= 0x80, strings.IndexByte(".-_[]:", c) >= 0:
		default:
			return false
		}
	}
	return true
}
