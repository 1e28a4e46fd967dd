package main

import (
	"strings"

	"goqmail/lib/control"
)

// routes tells how recipients are delivered to. It is never changed, only
// replaced as a whole, so that preprocessors can use it side by side.
type routes struct {
	defaultHost string      // for addresses without @
	percenthack control.Set // hosts that mail may be routed through
	locals      control.Set // hosts that are this one
	virtual     control.Map // address, domain, .domain or nothing to prepend
}

// route completes a recipient's address and tells whether it is local.
func (r *routes) route(recipient string) (address string, local bool) {
	address = r.unhack(r.complete(recipient))
	at := strings.LastIndexByte(address, '@')
	if r.locals.Has(address[at+1:]) {
		return address, true
	}
	if prepend, ok := r.virtualAt(address, at); ok {
		return prepend + "-" + address, true
	}
	return address, false
}

// complete adds the host that an address lacks.
func (r *routes) complete(address string) string {
	if strings.IndexByte(address, '@') < 0 {
		return address + "@" + r.defaultHost
	}
	return address
}

// unhack turns user%fqdn@domain into user@fqdn as long as control/percenthack
// lists the domain.
func (r *routes) unhack(address string) string {
	at := strings.LastIndexByte(address, '@')
	for r.percenthack.Has(address[at+1:]) {
		percent := strings.LastIndexByte(address[:at], '%')
		if percent < 0 {
			break
		}
		address = address[:percent] + "@" + address[percent+1:at]
		at = percent
	}
	return address
}

// virtualAt finds what to prepend to an address whose last @ is at the given
// place: first for the address itself, then for its domain, then for shorter
// and shorter ends of it that start with a dot, last for anything. ok is false if
// there is none, or an empty one, which makes an exception.
func (r *routes) virtualAt(address string, at int) (prepend string, ok bool) {
	if prepend, ok := r.virtual.Get(address); ok {
		return prepend, prepend != ""
	}
	return r.virtualDomain(address[at+1:])
}

func (r *routes) virtualDomain(domain string) (prepend string, ok bool) {
	for i := 0; i <= len(domain); i++ {
		if i == 0 || i == len(domain) || domain[i] == '.' {
			if prepend, ok := r.virtual.Get(domain[i:]); ok {
				return prepend, prepend != ""
			}
		}
	}
	return "", false
}

// original takes off again what a virtual domain prepended to a recipient's
// address, so that bounces show what the sender wrote. The prepend of a single
// virtual address stays.
func (r *routes) original(recipient string) string {
	at := strings.LastIndexByte(recipient, '@')
	if at < 0 {
		return recipient
	}
	if prepend, ok := r.virtualDomain(recipient[at+1:]); ok {
		if rest, ok := strings.CutPrefix(recipient, prepend+"-"); ok {
			return rest
		}
	}
	return recipient
}

// perRecipient is the sender for one recipient of a message: list-@host-@[]
// stands for list-box=domain@host with the box and domain of the recipient, so
// that a bounce tells whose address failed.
func perRecipient(sender, recipient string) string {
	list, ok := strings.CutSuffix(sender, "-@[]")
	if !ok {
		return sender
	}
	at, rcptAt := strings.LastIndexByte(list, '@'), strings.LastIndexByte(recipient, '@')
	if at < 0 || rcptAt < 0 {
		return sender
	}
	return list[:at] + recipient[:rcptAt] + "=" + recipient[rcptAt+1:] + list[at:]
}

// bounceTo is the sender as bounces are addressed to: list-@host for
// list-@host-@[].
func bounceTo(sender string) string { return strings.TrimSuffix(sender, "-@[]") }
