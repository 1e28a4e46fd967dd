package main

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// logIn logs in where there is a login for the host (RFC 4954), and notes the
// parameter of MAIL that follows from it. Where there is no common method, the
// dialogue goes on without. A verdict ends it.
func (c *client) logIn() (v verdict, err error) {
	if !c.login.given() {
		return "", nil
	}
	switch {
	case c.offersMethod("CRAM-MD5"):
		v, err = c.logInCRAM()
	case c.offersMethod("PLAIN"):
		v, err = c.logInPlain()
	case c.offersMethod("LOGIN"):
		v, err = c.logInLogin()
	default:
		c.noMethod = true
		return "", nil
	}
	c.parameter = " AUTH=" + xtext(c.login.user)
	return v, err
}

func (c *client) offersMethod(method string) bool {
	for _, offered := range c.offered("AUTH") {
		if strings.EqualFold(offered, method) {
			return true
		}
	}
	return false
}

// logInPlain is the method of RFC 4616.
func (c *client) logInPlain() (verdict, error) {
	l := c.login
	return c.say(
		line{"AUTH PLAIN", 334, "AUTH PLAIN"},
		line{encode(l.user + "\x00" + l.user + "\x00" + l.password), 235, "plain"},
	)
}

// logInLogin is a method without an RFC: name and password are asked for.
func (c *client) logInLogin() (verdict, error) {
	return c.say(
		line{"AUTH LOGIN", 334, "AUTH LOGIN"},
		line{encode(c.login.user), 334, "username"},
		line{encode(c.login.password), 235, "password"},
	)
}

// logInCRAM is the method of RFC 2195: the password does not cross the network.
func (c *client) logInCRAM() (verdict, error) {
	if v, err := c.say(line{"AUTH CRAM-MD5", 334, "AUTH CRAM-MD5"}); v != "" || err != nil {
		return v, err
	}
	challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(c.said[min(len("334 "), len(c.said)):])))
	if err != nil {
		return c.quit("ZConnected to ", " but unable to base64decode challenge.", nil)
	}
	mac := hmac.New(md5.New, []byte(c.login.password))
	mac.Write(challenge)
	answer := c.login.user + " " + hex.EncodeToString(mac.Sum(nil))
	return c.say(line{encode(answer), 235, "username+digest"})
}

// line is a line of ours in a login, the code that must follow, and what it is
// called where another follows.
type line struct {
	text string
	want uint64
	name string
}

// say says lines as long as the host agrees.
func (c *client) say(lines ...line) (verdict, error) {
	const expired = 432
	for _, l := range lines {
		code, err := c.command(l.text)
		switch {
		case err != nil:
			return "", err
		case code == expired && l.want == 235:
			return c.quit("ZConnected to ", " but password expired.", nil)
		case code != l.want:
			return c.quit("ZConnected to ", " but authentication was rejected ("+l.name+").", nil)
		}
	}
	return "", nil
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// xtext writes s as the value of a parameter (RFC 3461, section 4), but for what
// is no printable ASCII, of which it tells only that there was something.
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch {
		case s[i] == '=':
			b.WriteString("+3D")
		case s[i] == '+':
			b.WriteString("+2B")
		case s[i] <= ' ' || s[i] > '~':
			b.WriteString("+3F")
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
