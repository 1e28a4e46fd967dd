package rfc822

import "slices"

// RewriteAddresses passes each address of a field to rewrite, the last one
// first, and returns the field with what rewrite made of them, folded anew.
// rewrite may keep and change the tokens it gets.
//
// Phrases before <address> and comments between addresses are kept; group names
// too. A missing comma between two addresses is put in. Lists are easier to read
// from the right (RFC 822, section 6.1): the error, ErrSyntax, may come after
// rewrite has seen some of the addresses.
func RewriteAddresses(field Field, rewrite func(address Tokens) Tokens) (Field, error) {
	t, err := Parse(string(field))
	if err != nil {
		return "", err
	}
	body := slices.Index(t, Token{Kind: Colon}) + 1
	if body == 0 {
		return "", ErrSyntax
	}
	l := list{rest: t[body:], rewrite: rewrite}
	if err := l.run(); err != nil {
		return "", err
	}
	slices.Reverse(l.out)
	return Field(append(t[:body:body], l.out...).Format()), nil
}

// list is an address list on its way from rest to out, from right to left.
type list struct {
	rest    Tokens // what has not been looked at
	address Tokens // the address under way, reversed
	out     Tokens // the result, reversed
	rewrite func(Tokens) Tokens
}

func (l *list) run() error {
	inGroup := false
	wordOK := true // a word here continues the address to its right
	for len(l.rest) > 0 {
		switch l.last() {
		case Semi:
			l.endBeforeComma()
			if inGroup {
				return ErrSyntax
			}
			inGroup, wordOK = true, true
			l.keep()
		case Colon:
			l.end()
			if !inGroup {
				return ErrSyntax
			}
			inGroup, wordOK = false, true
			l.keepGroupName()
		case Right:
			l.endBeforeComma()
			if !l.angled() {
				return ErrSyntax
			}
			wordOK = false
		case Atom, Quote, Literal:
			if !wordOK {
				l.endBeforeComma()
			}
			wordOK = false
			l.take()
		case Comment:
			l.keep()
		case Comma:
			l.end()
			wordOK = true
			l.keep()
		default:
			wordOK = true
			l.take()
		}
	}
	l.end()
	return nil
}

// angled reads an address in < and >, with the phrase that goes before it. What
// is in the brackets is an address even if it is nothing. The answer is false if
// the < is missing.
func (l *list) angled() bool {
	l.keep()
	for len(l.rest) > 0 && l.last() != Left {
		l.take()
	}
	l.endAlways()
	if len(l.rest) == 0 {
		return false
	}
	l.keep()
	for len(l.rest) > 0 && inPhrase(l.last()) {
		l.keep()
	}
	return true
}

// inPhrase also allows what people write, such as a full stop.
func inPhrase(k Kind) bool {
	switch k {
	case Comment, Atom, Quote, At, Dot:
		return true
	}
	return false
}

func (l *list) keepGroupName() {
	for len(l.rest) > 0 {
		comma := l.last() == Comma
		l.keep()
		if comma {
			return
		}
	}
}

func (l *list) last() Kind { return l.rest[len(l.rest)-1].Kind }

// pop removes the last token of rest.
func (l *list) pop() Token {
	t := l.rest[len(l.rest)-1]
	l.rest = l.rest[:len(l.rest)-1]
	return t
}

// take moves a token to the address, keep to the result.
func (l *list) take() { l.address = append(l.address, l.pop()) }
func (l *list) keep() { l.out = append(l.out, l.pop()) }

// endAlways ends the address under way.
func (l *list) endAlways() {
	address := slices.Clone(l.address)
	l.address = l.address[:0]
	slices.Reverse(address)
	address = l.rewrite(address)
	for i := len(address) - 1; i >= 0; i-- {
		l.out = append(l.out, address[i])
	}
}

// end ends the address under way, if there is one.
func (l *list) end() {
	if len(l.address) > 0 {
		l.endAlways()
	}
}

// endBeforeComma is end at a place where a comma is missing.
func (l *list) endBeforeComma() {
	if len(l.address) > 0 {
		l.endAlways()
		l.out = append(l.out, Token{Kind: Comma})
	}
}
