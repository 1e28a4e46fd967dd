package sasldb

import "encoding/binary"

// What is to be known of a hash of Berkeley DB (db_page.h of its versions 3 to 18,
// hash versions 5 to 10) to read all of it: a file is pages of one size, of which the
// first describes the others. Records are found by going over all pages.
const (
	hashMagic = 0x061561

	bdbHead = 72 // bytes, of all kinds of databases, at the start of the first page
	header  = 26 // bytes, of any other page

	unsortedPage = 2 // hash pages of old, and later
	sortedPage   = 13
	overflowPage = 7

	itemHere    = 1 // an item is in the page
	itemOffPage = 3 // it is in overflow pages
)

// isBDB tells whether a file starts like a hash of Berkeley DB. A cdb has an even
// number there, of the slots of a table.
func isBDB(data []byte) bool {
	_, ok := byteOrder(data)
	return ok
}

func byteOrder(data []byte) (binary.ByteOrder, bool) {
	switch {
	case len(data) < bdbHead:
	case binary.LittleEndian.Uint32(data[12:]) == hashMagic:
		return binary.LittleEndian, true
	case binary.BigEndian.Uint32(data[12:]) == hashMagic:
		return binary.BigEndian, true
	}
	return nil, false
}

// bdb is such a file.
type bdb struct {
	binary.ByteOrder
	data []byte
	size int // of a page
}

func parseBDB(data []byte) (records []Record, err error) {
	order, ok := byteOrder(data)
	if !ok {
		return nil, ErrFormat
	}
	b := bdb{order, data, int(order.Uint32(data[20:]))}
	const encrypted, checksums = 24, 26
	if b.size < 512 || b.size > 64<<10 || b.size&(b.size-1) != 0 || data[encrypted] != 0 || data[checksums] != 0 {
		return nil, ErrFormat
	}
	for number := 1; ; number++ {
		page, ok := b.page(number)
		if !ok {
			return records, nil
		}
		if kind := page[25]; kind != sortedPage && kind != unsortedPage {
			continue
		}
		for i := 0; i+1 < int(b.Uint16(page[20:])); i += 2 {
			key, _, ok := b.item(number, i)
			value, at, okValue := b.item(number, i+1)
			if !ok || !okValue {
				return nil, ErrFormat
			}
			if r, ok := record(string(key), string(value), at); ok {
				records = append(records, r)
			}
		}
	}
}

// page returns a page. ok is false if the file has no such page.
func (b bdb) page(number int) (page []byte, ok bool) {
	if number < 0 || number >= len(b.data)/b.size {
		return nil, false
	}
	return b.data[number*b.size:][:b.size], true
}

// item returns an item of a page and where it is in the file, 0 if it is in pieces.
// A page has the places of its items behind its header, and the items from its end
// backwards.
func (b bdb) item(number, i int) (item []byte, at int64, ok bool) {
	page, _ := b.page(number)
	place := header + 2*i
	if place+2 > len(page) {
		return nil, 0, false
	}
	start, end := int(b.Uint16(page[place:])), len(page)
	if i > 0 {
		end = int(b.Uint16(page[place-2:]))
	}
	if start <= place || start >= end || end > len(page) {
		return nil, 0, false
	}
	item = page[start+1 : end]
	switch {
	case page[start] == itemHere:
		return item, int64(number*b.size + start + 1), true
	case page[start] == itemOffPage && len(item) >= 11:
		item, ok = b.overflow(int(b.Uint32(item[3:])), int(b.Uint32(item[7:])))
		return item, 0, ok
	}
	return nil, 0, false
}

// overflow collects what is in a chain of pages.
func (b bdb) overflow(number, length int) (item []byte, ok bool) {
	if length > len(b.data) {
		return nil, false
	}
	for len(item) < length {
		page, ok := b.page(number)
		if !ok || page[25] != overflowPage {
			return nil, false
		}
		n := int(b.Uint16(page[22:]))
		if n == 0 || header+n > len(page) {
			return nil, false
		}
		item = append(item, page[header:header+n]...)
		number = int(b.Uint32(page[16:]))
	}
	return item, len(item) == length
}
