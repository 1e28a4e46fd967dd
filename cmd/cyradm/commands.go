package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// command is one that the shell knows.
type command struct {
	name     string
	aliases  []string
	usage    string
	help     string
	options  []string // names; one that ends with = has a value
	min, max int      // how many arguments; a max below 0 is any number
	server   bool     // it needs a connection
	run      func(*shell, arguments) error
}

// arguments is what stands after a command.
type arguments struct {
	words   []string
	options map[string]string
}

// word returns an argument, "" if there are fewer.
func (a arguments) word(i int) string {
	if i < len(a.words) {
		return a.words[i]
	}
	return ""
}

func (a arguments) has(option string) bool { _, ok := a.options[option]; return ok }

// commands is the commands by name. Their names, those of their options and the words
// of help are Cyrus's.
func commands() []command {
	return []command{
		{name: "authenticate", aliases: []string{"auth", "login"}, usage: "[--mechanisms LIST] [--notls] [USER]", help: "authenticate to server",
			options: []string{"mechanisms=", "service=", "minssf=", "maxssf=", "tlskey=", "cafile=", "cadir=", "capath=", "notls"}, max: 1, server: true, run: (*shell).login},
		{name: "chdir", aliases: []string{"cd"}, usage: "DIRECTORY", help: "change current directory", min: 1, max: 1,
			run: func(s *shell, a arguments) error { return os.Chdir(a.words[0]) }},
		{name: "createmailbox", aliases: []string{"create", "cm"}, usage: "[--partition PARTITION] [--specialuse USE] MAILBOX [PARTITION]", help: "create mailbox",
			options: []string{"partition=", "specialuse="}, min: 1, max: 2, server: true, run: (*shell).create},
		{name: "deleteaclmailbox", aliases: []string{"deleteacl", "dam"}, usage: "MAILBOX ID [ID ...]", help: "remove ACLs from mailbox", min: 2, max: -1, server: true, run: (*shell).deleteACL},
		{name: "deletemailbox", aliases: []string{"delete", "dm"}, usage: "MAILBOX", help: "delete mailbox", min: 1, max: 1, server: true, run: (*shell).delete},
		{name: "disconnect", aliases: []string{"disc"}, help: "disconnect from current server", server: true,
			run: func(s *shell, a arguments) error { s.disconnect(); return nil }},
		{name: "exit", aliases: []string{"quit"}, usage: "[NUMBER]", help: "exit cyradm", max: 1, run: (*shell).quit},
		{name: "getmetadata", aliases: []string{"getmd"}, usage: "[MAILBOX]", help: "display mailbox/server metadata", max: 1, server: true, run: (*shell).info},
		{name: "help", aliases: []string{"?"}, usage: "[COMMAND ...]", help: "show commands", max: -1, run: (*shell).help},
		{name: "info", usage: "[MAILBOX]", help: "display mailbox/server metadata", max: 1, server: true, run: (*shell).info},
		{name: "listaclmailbox", aliases: []string{"listacl", "lam"}, usage: "MAILBOX", help: "list ACLs on mailbox", min: 1, max: 1, server: true, run: (*shell).listACL},
		{name: "listmailbox", aliases: []string{"lm"}, usage: "[--subscribed] [--specialuse] [PATTERN [BASE]]", help: "list mailboxes",
			options: []string{"subscribed", "specialuse"}, max: 2, server: true, run: (*shell).listMailboxes},
		{name: "listquota", aliases: []string{"lq"}, usage: "ROOT", help: "list quotas on specified root", min: 1, max: 1, server: true, run: (*shell).listQuota},
		{name: "listquotaroot", aliases: []string{"lqr", "lqm"}, usage: "MAILBOX", help: "show quota roots and quotas for mailbox", min: 1, max: 1, server: true, run: (*shell).listQuotaRoot},
		{name: "mboxcfg", aliases: []string{"mboxconfig"}, usage: "[--private] MAILBOX ENTRY VALUE", help: "configure mailbox",
			options: []string{"private"}, min: 3, max: 3, server: true, run: (*shell).configure},
		{name: "reconstruct", usage: "[-r] MAILBOX", help: "reconstruct mailbox (if supported)", options: []string{"r"}, min: 1, max: 1, server: true, run: (*shell).reconstruct},
		{name: "renamemailbox", aliases: []string{"rename", "renm"}, usage: "[--partition PARTITION] OLD NEW [PARTITION]", help: "rename (and optionally relocate) mailbox",
			options: []string{"partition="}, min: 2, max: 3, server: true, run: (*shell).rename},
		{name: "server", aliases: []string{"servername", "connect"}, usage: "[--noauthenticate] [SERVER]", help: "show current server or connect to server",
			options: []string{"noauthenticate"}, max: 1, run: (*shell).server},
		{name: "setaclmailbox", aliases: []string{"setacl", "sam"}, usage: "MAILBOX ID RIGHTS [ID RIGHTS ...]", help: "set ACLs on mailbox", min: 3, max: -1, server: true, run: (*shell).setACL},
		{name: "setinfo", usage: "ENTRY TEXT", help: "set server metadata", min: 2, max: 2, server: true, run: (*shell).setInfo},
		{name: "setmetadata", aliases: []string{"setmd"}, usage: "[--private] MAILBOX ENTRY VALUE", help: "set metadata to mailbox",
			options: []string{"private"}, min: 3, max: 3, server: true, run: (*shell).configure},
		{name: "setquota", aliases: []string{"sq"}, usage: "ROOT {NUMBER | none | RESOURCE NUMBER ...}", help: "set quota on mailbox or resource", min: 1, max: -1, server: true, run: (*shell).setQuota},
		{name: "subscribe", aliases: []string{"sub"}, usage: "MAILBOX", help: "subscribe to a mailbox", min: 1, max: 1, server: true,
			run: func(s *shell, a arguments) error { return s.do("SUBSCRIBE", a.words[0]) }},
		{name: "unsubscribe", aliases: []string{"unsub"}, usage: "MAILBOX", help: "unsubscribe from a mailbox", min: 1, max: 1, server: true,
			run: func(s *shell, a arguments) error { return s.do("UNSUBSCRIBE", a.words[0]) }},
		{name: "version", aliases: []string{"ver"}, help: "display version info of current server", server: true, run: (*shell).version},
	}
}

