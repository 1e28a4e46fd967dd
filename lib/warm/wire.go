package warm

import (
	"encoding/binary"
	"errors"

	"goqmail/lib/call"
)

// Variable is the environment variable that tells a program to stay. An
// administrator sets it so that none does.
const Variable = "QMAILWARM"

// alone is the variable that tells a program to give up rights.
const alone = "QMAILALONE"

// socketFD is the descriptor that Variable names.
const socketFD = 3

// greeting is the packet of a program that understands.
const greeting = "goqmail warm 1"

// request is a call as it goes over the socket, descriptors aside.
type request struct {
	num  uint32
	args []string
	env  call.Env
	fds  []int // the number of each descriptor that comes along
}

// maxPacket bounds a request. The default of net.core.wmem_max has room for it.
const maxPacket = 128 << 10

// maxFiles bounds the descriptors of a call.
const maxFiles = 16

var errPacket = errors.New("warm: bad packet")

// append appends the packet for r: numbers are 4 bytes, the lowest first;
// strings and lists have their length in front.
func (r request) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, r.num)
	for _, list := range [][]string{r.args, r.env} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
		for _, s := range list {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
			b = append(b, s...)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.fds)))
	for _, fd := range r.fds {
		b = binary.LittleEndian.AppendUint32(b, uint32(fd))
	}
	return b
}

// parseRequest takes the packet of a request apart.
func parseRequest(b []byte) (r request, err error) {
	p := parser{rest: b}
	r.num = p.uint32()
	r.args = p.list()
	r.env = p.list()
	for n := p.count(); n > 0; n-- {
		r.fds = append(r.fds, int(p.uint32()))
	}
	if p.bad || len(p.rest) > 0 || len(r.args) == 0 {
		return r, errPacket
	}
	return r, nil
}

// parser takes from the front of rest; bad is set once that had too little.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) take(n uint32) []byte {
	if uint64(n) > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return nil
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) uint32() uint32 {
	b := p.take(4)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

// count is the length of a list. Each element takes 4 bytes at least.
func (p *parser) count() uint32 {
	n := p.uint32()
	if uint64(n)*4 > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return 0
	}
	return n
}

func (p *parser) list() []string {
	list := make([]string, p.count())
	for i := range list {
		list[i] = string(p.take(p.uint32()))
	}
	return list
}

// appendEnd appends the packet for the end of call num.
func appendEnd(b []byte, num, status uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, num), status)
}

// noMore is the number of a packet back that ends no call: the process wants no
// more of them.
const noMore = 1<<32 - 1

// endSize is the size of such a packet.
const endSize = 8

// parseEnd takes one apart.
func parseEnd(b []byte) (num, status uint32, err error) {
	if len(b) != endSize {
		return 0, 0, errPacket
	}
	return binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), nil
}
