// Package light checks that the programs which start for each connection and
// each message stay free of what is slow to start or big: old run scripts limit
// them to 2 MB of memory, and package crypto alone takes 32.
package light

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// limited are the programs that run scripts and .qmail files start under
// softlimit, or that those start in turn.
var limited = []string{
	"bouncesaying", "condredirect", "deliver", "except", "forward", "preline", "qbiff", "qreceipt",
	"qmail-inject", "qmail-local", "qmail-pop3d", "qmail-popup", "qmail-qmqpd", "qmail-qmtpd",
	"qmail-queue", "qmail-rcptcheck", "qmail-rcptcheck-realrcptto", "qmail-scan", "qmail-smtpd", "sendmail", "tcp-env",
}

// heavy tells whether no such program may have a package.
func heavy(name string) bool {
	switch name {
	case "net", "os/exec", "os/user", "regexp", "embed", "text/template":
		return true
	}
	return strings.HasPrefix(name, "crypto") || strings.HasPrefix(name, "net/http")
}

func TestLimited(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "goqmail/cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		packages := strings.Fields(line)
		program := strings.TrimPrefix(packages[0], "goqmail/cmd/")
		if !slices.Contains(limited, program) {
			continue
		}
		for _, name := range packages[1:] {
			if heavy(name) {
				t.Errorf("%s has package %s", program, name)
			}
		}
	}
}
