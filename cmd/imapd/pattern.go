package main

import (
	"slices"
	"strings"
)

// pattern is one of LIST: * stands for any text, and % for any without a separator.
type pattern struct {
	text      string
	separator byte
}

// maxPattern is longer than every pattern that has a reason: names are shorter.
const maxPattern = 1024

// newPattern returns what a reference and a pattern mean together. INBOX is meant in
// capitals and small letters.
func newPattern(reference, text string, separator byte) pattern {
	sep := string(separator)
	if strings.HasSuffix(reference, sep) {
		text = strings.TrimPrefix(text, sep)
	}
	text = reference + text
	const inbox = "INBOX"
	if len(text) >= len(inbox) && strings.EqualFold(text[:len(inbox)], inbox) &&
		(len(text) == len(inbox) || strings.IndexByte("*%"+sep, text[len(inbox)]) >= 0) {
		text = inbox + text[len(inbox):]
	}
	return pattern{text, separator}
}

// levels tells whether the pattern is for levels of the hierarchy as well, where no
// mailbox is.
func (p pattern) levels() bool { return strings.HasSuffix(p.text, "%") }

// match tells whether a name matches. Only the last * and the last % after it are ever
// tried again, which is enough: what lies before them can begin no later.
func (p pattern) match(name string) bool {
	if len(p.text) > maxPattern {
		return false
	}
	i, n := 0, 0
	star, starAt := -1, 0       // where the pattern goes on after the last *, and from where in name
	percent, percentAt := -1, 0 // likewise
	for i < len(p.text) || n < len(name) {
		switch {
		case i < len(p.text) && p.text[i] == '*':
			i++
			star, starAt, percent = i, n, -1
		case i < len(p.text) && p.text[i] == '%':
			i++
			percent, percentAt = i, n
		case i < len(p.text) && n < len(name) && p.text[i] == name[n]:
			i++
			n++
		case percent >= 0 && percentAt < len(name) && name[percentAt] != p.separator:
			percentAt++
			i, n = percent, percentAt
		case star >= 0 && starAt < len(name):
			starAt++
			i, n, percent = star, starAt, -1
		default:
			return false
		}
	}
	return true
}

// matchAny tells whether a name matches one of some patterns, and whether one of those
// is for levels of the hierarchy.
func matchAny(patterns []pattern, name string) (matches, levels bool) {
	for _, p := range patterns {
		if p.match(name) || name == "INBOX" && (pattern{strings.ToUpper(p.text), p.separator}).match(name) {
			matches = true
			levels = levels || p.levels()
		}
	}
	return matches, levels
}

// parents returns the names of all levels above a name, the highest first.
func parents(name string, separator byte) (names []string) {
	for i := range len(name) {
		if name[i] == separator {
			names = append(names, name[:i])
		}
	}
	return slices.Clip(names)
}
