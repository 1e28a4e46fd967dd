package main

import (
	"os"
	"strings"
	"time"

	"goqmail/lib/control"
	"goqmail/lib/extensions"
	"goqmail/lib/notls"
)

// policy is how much TLS matters with a host.
type policy struct {
	try         bool
	authorities string // file of those who vouch for the host, below the home; if there is one, it is TLS or nothing
}

// opportunistic tells whether the mail may go in clear text as well.
func (p policy) opportunistic() bool { return p.authorities == "" }

// policyFor looks for what the control files say of a host by its name, as the
// DNS or a route gave it.
func policyFor(t target, wanted extensions.Set) policy {
	// The name is someone else's: it must not lead out of the directory.
	named := t.Name != "" && t.Name[0] != '.' && !strings.ContainsAny(t.Name, "/\x00")
	if named && exists("tlshosts/"+t.Name+".pem") {
		return policy{try: true, authorities: "control/tlshosts/" + t.Name + ".pem"}
	}
	switch {
	case t.port == smtpsPort:
		return policy{try: true}
	case !wanted.Has(extensions.SMTPTLS), exists("tlshosts/exhaustivelist"), named && exists("notlshosts/"+t.Name):
		return policy{}
	}
	// A password is not for all to hear only because somebody broke TLS.
	return policy{try: t.login.given() || !notls.Failed(t.Addr, time.Now())}
}

func exists(name string) bool {
	_, err := os.Stat(control.Path(name))
	return err == nil
}
