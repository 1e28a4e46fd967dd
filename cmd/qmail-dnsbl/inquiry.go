package main

import (
	"errors"
	"io"
	"strings"
	"time"

	"goqmail/lib/dns"
	"goqmail/lib/dnsbl"
	"goqmail/lib/ip"
	"goqmail/lib/resolv"
)

// asker answers questions; it is a dns.Resolver.
type asker interface {
	Text(name string) (string, error)
	Addresses(name string) ([]dns.Host, error)
}

// inquiry is about one client.
type inquiry struct {
	address ip.Addr
	name    string // the address as it was given
	asks    asker
	closed  bool // a list that cannot be asked has the client
	log     io.Writer
	end     time.Time
	unsure  bool // one could not be asked: nobody is refused for good
}

// unsureText is for clients that may be in a list.
const unsureText = "temporary RBL lookup error"

// judge asks list after list until one decides.
func (i *inquiry) judge(lists []dnsbl.List) dnsbl.Verdict {
	verdict := dnsbl.Verdict{Result: dnsbl.Pass}
	for _, l := range lists {
		switch v := i.ask(l); v.Result {
		case dnsbl.Ignore:
			verdict = v
		case dnsbl.Accept, dnsbl.Delay:
			return v
		case dnsbl.Reject:
			if i.unsure {
				v.Result = dnsbl.Delay
			}
			return v
		}
	}
	return verdict
}

// ask asks one list and tells the log. A verdict of Pass is none.
func (i *inquiry) ask(l dnsbl.List) dnsbl.Verdict {
	query := i.query(l.Zone)
	text, err := i.listed(query, l)
	v := dnsbl.Verdict{Result: l.Has, Zone: dnsbl.Line(l.Zone), Text: dnsbl.Line(text)}
	result := string(v.Result)
	switch {
	case errors.Is(err, dns.ErrNone):
		v = dnsbl.Verdict{Result: dnsbl.Pass}
		result = string(v.Result)
	case err != nil:
		i.unsure = true
		v = dnsbl.Verdict{Result: dnsbl.Pass}
		if i.closed && (l.Has == dnsbl.Delay || l.Has == dnsbl.Reject) {
			v = dnsbl.Verdict{Result: dnsbl.Delay, Zone: dnsbl.Line(l.Zone), Text: unsureText}
		}
		result = "dnserr"
	}
	io.WriteString(i.log, "qmail-smtpd: rbl: ip="+i.address.String()+" query="+dnsbl.Line(query)+" result="+result+" message='"+v.Text+"'\n")
	return v
}

// query is the name to ask for: 4.3.2.1.zone for 1.2.3.4, and for IPv6 its 32
// digits (RFC 5782).
func (i *inquiry) query(zone string) string {
	labels := resolv.Reverse(i.address)
	return strings.Join(labels[:len(labels)-2], ".") + "." + zone
}

// listed returns the text for clients in the list, or dns.ErrNone if this is
// not one of them.
func (i *inquiry) listed(query string, l dnsbl.List) (text string, err error) {
	if l.Own {
		_, err = i.inTime(func() (string, error) {
			hosts, err := i.asks.Addresses(query)
			if err == nil && len(hosts) == 0 { // an alias that leads nowhere
				err = dns.ErrNone
			}
			return "", err
		})
		text = strings.ReplaceAll(l.Text, "%IP%", i.name)
	} else {
		text, err = i.inTime(func() (string, error) { return i.asks.Text(query) })
	}
	if text == "" {
		text = i.name + " is listed by " + l.Zone
	}
	return text, err
}

// inTime gives up a question when there is no time left for it.
func (i *inquiry) inTime(ask func() (string, error)) (string, error) {
	left := time.Until(i.end)
	if left <= 0 {
		return "", dns.ErrTemp
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := ask()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-time.After(left):
		return "", dns.ErrTemp
	}
}
