package smtp

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/starttls"
)

// ucspiTLS is a server that speaks TLS for us when it is asked to, as sslserver
// does with UCSPI-TLS (Erwin Hoffmann and Scott Gifford): the numbers of three
// descriptors are in the environment.
type ucspiTLS struct {
	on               bool
	required         bool // no mail without
	control          *os.File
	reading, writing *os.File
}

// readUCSPI takes UCSPITLS: "-" or unset is off, "!" requires TLS, and all else
// offers it.
func readUCSPI(c *call.Call) ucspiTLS {
	mode, ok := c.Env.Lookup("UCSPITLS")
	if !ok || strings.HasPrefix(mode, "-") {
		return ucspiTLS{}
	}
	file := func(name string) *os.File {
		fd, err := strconv.Atoi(c.Env.Get(name))
		if err != nil || fd < 0 {
			return nil
		}
		return c.File(fd)
	}
	u := ucspiTLS{required: strings.HasPrefix(mode, "!"), control: file("SSLCTLFD"), reading: file("SSLREADFD"), writing: file("SSLWRITEFD")}
	u.on = u.control != nil && u.reading != nil && u.writing != nil
	return u
}

// secureOutside has the server that started us speak TLS.
func (s *session) secureOutside(ready string) error {
	if ready != "" {
		s.reply(ready)
	}
	s.out.Flush()
	variables, err := s.ucspi.start()
	if err != nil {
		s.use(s.conn)
		return hangUp(tlsRefusal("connection failed: " + err.Error()))
	}
	for _, variable := range variables {
		if name, value, ok := strings.Cut(variable, "="); ok {
			s.call.Env = s.call.Env.With(name, value)
		}
	}
	s.goOn(&secured{Info: starttls.Info{Cipher: s.call.Env.Get("SSL_CIPHER")}}, connection{s.ucspi.reading, s.ucspi.writing})
	return nil
}

// start asks for TLS and returns the variables that describe it: strings with a
// NUL at the end of each, and one more NUL.
func (u *ucspiTLS) start() (variables []string, err error) {
	if _, err := u.control.Write([]byte{'Y'}); err != nil {
		return nil, err
	}
	in := bufio.NewReader(u.control)
	for {
		variable, err := in.ReadString(0)
		if err != nil || variable == "\x00" {
			return variables, err
		}
		variables = append(variables, strings.TrimSuffix(variable, "\x00"))
	}
}
