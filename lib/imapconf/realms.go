package imapconf

import (
	"bufio"
	"os"
	"slices"
	"strings"
)

// Realms are the names of this host under which saslpasswd2(8) may have put users who
// were given no realm: servername, the host's name, the full one that /etc/hosts has for
// it, and defaultdomain. The first is the one to tell clients.
func (c Conf) Realms() (realms []string) {
	host, _ := os.Hostname()
	for _, name := range []string{c.String("servername", ""), host, canonical("/etc/hosts", host), c.String("defaultdomain", "")} {
		if name != "" && !slices.Contains(realms, name) {
			realms = append(realms, name)
		}
	}
	if len(realms) == 0 {
		return []string{"localhost"}
	}
	return realms
}

// canonical is the first name on the line of a file like hosts(5) that has host; "" if
// there is none, or it is localhost's.
func canonical(path, host string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(text); len(words) > 1 && slices.Contains(words[1:], host) && words[1] != "localhost" {
			return words[1]
		}
	}
	return ""
}

// Virtual tells whether users of other realms than this host's are users here: virtdomains
// is userid or on.
func (c Conf) Virtual() bool {
	return strings.EqualFold(c["virtdomains"], "userid") || c.Bool("virtdomains", false)
}
