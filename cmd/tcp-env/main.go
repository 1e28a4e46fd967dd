// Tcp-env sets the environment that tcp-environ(5) describes and runs a
// program, for servers that inetd starts and that expect tcpserver.
//
//	tcp-env [ -rR ] [ -ttimeout ] program [ arg ... ]
//
// Descriptor 0 is the connection. Where PROTO is TCP or TCP6 already, the environment
// stays as it is. Tcp-env exits 111 if it cannot run the program. See
// tcp-env(1).
package main

import (
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/getopt"
	"goqmail/lib/resolv"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	withInfo := true
	timeout := 30 // seconds
	options := getopt.New(c.Args, "rRt:")
	for option, ok := options.Next(); ok; option, ok = options.Next() {
		switch option {
		case 'r', 'R':
			withInfo = option == 'r'
		case 't':
			timeout = seconds(options.Arg)
		}
	}
	program := options.Rest()
	if len(program) == 0 {
		return exit.Temp
	}
	env := c.Env
	if proto := env.Get("PROTO"); proto != "TCP" && proto != "TCP6" {
		var err error
		if env, err = describe(c.In(), env, resolv.Load(), withInfo, timeout); err != nil {
			return exit.Temp
		}
	}
	child.ExecFound(program, env) // the caller looks at the code only
	return exit.Temp
}

// seconds reads the digits at the start of s, wrapping at 32 bits.
func seconds(s string) int {
	var n uint32
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = n*10 + uint32(s[i]-'0')
	}
	return int(int32(n))
}
