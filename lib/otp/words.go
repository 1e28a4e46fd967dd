package otp

import (
	"crypto/md5"
	"crypto/sha1"
	_ "embed"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// standard is the dictionary of RFC 2289 appendix D: 571 words of up to three letters and
// 1477 of four, both in alphabetical order.
//
//go:embed words.txt
var standard string

const short = 571

// parseWords reads a password of six words: each is eleven bits, and the last two are a
// check of the others. Words that are not all of the standard dictionary are of another
// one, in which a word's number is in its digest.
func parseWords(algorithm, text string) (p Password, ok bool) {
	words := strings.Fields(text)
	if len(words) != 6 {
		return p, false
	}
	numbers, ok := inStandard(words)
	if !ok {
		for i, word := range words {
			numbers[i] = byDigest(algorithm, word)
		}
	}
	var value uint64
	for _, n := range numbers[:5] {
		value = value<<11 | n
	}
	value = value<<9 | numbers[5]>>2
	binary.BigEndian.PutUint64(p[:], value)
	return p, check(value) == numbers[5]&3
}

// inStandard are the numbers of words of the standard dictionary.
func inStandard(words []string) (numbers [6]uint64, ok bool) {
	all := strings.Fields(standard)
	for i, word := range words {
		word, part, start := strings.ToUpper(word), all[:short], 0
		if len(word) == 4 {
			part, start = all[short:], short
		}
		at, found := slices.BinarySearch(part, word)
		if !found {
			return numbers, false
		}
		numbers[i] = uint64(start + at)
	}
	return numbers, true
}

// byDigest is the number of a word of any other dictionary: the last eleven bits of its
// digest (RFC 2289 appendix B).
func byDigest(algorithm, word string) uint64 {
	var sum []byte
	if algorithm == "sha1" {
		s := sha1.Sum([]byte(word))
		sum = s[:]
	} else {
		s := md5.Sum([]byte(word))
		sum = s[:]
	}
	return uint64(binary.BigEndian.Uint16(sum[len(sum)-2:])) & (1<<11 - 1)
}

// check is the sum of all pairs of bits, of which two bits count.
func check(value uint64) uint64 {
	const low = 0x5555555555555555
	return uint64(bits.OnesCount64(value&low)+2*bits.OnesCount64(value>>1&low)) & 3
}