// find finds a command by its name or an alias.
func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name || slices.Contains(c.aliases, name) {
			return c, true
		}
	}
	return command{}, false
}

// arguments reads options, which begin with one or two dashes and may be cut short, and
// words. ok is false if they are not what the command takes.
func (c command) arguments(words []string) (a arguments, ok bool) {
	a.options = map[string]string{}
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		name := strings.TrimLeft(words[0], "-")
		words = words[1:]
		if name == "" { // --
			break
		}
		i := slices.IndexFunc(c.options, func(o string) bool { return strings.HasPrefix(o, name) })
		if i < 0 {
			return a, false
		}
		option, hasValue := strings.CutSuffix(c.options[i], "=")
		a.options[option] = ""
		if hasValue {
			if len(words) == 0 {
				return a, false
			}
			a.options[option], words = words[0], words[1:]
		}
	}
	a.words = words
	return a, len(words) >= c.min && (c.max < 0 || len(words) <= c.max)
}

func (s *shell) quit(a arguments) error {
	if len(a.words) > 0 {
		n, err := strconv.Atoi(a.words[0])
		if err != nil {
			return fmt.Errorf("%s is no number", a.words[0])
		}
		s.exit = n
	}
	s.ended = true
	return nil
}

func (s *shell) help(a arguments) error {
	all := commands()
	if len(a.words) > 0 {
		for _, name := range a.words {
			c, ok := find(name)
			if !ok {
				return fmt.Errorf("unknown command: %s", name)
			}
			fmt.Fprintf(s.out, "%s %s\n\t%s\n", c.name, c.usage, c.help)
		}
		return nil
	}
	names := func(c command) string { return strings.Join(append([]string{c.name}, c.aliases...), ", ") }
	width := 0
	for _, c := range all {
		width = max(width, len(names(c)))
	}
	for _, c := range all {
		fmt.Fprintf(s.out, "%-*s  %s\n", width, names(c), c.help)
	}
	return nil
}

func (s *shell) server(a arguments) error {
	if len(a.words) == 0 {
		if s.client == nil {
			return errConnection
		}
		fmt.Fprintln(s.out, s.host)
		return nil
	}
	if err := s.connect(a.words[0], s.options.port); err != nil {
		return err
	}
	if a.has("noauthenticate") {
		return nil
	}
	return s.authenticate(s.options)
}

func (s *shell) login(a arguments) error {
	o := s.options
	for option, to := range map[string]*string{"mechanisms": &o.auth, "tlskey": &o.tlskey, "cafile": &o.cafile, "cadir": &o.cadir, "capath": &o.cadir} {
		if value, ok := a.options[option]; ok {
			*to = value
		}
	}
	o.notls = o.notls || a.has("notls")
	if len(a.words) > 0 {
		o.user, o.password = a.words[0], ""
	}
	return s.authenticate(o)
}

// do gives the server a command of which only the success matters.
func (s *shell) do(name string, args ...any) error {
	_, err := s.client.Do(name, args...)
	return err
}
