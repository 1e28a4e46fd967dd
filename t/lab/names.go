//go:build linux

package lab

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// Names is a host's name server: all that the host knows of the world.
type Names struct {
	mu      sync.Mutex
	records []dns.RR
	servers []*dns.Server
}

// ServeNames starts a name server, at an address of the host it is called in,
// with the records of a zone file, whose names need no dot at their end and no
// TTL.
func ServeNames(addr netip.Addr, zone string) (*Names, error) {
	n := &Names{}
	if err := n.Set(zone); err != nil {
		return nil, err
	}
	address := netip.AddrPortFrom(addr, 53).String()
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		udp.Close()
		return nil, err
	}
	for _, s := range []*dns.Server{{PacketConn: udp}, {Listener: tcp}} {
		s.Handler = n
		n.servers = append(n.servers, s)
		go s.ActivateAndServe() // until Close
	}
	return n, nil
}

// NameRecords are the records, as in a zone file, by which a name has an address
// and the address the name.
func NameRecords(name string, addr netip.Addr) string {
	kind := "AAAA"
	if addr.Is4() {
		kind = "A"
	}
	back, err := dns.ReverseAddr(addr.String())
	if err != nil {
		panic(err) // every address has a name
	}
	return fmt.Sprintf("%s %s %s\n%s PTR %s\n", name, kind, addr, back, name)
}

// Set replaces what the server knows.
func (n *Names) Set(zone string) error {
	parser := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	parser.SetDefaultTTL(300)
	var records []dns.RR
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		records = append(records, record)
	}
	if err := parser.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records = records
	return nil
}

// Close stops the server.
func (n *Names) Close() {
	for _, s := range n.servers {
		s.Shutdown()
	}
}

// ServeDNS answers a query, for package dns.
func (n *Names) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	answer := new(dns.Msg).SetReply(query)
	answer.Authoritative, answer.RecursionAvailable = true, true
	question := query.Question[0]
	var known bool
	answer.Answer, known = n.find(question.Name, question.Qtype)
	if !known {
		answer.Rcode = dns.RcodeNameError
	}
	if _, datagram := w.RemoteAddr().(*net.UDPAddr); datagram {
		size := dns.MinMsgSize
		if opt := query.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		answer.Truncate(size)
	}
	w.WriteMsg(answer) // who does not get it asks again
}

// find finds the records of a type for a name, along with the aliases that lead
// to them. known tells whether there is such a name.
func (n *Names) find(name string, kind uint16) (found []dns.RR, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range 8 { // aliases in a row
		alias := ""
		for _, record := range n.records {
			owner := record.Header().Name
			known = known || dns.IsSubDomain(name, owner)
			if !strings.EqualFold(owner, name) {
				continue
			}
			if c, ok := record.(*dns.CNAME); ok {
				alias = c.Target
			}
			if record.Header().Rrtype == kind || alias != "" {
				found = append(found, record)
			}
		}
		if alias == "" || kind == dns.TypeCNAME {
			break
		}
		name = alias
	}
	return found, known
}
