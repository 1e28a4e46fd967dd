// Package inflate reads what was compressed by DEFLATE (RFC 1951) while it is being
// sent. It gives what a block held as soon as the block ends, as any flush ends one.
// compress/flate keeps that until its window is full or an empty stored block comes,
// which is only one way to flush: mbsync has another, and would wait for the answer to
// a command that was never seen.
package inflate

import (
	"bufio"
	"errors"
	"io"
)

// ErrCorrupt is the error of data that is not in the format.
var ErrCorrupt = errors.New("corrupt deflate data")

// size is how far back a stream can refer.
const size = 1 << 15

// Reader reads a stream. It is made by NewReader.
type Reader struct {
	from  *bufio.Reader
	bits  uint32 // read and not yet used: the next one is the lowest
	nbits uint

	last   bool // the block is the last one
	within bool // a block of codes has begun and not ended
	stored int  // so much is left of a stored block
	length code
	dist   code

	window      [size]byte // what was written last, in a ring
	wrote, read int
	err         error // comes after what was written
}

// NewReader returns a Reader of a stream, which may read more than that from r. A stream
// that breaks off is io.ErrUnexpectedEOF.
func NewReader(r io.Reader) *Reader { return &Reader{from: bufio.NewReader(r)} }

func (r *Reader) Read(p []byte) (int, error) {
	for r.read == r.wrote {
		if r.err != nil {
			return 0, r.err
		}
		r.step()
	}
	at := r.read % size
	n := copy(p, r.window[at:min(at+r.wrote-r.read, size)])
	r.read += n
	return n, nil
}

// step begins a block or goes on with one, to its end if there is room.
func (r *Reader) step() {
	switch {
	case r.within:
		r.codes()
	case r.stored > 0:
		n, err := r.from.Read(r.window[r.wrote%size : min(r.wrote%size+r.stored, size)])
		r.wrote += n
		r.stored -= n
		r.fail(err)
	case r.last:
		r.err = io.EOF
	default:
		r.last = r.take(1) == 1
		switch r.take(2) {
		case 0:
			r.take(r.nbits % 8)
			n := r.take(16)
			if r.take(16) != n^0xffff {
				r.fail(ErrCorrupt)
			}
			r.stored = n
		case 1:
			r.fixed()
			r.within = true
		case 2:
			r.dynamic()
			r.within = true
		default:
			r.fail(ErrCorrupt)
		}
	}
}

// fail keeps the first error.
func (r *Reader) fail(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if r.err == nil {
		r.err = err
	}
}

// take gives the number in the next n bits, 16 at most, 0 after an error.
func (r *Reader) take(n uint) int {
	for r.nbits < n {
		b, err := r.from.ReadByte()
		if err != nil {
			r.fail(err)
			return 0
		}
		r.bits |= uint32(b) << r.nbits
		r.nbits += 8
	}
	v := r.bits & (1<<n - 1)
	r.bits >>= n
	r.nbits -= n
	return int(v)
}

// code is a Huffman code: how many symbols have words of each length, and the symbols in
// the order of their words.
type code struct {
	count   [16]int
	symbols [288]uint16
}

// set makes the code in which each symbol has a word of the length given, none if that
// is 0. A code has no words at all, one bit for one symbol, or leaves no bits unused.
func (c *code) set(lengths []byte) error {
	var next [17]int // the place of the next symbol with a word of that length
	c.count = [16]int{}
	for _, n := range lengths {
		if n > 0 {
			c.count[n]++
		}
	}
	free, words := 1, 0
	for n := 1; n < 16; n++ {
		free = free<<1 - c.count[n]
		words += c.count[n]
		next[n+1] = words
		if free < 0 {
			return ErrCorrupt
		}
	}
	if free > 0 && words > 0 && !(words == 1 && c.count[1] == 1) {
		return ErrCorrupt
	}
	for symbol, n := range lengths {
		if n > 0 {
			c.symbols[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	return nil
}

// symbol reads a word of a code, -1 if there is none.
func (r *Reader) symbol(c *code) int {
	// first is the first word of a length, which stands at place.
	word, first, place := 0, 0, 0
	for n := 1; n < 16; n++ {
		word = word<<1 | r.take(1)
		if r.err != nil {
			return -1
		}
		if word-first < c.count[n] {
			return int(c.symbols[place+word-first])
		}
		place += c.count[n]
		first = (first + c.count[n]) << 1
	}
	r.fail(ErrCorrupt)
	return -1
}

// fixed sets the codes that need no description.
func (r *Reader) fixed() {
	var lengths [288]byte
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	r.fail(r.length.set(lengths[:]))
	for i := range 32 {
		lengths[i] = 5
	}
	r.fail(r.dist.set(lengths[:32]))
}

// dynamic reads the codes of a block.
func (r *Reader) dynamic() {
	const most = 286
	literals, dists, n := r.take(5)+257, r.take(5)+1, r.take(4)+4
	if literals > most || dists > 30 {
		r.fail(ErrCorrupt)
		return
	}
	var lengths [most + 30]byte
	for _, at := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:n] {
		lengths[at] = byte(r.take(3))
	}
	// The lengths of words are in a code, too, for which dist has the room.
	r.fail(r.dist.set(lengths[:19]))
	clear(lengths[:19])
	for i := 0; i < literals+dists && r.err == nil; {
		symbol, again := r.symbol(&r.dist), 1
		length := byte(symbol)
		switch {
		case symbol == 16 && i == 0:
			r.fail(ErrCorrupt)
			return
		case symbol == 16:
			length, again = lengths[i-1], 3+r.take(2)
		case symbol == 17:
			length, again = 0, 3+r.take(3)
		case symbol == 18:
			length, again = 0, 11+r.take(7)
		}
		if i+again > literals+dists {
			r.fail(ErrCorrupt)
			return
		}
		for range again {
			lengths[i] = length
			i++
		}
	}
	if r.err == nil {
		r.fail(r.length.set(lengths[:literals]))
		r.fail(r.dist.set(lengths[literals : literals+dists]))
	}
}

// codes reads a block of codes to its end, or until there may be no room for one more.
func (r *Reader) codes() {
	const longest = 258
	for r.wrote-r.read <= size-longest {
		symbol := r.symbol(&r.length)
		switch {
		case symbol < 0:
			return
		case symbol < 256:
			r.window[r.wrote%size] = byte(symbol)
			r.wrote++
			continue
		case symbol == 256:
			r.within = false
			return
		case symbol > 285:
			r.fail(ErrCorrupt)
			return
		}
		n, back := longest, 0
		if symbol < 285 {
			n = r.stretch(symbol-257, 4) + 3
		}
		if dist := r.symbol(&r.dist); dist > 29 {
			r.fail(ErrCorrupt)
		} else if dist >= 0 {
			back = r.stretch(dist, 2) + 1
		}
		if back > r.wrote {
			r.fail(ErrCorrupt)
		}
		if r.err != nil {
			return
		}
		for range n {
			r.window[r.wrote%size] = r.window[(r.wrote-back)%size]
			r.wrote++
		}
	}
}

// stretch gives the number that a symbol and the bits after it stand for: each `steps`
// symbols, those that follow cover twice as many numbers.
func (r *Reader) stretch(symbol, steps int) int {
	if symbol < 2*steps {
		return symbol
	}
	extra := uint(symbol/steps - 1)
	return (steps+symbol%steps)<<extra + r.take(extra)
}
