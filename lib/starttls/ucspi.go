package starttls

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"goqmail/lib/call"
)

// UCSPI is a server that has started us and speaks TLS when it is asked to, as
// sslserver does with UCSPI-TLS (Scott Gifford; Erwin Hoffmann): the numbers of
// three descriptors are in the environment.
type UCSPI struct {
	On       bool // there is one, and it may be asked
	Required bool // nothing without TLS
	Trusted  bool // the server lets those in whose certificate it has seen to
	Named    bool // and their address is who they are

	In, Out *os.File // the connection, once it is secure

	control *os.File
}

// ReadUCSPI takes UCSPITLS: "-" or unset is off, "!" requires TLS, "?" does so
// and trusts certificates, "@" does so and takes the names in them, and all else
// offers TLS.
func ReadUCSPI(c *call.Call) UCSPI {
	mode, ok := c.Env.Lookup("UCSPITLS")
	if !ok || strings.HasPrefix(mode, "-") {
		return UCSPI{}
	}
	file := func(name string) *os.File {
		fd, err := strconv.Atoi(c.Env.Get(name))
		if err != nil || fd < 0 {
			return nil
		}
		return c.File(fd)
	}
	u := UCSPI{In: file("SSLREADFD"), Out: file("SSLWRITEFD"), control: file("SSLCTLFD")}
	u.On = u.control != nil && u.In != nil && u.Out != nil
	switch mode {
	case "!":
		u.Required = true
	case "?":
		u.Required, u.Trusted = true, true
	case "@":
		u.Required, u.Trusted, u.Named = true, true, true
	}
	return u
}

// Start asks for TLS. It returns env with the variables that describe the
// connection, which now is on In and Out. What the client has sent before
// counts for nothing.
func (u *UCSPI) Start(env call.Env) (call.Env, error) {
	if _, err := u.control.Write([]byte{'Y'}); err != nil {
		return env, err
	}
	// Strings with a NUL at the end of each, and one more NUL.
	in := bufio.NewReader(u.control)
	for {
		variable, err := in.ReadString(0)
		if err != nil || variable == "\x00" {
			return env, err
		}
		if name, value, ok := strings.Cut(strings.TrimSuffix(variable, "\x00"), "="); ok {
			env = env.With(name, value)
		}
	}
}
