package main

import (
	"errors"
	"slices"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/call"
	"goqmail/lib/received"
)

// rules say which mail is let pass.
type rules struct {
	relayClient         bool
	ips                 []string // addresses, or how they start
	senders, recipients []string // addresses and @domains, in lower case
}

func parseRules(lines []string) (r rules, err error) {
	for _, line := range lines {
		kind, value, ok := strings.Cut(line, ":")
		switch {
		case line == "relayclient":
			r.relayClient = true
		case ok && kind == "ip" && value != "":
			r.ips = append(r.ips, ascii.Lower(value))
		case ok && kind == "from":
			r.senders = append(r.senders, ascii.Lower(value))
		case ok && kind == "to" && value != "":
			r.recipients = append(r.recipients, ascii.Lower(value))
		default:
			return r, errors.New("no such rule: " + line)
		}
	}
	return r, nil
}

// hasClient tells whether mail from the client that env tells of is meant.
func (r *rules) hasClient(env call.Env) bool {
	if _, relay := env.Lookup("RELAYCLIENT"); relay && r.relayClient {
		return true
	}
	ip := ascii.Lower(received.FromEnv(env).RemoteIP)
	return slices.ContainsFunc(r.ips, func(rule string) bool {
		start := strings.HasSuffix(rule, ".") || strings.HasSuffix(rule, ":")
		return rule == ip || start && strings.HasPrefix(ip, rule)
	})
}

// hasEnvelope tells whether mail with this sender is meant, or that to all of
// these recipients.
func (r *rules) hasEnvelope(e *envelope) bool {
	if listed(r.senders, e.sender) {
		return true
	}
	for _, recipient := range e.recipients {
		if !listed(r.recipients, recipient) {
			return false
		}
	}
	return len(e.recipients) > 0 && !e.more
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
