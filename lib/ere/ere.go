// Package ere finds what extended regular expressions (POSIX.2, section 2.8)
// describe, in upper and lower case alike, as patched qmail does with the lines
// of badmailfrom and its like. Patterns and texts are bytes, not characters.
//
// What glibc adds to POSIX is understood but for \b, \B, \<, \> and references
// to groups, such as \1. A match takes time in proportion to the text, whatever
// the pattern.
package ere

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Pattern is a compiled expression.
type Pattern struct{ re *regexp.Regexp }

// Compile reads an expression. The error says what is wrong with it, in one line.
func Compile(expression string) (*Pattern, error) {
	t := translator{rest: expression}
	if err := t.run(); err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(t.out.String(), syntax.FoldCase|syntax.OneLine|syntax.ClassNL|syntax.DotNL)
	if err == nil {
		var re *regexp.Regexp
		if re, err = regexp.Compile(parsed.String()); err == nil {
			return &Pattern{re}, nil
		}
	}
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		return nil, errors.New(string(wrong.Code))
	}
	return nil, err
}

// Match tells whether any part of text is as the pattern says.
func (p *Pattern) Match(text string) bool { return p.re.MatchString(widen(text)) }

// widen makes each byte a character of its own.
func widen(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// translator writes an expression as package regexp/syntax has it.
type translator struct {
	rest  string
	out   strings.Builder
	depth int // of open groups
}

func (t *translator) run() error {
	for t.rest != "" {
		c := t.next()
		var err error
		switch c {
		case '\\':
			err = t.escaped()
		case '[':
			err = t.bracket()
		case '(':
			t.depth++
			t.out.WriteByte(c)
		case ')':
			t.closing()
		case '{':
			t.out.WriteByte(c)
			if strings.HasPrefix(t.rest, ",") {
				t.out.WriteByte('0')
			}
		default:
			t.out.WriteRune(rune(c))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *translator) next() byte {
	c := t.rest[0]
	t.rest = t.rest[1:]
	return c
}

// closing is a parenthesis that, alone, stands for itself.
func (t *translator) closing() {
	if t.depth == 0 {
		t.out.WriteByte('\\')
	} else {
		t.depth--
	}
	t.out.WriteByte(')')
}

func (t *translator) escaped() error {
	if t.rest == "" {
		return errors.New("trailing backslash")
	}
	switch c := t.next(); c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'b', 'B', '<', '>':
		return errors.New(`\` + string(c) + " is not supported")
	case 'w':
		t.out.WriteString("[_[:alnum:]]")
	case 'W':
		t.out.WriteString("[^_[:alnum:]]")
	case 's':
		t.out.WriteString("[[:space:]]")
	case 'S':
		t.out.WriteString("[^[:space:]]")
	case '`':
		t.out.WriteByte('^')
	case '\'':
		t.out.WriteByte('$')
	default:
		t.literal(c)
	}
	return nil
}

// literal writes a byte that stands for itself.
func (t *translator) literal(c byte) {
	if strings.IndexByte(`\.[](){}*+?|^$-`, c) >= 0 {
		t.out.WriteByte('\\')
	}
	t.out.WriteRune(rune(c))
}

// bracket is a set of bytes. There a backslash is nothing special.
func (t *translator) bracket() error {
	t.out.WriteByte('[')
	if strings.HasPrefix(t.rest, "^") {
		t.next()
		t.out.WriteByte('^')
	}
	for first := true; t.rest != ""; first = false {
		c := t.next()
		switch {
		case c == ']' && !first:
			t.out.WriteByte(c)
			return nil
		case c == '[' && t.rest != "" && strings.IndexByte(":.=", t.rest[0]) >= 0:
			if err := t.named(); err != nil {
				return err
			}
		case c == '-':
			t.out.WriteByte(c)
		default:
			t.literal(c)
		}
	}
	return errors.New("missing closing ]")
}

// named is a class like [:alpha:], or [.x.] or [=x=] for x.
func (t *translator) named() error {
	kind := t.next()
	name, rest, ok := strings.Cut(t.rest, string(kind)+"]")
	switch {
	case !ok:
		return errors.New("missing closing ]")
	case kind == ':':
		t.out.WriteString("[:" + name + ":]")
	case len(name) != 1:
		return errors.New("unknown element " + name)
	default:
		t.literal(name[0])
	}
	t.rest = rest
	return nil
}
