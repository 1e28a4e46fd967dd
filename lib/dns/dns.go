// Package dns finds out where mail for a domain is to be sent (RFC 5321, section
// 5.1), by asking the machine's name servers. How they are asked is in
// lib/resolv; this package knows the records.
package dns

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	miekg "github.com/miekg/dns"
	"golang.org/x/net/idna"

	"goqmail/lib/ip"
	"goqmail/lib/resolv"
)

// ErrNone is the error for a name that does not exist, or has no record of the
// type that was asked for, or is no name at all.
var ErrNone = resolv.ErrNone

// ErrTemp is the error when there is no telling: no server answers, or none
// with anything that makes sense.
var ErrTemp = resolv.ErrTemp

// Resolver asks questions. Make one with New.
type Resolver struct {
	IPv6    bool // find IPv6 addresses, too
	Unicode bool // look for names beyond ASCII in the form that the DNS has for them (RFC 5891)
	servers servers
}

// servers take a question and give an answer, both in wire format, or ErrTemp.
type servers interface {
	Exchange(question []byte) ([]byte, error)
}

// New makes a resolver that does as resolv.conf(5) says when it is first asked
// something: much mail goes to addresses.
func New() *Resolver { return &Resolver{servers: system(sync.OnceValue(resolv.Load))} }

// system is the machine's servers.
type system func() *resolv.Config

func (load system) Exchange(question []byte) ([]byte, error) { return load().Exchange(question) }

// Host is an address that takes mail.
type Host struct {
	Name string // its name, as far as one led to the address
	Addr ip.Addr
	Pref int // of its MX record, lower is better; 0 if there is none
}

// maxExchangers is how many mail exchangers of a domain are looked up: the best.
const maxExchangers = 50

// Exchangers lists the hosts that take mail for a domain, best first: the
// addresses of its mail exchangers, in random order among equals, or its own
// where it has no MX records. A domain may also be an address, in brackets or
// not. The error is ErrNone or ErrTemp; ErrTemp also where a part of the
// hosts could not be found, beside the others.
func (r *Resolver) Exchangers(domain string) ([]Host, error) {
	if a, ok := r.literal(domain); ok {
		return []Host{{Addr: a}}, nil
	}
	records, err := r.lookup(domain, miekg.TypeMX)
	if errors.Is(err, ErrTemp) {
		return nil, err
	}
	var exchangers []*miekg.MX
	for _, record := range records {
		if mx, ok := record.(*miekg.MX); ok {
			exchangers = append(exchangers, mx)
		}
	}
	if len(exchangers) == 0 { // the answer may be an alias and nothing more
		return r.Addresses(domain)
	}
	rand.Shuffle(len(exchangers), func(i, j int) { exchangers[i], exchangers[j] = exchangers[j], exchangers[i] })
	slices.SortStableFunc(exchangers, func(a, b *miekg.MX) int { return int(a.Preference) - int(b.Preference) })
	return r.addressesOf(exchangers)
}

func (r *Resolver) addressesOf(exchangers []*miekg.MX) (hosts []Host, err error) {
	for _, mx := range exchangers[:min(len(exchangers), maxExchangers)] {
		name := strings.TrimSuffix(mx.Mx, ".")
		if name == "" {
			continue // a domain that takes no mail says so like this (RFC 7505)
		}
		found, failed := r.Addresses(name)
		if errors.Is(failed, ErrTemp) {
			err = failed
		}
		for _, host := range found {
			if _, literal := r.literal(name); !literal { // which no MX may name; it counts as best
				host.Pref = int(mx.Preference)
			}
			hosts = append(hosts, host)
		}
	}
	return hosts, err
}

// Addresses lists the addresses of a host, in the order of the answer, IPv4
// before IPv6. The name may be an address, in brackets or not. The errors are
// those of Exchangers.
func (r *Resolver) Addresses(name string) ([]Host, error) {
	if a, ok := r.literal(name); ok {
		return []Host{{Name: name, Addr: a}}, nil
	}
	hosts, err := r.addresses(name, miekg.TypeA)
	if r.IPv6 {
		more, failed := r.addresses(name, miekg.TypeAAAA)
		hosts = append(hosts, more...)
		if errors.Is(failed, ErrTemp) || failed == nil && errors.Is(err, ErrNone) {
			err = failed
		}
	}
	return hosts, err
}

func (r *Resolver) addresses(name string, recordType uint16) (hosts []Host, err error) {
	records, err := r.lookup(name, recordType)
	for _, record := range records {
		var a net.IP
		switch record := record.(type) {
		case *miekg.A:
			a = record.A
		case *miekg.AAAA:
			a = record.AAAA
		default:
			continue
		}
		hosts = append(hosts, Host{Name: name, Addr: ip.Addr(a.To16())})
	}
	return hosts, err
}

func (r *Resolver) literal(s string) (a ip.Addr, ok bool) {
	if r.IPv6 {
		if a, ok := ip.Literal6(s); ok {
			return a, true
		}
	}
	return ip.Literal(s)
}

// maxUDP is how long answers may be that come in one datagram: what passes
// every network without fragments.
const maxUDP = 1232

// lookup asks for the records of a type. Answers also have the aliases that
// led to the records. Without an error there is at least one.
func (r *Resolver) lookup(name string, recordType uint16) ([]miekg.RR, error) {
	if r.Unicode && strings.IndexFunc(name, func(c rune) bool { return c >= utf8.RuneSelf }) >= 0 {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return nil, ErrNone
		}
		name = ascii
	}
	name = miekg.Fqdn(name)
	var wire [255]byte // the longest name that there may be (RFC 1035, section 3.1)
	if _, err := miekg.PackDomainName(name, wire[:], 0, nil, false); err != nil {
		return nil, ErrNone
	}
	question := new(miekg.Msg)
	question.SetQuestion(name, recordType)
	question.SetEdns0(maxUDP, false)
	answer, err := r.ask(question)
	if err == nil && answer.Rcode == miekg.RcodeFormatError {
		question.Extra = nil // a server from before EDNS
		answer, err = r.ask(question)
	}
	if err != nil {
		return nil, err
	}
	if answer.Rcode != miekg.RcodeSuccess || len(answer.Answer) == 0 {
		return nil, ErrNone
	}
	for _, record := range answer.Answer {
		if record.Header().Rdlength == 0 {
			return nil, ErrTemp // legal in updates (RFC 2136), senseless here
		}
	}
	return answer.Answer, nil
}

func (r *Resolver) ask(question *miekg.Msg) (*miekg.Msg, error) {
	packed, err := question.Pack()
	if err != nil {
		return nil, ErrNone // a label too long, say
	}
	response, err := r.servers.Exchange(packed)
	if err != nil {
		return nil, err
	}
	answer := new(miekg.Msg)
	if answer.Unpack(response) != nil {
		return nil, ErrTemp
	}
	const answers = 6 // where the header has their number
	if len(answer.Answer) != int(binary.BigEndian.Uint16(response[answers:])) {
		return nil, ErrTemp // cut short
	}
	return answer, nil
}
