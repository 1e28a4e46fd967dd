//go:build linux

package replay

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"goqmail/lib/ascii"
)

// The name server is written by hand because it has to answer wrongly when a
// case asks for that.

var typeNumbers = map[string]uint16{"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "ANY": 255}

var rcodes = map[string]uint16{"FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}

func typeName(number uint16) string {
	for name, n := range typeNumbers {
		if n == number {
			return name
		}
	}
	return strconv.Itoa(int(number))
}

type nameServer struct {
	zone   *dnsZone
	seen   map[string]int // how often a name was asked for, for behaviours in turn
	listen func(name, kind, proto string)
}

// startDNS answers on 127.0.0.1 port 53; it must be called in the host.
func (p *peers) startDNS(zone *dnsZone) error {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	if err != nil {
		return err
	}
	p.open = append(p.open, udp)
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	if err != nil {
		return err
	}
	p.open = append(p.open, tcp)
	s := &nameServer{zone: zone, seen: map[string]int{}, listen: func(name, kind, proto string) {
		p.asked = append(p.asked, []any{name, kind, proto})
	}}
	answer := func(query []byte, proto string) []byte {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			return nil
		}
		return s.answer(query, proto)
	}
	go func() {
		query := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFromUDP(query)
			if err != nil {
				return // the case is over
			}
			if reply := answer(query[:n], "udp"); reply != nil {
				udp.WriteToUDP(reply, from)
			}
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go answerTCP(c, answer)
		}
	}()
	return nil
}

func answerTCP(c net.Conn, answer func([]byte, string) []byte) {
	defer c.Close()
	for {
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) != nil {
			return
		}
		query := make([]byte, size)
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply := answer(query, "tcp")
		if reply == nil {
			return
		}
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	}
}

// answer answers a query; nil is no answer.
func (s *nameServer) answer(query []byte, proto string) []byte {
	if len(query) < 17 {
		return nil
	}
	var labels []string
	i := 12
	for i < len(query) && query[i] != 0 {
		end := i + 1 + int(query[i])
		if end >= len(query) {
			return nil
		}
		labels = append(labels, string(query[i+1:end]))
		i = end
	}
	if i+5 > len(query) {
		return nil
	}
	name := strings.Join(labels, ".")
	kind := typeName(binary.BigEndian.Uint16(query[i+1:]))
	question := query[12 : i+5]
	s.listen(name, kind, proto)

	key := ascii.Lower(name)
	header := func(flags, answers uint16) []byte {
		b := append([]byte(nil), query[:2]...)
		for _, n := range []uint16{0x8580 | flags, 1, answers, 0, 0} {
			b = binary.BigEndian.AppendUint16(b, n)
		}
		return append(b, question...)
	}
	behaviour := s.behaviour(key, kind)
	switch behaviour {
	case "DROP":
		return nil
	case "GARBAGE":
		return append(header(0, 1), 0xc0)
	}
	if rcode, ok := rcodes[behaviour]; ok {
		return header(rcode, 0)
	}
	records := s.find(key, kind)
	if records == nil && !s.exists(key) {
		return header(rcodes["NXDOMAIN"], 0)
	}
	reply := header(0, uint16(len(records)))
	for _, r := range records {
		reply = r.append(reply, key)
	}
	if proto == "udp" && (behaviour == "TC" || len(reply) > 512) {
		return header(0x0200, 0)
	}
	return reply
}

// behaviour is how the server misbehaves for a name, "" when it does not.
func (s *nameServer) behaviour(key, kind string) string {
	for _, k := range []string{key + "/" + kind, key, "*"} {
		switch b := s.zone.Behaviours[k].(type) {
		case string:
			return b
		case []any:
			n := min(s.seen[key], len(b)-1)
			s.seen[key]++
			word, _ := b[n].(string) // null: behave
			return word
		}
	}
	return ""
}

// record is a resource record.
type record struct {
	name, kind string
	value      []any
}

func (s *nameServer) records() []record {
	var out []record
	for _, r := range s.zone.Records {
		name := strings.TrimRight(ascii.Lower(bytesOf(r[0].(string))), ".")
		out = append(out, record{name, r[1].(string), r[2:]})
	}
	return out
}

// find gives the records for a name, along with the CNAMEs that lead there.
func (s *nameServer) find(key, kind string) []record {
	var out []record
	all := s.records()
	seen := map[string]bool{}
	for !seen[key] {
		seen[key] = true
		found := false
		var aliases []record
		for _, r := range all {
			if r.name != key {
				continue
			}
			if r.kind == kind || kind == "ANY" {
				out = append(out, r)
				found = true
			}
			if r.kind == "CNAME" {
				aliases = append(aliases, r)
			}
		}
		if found || aliases == nil || kind == "CNAME" || kind == "ANY" {
			break
		}
		out = append(out, aliases...)
		key = strings.TrimRight(ascii.Lower(bytesOf(aliases[0].value[0].(string))), ".")
	}
	return out
}

func (s *nameServer) exists(key string) bool {
	for _, r := range s.records() {
		if r.name == key || strings.HasSuffix(r.name, "."+key) {
			return true
		}
	}
	return false
}

// append adds the record to an answer about the name key.
func (r record) append(b []byte, key string) []byte {
	if r.name == key {
		b = append(b, 0xc0, 12) // the name of the question
	} else {
		b = appendName(b, r.name)
	}
	b = binary.BigEndian.AppendUint16(b, typeNumbers[r.kind])
	b = binary.BigEndian.AppendUint16(b, 1)
	b = binary.BigEndian.AppendUint32(b, 300)
	data := r.data()
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func (r record) data() []byte {
	text := func(i int) string { return bytesOf(fmt.Sprint(r.value[i])) }
	switch r.kind {
	case "A":
		return net.ParseIP(text(0)).To4()
	case "AAAA":
		return net.ParseIP(text(0)).To16()
	case "MX":
		return appendName(binary.BigEndian.AppendUint16(nil, uint16(r.value[0].(float64))), text(1))
	case "TXT":
		var b []byte
		for i := range r.value {
			b = append(append(b, byte(len(text(i)))), text(i)...)
		}
		return b
	}
	return appendName(nil, text(0))
}

func appendName(b []byte, name string) []byte {
	if name = strings.TrimRight(name, "."); name != "" {
		for _, l := range strings.Split(name, ".") {
			b = append(append(b, byte(len(l))), l...)
		}
	}
	return append(b, 0)
}
