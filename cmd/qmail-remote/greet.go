package main

import (
	"strings"

	"goqmail/lib/extensions"
)

// greet leads the dialogue up to where both sides know each other's names. A
// verdict ends it.
func (c *client) greet() (verdict, error) {
	if c.port == smtpsPort {
		if v, err := c.smtps(); err != nil || v != "" {
			return v, err
		}
	}
	code, err := c.reply()
	if err != nil || code != 220 {
		return c.unwelcome(code, err)
	}
	if c.extended {
		code, v, err := c.ehloSafely()
		if err != nil || v != "" || code == 250 {
			return v, err
		}
	}
	code, err = c.command("HELO " + c.helo)
	if err != nil || code != 250 {
		return c.quit(c.refusal(code)+"Connected to ", " but my name was rejected", err)
	}
	return "", nil
}

// unwelcome is what follows from a greeting that is none. Plain qmail tries
// again later.
func (c *client) unwelcome(code uint64, err error) (verdict, error) {
	letter := c.refusal(code)
	if c.extensions.Has(extensions.RFC2821) && err == nil {
		switch code / 100 {
		case 4:
			return tryNext, nil
		case 5:
			letter = "D"
		}
	}
	if c.port == smtpsPort {
		letter += "TLS "
	}
	return c.quit(letter+"Connected to ", " but greeting failed", err)
}

// refusal is how a verdict starts after a refusal before there was talk of the
// message: for good only where smtp-auth asks for that.
func (c *client) refusal(code uint64) string {
	if c.extensions.Has(extensions.SMTPAuth) {
		return severity(code)
	}
	return "Z"
}

// extended tells whether to ask for extensions: HELO is all that plain qmail
// needs.
func (c *config) extended(p policy, l login, utf8 need) bool {
	return c.extensions.Has(extensions.SMTPAuth) || c.extensions.Has(extensions.SMTPTLS) || p.try || l.given() || utf8 != none
}

// ehloSafely introduces us, and once more after TLS has begun, because neither
// side may trust what was said before. A verdict ends the dialogue.
func (c *client) ehloSafely() (code uint64, v verdict, err error) {
	code, err = c.ehlo()
	if err != nil || c.port == smtpsPort {
		return code, "", err
	}
	safe, v, err := c.startTLS()
	if safe && err == nil && v == "" {
		code, err = c.ehlo()
	}
	return code, v, err
}

// ehlo introduces us and learns what the host offers.
func (c *client) ehlo() (code uint64, err error) {
	code, err = c.command("EHLO " + c.helo)
	c.offers = nil
	if err != nil || code != 250 {
		return code, err
	}
	first := true
	for line := range strings.Lines(string(c.said)) {
		if !first && len(line) > len("250 ") {
			c.offers = append(c.offers, strings.TrimSuffix(line[len("250 "):], "\n"))
		}
		first = false
	}
	return code, nil
}

// offersExtension tells whether the host's reply to EHLO had a line for an
// extension.
func (c *client) offersExtension(name string) bool {
	for _, line := range c.offers {
		if words := words(line); len(words) > 0 && strings.EqualFold(words[0], name) {
			return true
		}
	}
	return false
}

// offered lists the parameters of all lines for an extension: old hosts repeat
// AUTH, with = in place of the space.
func (c *client) offered(name string) (parameters []string) {
	for _, line := range c.offers {
		if words := words(line); len(words) > 0 && strings.EqualFold(words[0], name) {
			parameters = append(parameters, words[1:]...)
		}
	}
	return parameters
}

func words(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '=' })
}
