//go:build linux

package story

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
)

// host is a machine on a network. Its users are the site's, at its name.
type host struct {
	*machine
	name  string
	names *lab.Names
}

// Addresses of hosts, of the nets for examples.
const (
	addrA, addrB, addrC = "192.0.2.1", "192.0.2.2", "192.0.2.3"
	addr6A, addr6B      = "2001:db8::1", "2001:db8::2"
)

// newHosts makes a host for each list of addresses, a.example, b.example and so
// on, and connects them. Each has a name server of its own, which knows the
// hosts by name and address and the records of zone, and a qmail home, in which
// nothing runs yet.
func newHosts(t *testing.T, zone string, addresses ...string) []*host {
	t.Helper()
	var hosts []*host
	var nodes []lab.Node
	for i, list := range addresses {
		h := &host{machine: newMachine(t), name: string(rune('a'+i)) + ".example"}
		node := lab.Node{Host: h.Host}
		for _, text := range strings.Fields(list) {
			addr := netip.MustParseAddr(text)
			if addr.Is6() {
				h.needOurs("IPv6")
			}
			node.Addrs = append(node.Addrs, addr)
			zone += lab.NameRecords(h.name, addr)
		}
		hosts, nodes = append(hosts, h), append(nodes, node)
	}
	switch err := lab.Connect(nodes...); {
	case errors.Is(err, unix.EOPNOTSUPP):
		t.Skipf("hosts cannot be joined here: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	for _, h := range hosts {
		h.in(func() (err error) {
			h.names, err = lab.ServeNames(netip.MustParseAddr("127.0.0.1"), zone)
			return err
		})
		t.Cleanup(h.names.Close)
		h.resolvConf("nameserver 127.0.0.1\n" + patient)
		h.layControl()
	}
	return hosts
}

// layControl makes the host's control files those of a host that knows its name and
// nothing else.
func (h *host) layControl() {
	h.t.Helper()
	h.in(func() error {
		if err := os.Remove(home + "/control/virtualdomains"); err != nil {
			return err
		}
		return os.NewSyscallError("sethostname", unix.Sethostname([]byte(h.name)))
	})
	for _, name := range []string{"me", "locals", "rcpthosts", "defaultdomain", "plusdomain", "smtpgreeting"} {
		h.control(name, h.name+"\n")
	}
	h.t.Cleanup(func() {
		if h.t.Failed() {
			said, _ := h.read("/var/log/smtpd")
			h.t.Logf("%s: connections:\n%s", h.name, said)
		}
	})
}

// up starts the host's system and its SMTP server.
func (h *host) up() {
	h.t.Helper()
	h.start()
	h.listen()
}

// listen serves SMTP at all addresses.
func (h *host) listen() {
	h.t.Helper()
	h.serve("smtpd", "25", "qmail-smtpd")
	h.awaitPort("25")
}

// serve serves a port with a program.
func (h *host) serve(log, port, program string) {
	h.t.Helper()
	listen := []string{home + "/bin/qmail-listen", "::"}
	if !h.ours() {
		need(h.t, "tcpserver", "ucspi-tcp")
		listen = []string{"tcpserver", "0"}
	}
	h.background(log, listen[0], "-v", "-R", "-l", h.name, "-u", fmt.Sprint(users.Uid("qmaild")), "-g", fmt.Sprint(users.PrimaryGid("qmaild")),
		listen[1], port, home+"/bin/"+program)
}

// needOurs skips a test of what the reference does not have.
func (h *host) needOurs(what string) {
	h.t.Helper()
	if !h.ours() {
		h.t.Skip("the reference has no " + what)
	}
}

// setNames replaces what the host knows of the world.
func (h *host) setNames(zone string) {
	h.t.Helper()
	if err := h.names.Set(zone); err != nil {
		h.t.Fatal(err)
	}
}

// at is a user's address at the host.
func (h *host) at(user string) string { return user + "@" + h.name }
