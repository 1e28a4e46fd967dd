package main

import (
	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/rfc822"
)

// readControls reads the control files, each of which a variable overrides but
// cannot replace: it must be readable all the same.
func (in *injection) readControls(env call.Env) error {
	if path, ok := env.Lookup("QMAILMFTFILE"); ok {
		lists, _, err := control.LinesOf(path)
		if err != nil {
			return errRead
		}
		in.lists = control.NewSet(lists)
	}
	if qmail.CheckHome() != nil {
		return exit.Defer("internal bug", nil)
	}
	me, hasMe, err := control.Line("me")
	if err != nil {
		return errRead
	}
	setting := func(name, variable string) (string, error) {
		missing := name
		if hasMe {
			missing = me
		}
		line, err := control.LineOr(name, missing)
		if err != nil {
			return "", errRead
		}
		if value, ok := env.Lookup(variable); ok {
			line = value
		}
		return line, nil
	}
	parts := func(before, name, variable string) (rfc822.Tokens, error) {
		line, err := setting(name, variable)
		if err != nil {
			return nil, err
		}
		tokens, err := rfc822.Parse(before + line)
		if err != nil {
			return nil, unparsable(before + line)
		}
		return tokens, nil
	}
	if in.rules.defaultDomain, err = parts(".", "defaultdomain", "QMAILDEFAULTDOMAIN"); err != nil {
		return err
	}
	if in.rules.defaultHost, err = parts("@", "defaulthost", "QMAILDEFAULTHOST"); err != nil {
		return err
	}
	if in.rules.plusDomain, err = parts(".", "plusdomain", "QMAILPLUSDOMAIN"); err != nil {
		return err
	}
	in.idHost, err = setting("idhost", "QMAILIDHOST")
	return err
}
