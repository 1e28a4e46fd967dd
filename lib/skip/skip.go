// Package skip reads the rules in scanskip and spamskip, which say what mail
// qmail-scan(8) lets pass.
package skip

import (
	"errors"
	"slices"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/call"
	"goqmail/lib/received"
)

// Rules are the lines of such a file.
type Rules struct {
	relayClient         bool
	ips                 []string // addresses, or how they start
	senders, recipients []string // addresses and @domains, in lower case
}

// Parse reads rules. An error is one or more ErrRule.
func Parse(lines []string) (r Rules, err error) {
	for _, line := range lines {
		if !r.add(line) {
			err = errors.Join(err, ErrRule(line))
		}
	}
	return r, err
}

// ErrRule is the error for a line that is no rule.
type ErrRule string

func (e ErrRule) Error() string { return "no such rule: " + string(e) }

func (r *Rules) add(line string) bool {
	kind, value, ok := strings.Cut(ascii.Lower(line), ":")
	switch {
	case !ok && kind == "relayclient":
		r.relayClient = true
	case ok && kind == "ip" && value != "":
		r.ips = append(r.ips, value)
	case ok && kind == "from":
		r.senders = append(r.senders, value)
	case ok && kind == "to" && value != "":
		r.recipients = append(r.recipients, value)
	default:
		return false
	}
	return true
}

// Client tells whether mail from the client that env tells of may pass.
func (r *Rules) Client(env call.Env) bool {
	if _, relay := env.Lookup("RELAYCLIENT"); relay && r.relayClient {
		return true
	}
	ip := ascii.Lower(received.FromEnv(env).RemoteIP)
	return slices.ContainsFunc(r.ips, func(rule string) bool {
		start := strings.HasSuffix(rule, ".") || strings.HasSuffix(rule, ":")
		return rule == ip || start && strings.HasPrefix(ip, rule)
	})
}

// Sender tells whether mail from this sender may pass.
func (r *Rules) Sender(address string) bool { return listed(r.senders, address) }

// Recipients tells whether mail to all of these recipients may pass.
func (r *Rules) Recipients(addresses []string) bool {
	for _, address := range addresses {
		if !listed(r.recipients, address) {
			return false
		}
	}
	return len(addresses) > 0
}

// listed tells whether an address is in a list, or its @domain.
func listed(list []string, address string) bool {
	address = ascii.Lower(address)
	at := strings.LastIndexByte(address, '@')
	for _, item := range list {
		if item == address || at >= 0 && item == address[at:] {
			return true
		}
	}
	return false
}
