package main

import (
	"slices"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/call"
	"goqmail/lib/ip"
	"goqmail/lib/resolv"
)

// nameServers is whom to ask: DNSCACHEIP, if env has it, comes before
// resolv.conf(5).
func nameServers(env call.Env) *resolv.Config {
	servers := resolv.Load()
	if addr, ok := ip.Parse(env.Get("DNSCACHEIP")); ok {
		servers.Servers = []ip.Addr{addr}
	}
	return servers
}

// hostName returns the name of an address, or nil if it has none. To be
// believed by the paranoid, the name must have the address, too.
func hostName(servers *resolv.Config, a ip.Addr, paranoid bool) *string {
	name, err := servers.PTR(a)
	if err != nil {
		return nil
	}
	if paranoid {
		addresses, err := servers.Addresses(name, a.Is4())
		if err != nil || !slices.Contains(addresses, a) {
			return nil
		}
	}
	text := printable(name)
	return &text
}

// printable writes a name in lower case, with \ooo for what is not a letter, a
// digit, a dash or an underline. The name of the root is a dot.
func printable(name resolv.Name) string {
	if len(name) == 0 {
		return "."
	}
	var b []byte
	for i, label := range name {
		if i > 0 {
			b = append(b, '.')
		}
		for _, c := range []byte(ascii.Lower(label)) {
			if strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789-_", c) >= 0 {
				b = append(b, c)
			} else {
				b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
			}
		}
	}
	return string(b)
}
