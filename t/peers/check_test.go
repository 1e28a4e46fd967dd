//go:build linux

package peers

import (
	"strings"
	"testing"
)

// A mail store as people have had it since 2004 is fine by qmail-check, once it is served.
func TestACheckOfTheMailStore(t *testing.T) {
	t.Parallel()
	m := newMailStore(t)
	out, _ := m.try("root", "", "qmail-check", "store")
	if want := "warning: /var/imap/socket/lmtp: nobody listens: "; !strings.HasPrefix(out, want) || strings.Count(out, "\n") != 1 {
		t.Errorf("before: %q", out)
	}
	m.master()
	if out := m.run("root", "", "qmail-check", "store"); out != "" {
		t.Errorf("after: %q", out)
	}
	m.run("root", "", "sh", "-c", "chown root /var/spool/imap && chmod 755 /usr/cyrus/bin/deliver && openssl genpkey -algorithm ed25519 -out /tmp/key")
	m.write("/etc/imapd.conf", strings.Replace(imapdConf, "tls_key_file: /var/imap/server.pem", "tls_key_file: /tmp/key", 1)+"defaultpartition: one\n", "root")
	out, _ = m.try("root", "", "qmail-check", "store")
	wants(t, "qmail-check", out,
		"error: /usr/cyrus/bin/deliver: is not setuid to cyrus. Type: chown cyrus /usr/cyrus/bin/deliver && chmod 4755 /usr/cyrus/bin/deliver\n",
		"error: /var/spool/imap: does not belong to cyrus. Type: chown -R cyrus:mail /var/spool/imap\n",
		"error: /etc/imapd.conf: defaultpartition is one, and there is no partition-one.\n",
		"error: /var/imap/server.pem: is no certificate with its key: ")
}
