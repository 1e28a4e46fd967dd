package mailstore

import (
	"strings"
)

// Flags is the flags of a message as bits: the system flags below, and from
// firstKeyword on the keywords of the mailbox in the order in which they came to it.
type Flags uint64

const (
	Answered Flags = 1 << iota
	Flagged
	Deleted
	Seen
	Draft
)

const (
	firstKeyword = 6
	// MaxKeywords is how many different keywords the messages of a mailbox have at most.
	MaxKeywords = 64 - firstKeyword
)

// systemFlags are the names of the first bits.
var systemFlags = [...]string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`}

// systemFlag returns the bit of a system flag, 0 for any other name.
func systemFlag(name string) Flags {
	for i, known := range systemFlags {
		if strings.EqualFold(name, known) {
			return 1 << i
		}
	}
	return 0
}

// Names returns the names of the flags, the system flags first.
func (f Flags) Names(keywords []string) []string {
	var names []string
	for i, name := range systemFlags {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	for i, name := range keywords {
		if f&Keyword(i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseFlags returns the flags of names; those that are not among the keywords are left out.
func ParseFlags(names, keywords []string) (flags Flags) {
	for _, name := range names {
		flags |= systemFlag(name)
		for i, known := range keywords {
			if strings.EqualFold(name, known) {
				flags |= Keyword(i)
			}
		}
	}
	return flags
}

// Keyword is the flag of the i-th keyword of a View.
func Keyword(i int) Flags { return 1 << (firstKeyword + i) }
