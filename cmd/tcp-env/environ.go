package main

import (
	"os"
	"strconv"
	"time"

	"goqmail/lib/ascii"
	"goqmail/lib/call"
	"goqmail/lib/ident"
	"goqmail/lib/ip"
	"goqmail/lib/resolv"
	"goqmail/lib/socket"
)

// describe adds to env what is known of a connection: addresses and ports of
// its two ends, their names, and what ident says if withInfo asks for it. A
// socket that is not an Internet socket goes as one from 0.0.0.0 to 0.0.0.0.
func describe(conn *os.File, env call.Env, servers *resolv.Config, withInfo bool, timeout int) (call.Env, error) {
	env = env.With("PROTO", "TCP")
	local, localPort, err := socket.Local(conn)
	if err != nil && err != socket.ErrFamily {
		return nil, err
	}
	env = env.With("TCPLOCALPORT", strconv.Itoa(localPort)).With("TCPLOCALIP", local.String())
	env = withName(env, "TCPLOCALHOST", servers, local)
	remote, remotePort, err := socket.Peer(conn)
	if err != nil && err != socket.ErrFamily {
		return nil, err
	}
	env = env.With("TCPREMOTEPORT", strconv.Itoa(remotePort)).With("TCPREMOTEIP", remote.String())
	env = withName(env, "TCPREMOTEHOST", servers, remote)
	env = env.Without("TCPREMOTEINFO")
	if withInfo {
		// The longest answer that has ever been passed on.
		const maxInfo = 998
		connection := ident.Connection{Remote: remote, RemotePort: remotePort, Local: local, LocalPort: localPort}
		if info, ok := connection.Ask(time.Duration(timeout)*time.Second, maxInfo); ok {
			env = env.With("TCPREMOTEINFO", info)
		}
	}
	if !remote.Is4() {
		env = asTCP6(env)
	}
	return env, nil
}

// asTCP6 adds the same variables under the names for IPv6, as qmail-listen does.
func asTCP6(env call.Env) call.Env {
	env = env.With("PROTO", "TCP6")
	for _, name := range []string{"LOCALIP", "LOCALPORT", "LOCALHOST", "REMOTEIP", "REMOTEPORT", "REMOTEHOST", "REMOTEINFO"} {
		env = env.Without("TCP6" + name)
		if value, ok := env.Lookup("TCP" + name); ok {
			env = env.With("TCP6"+name, value)
		}
	}
	return env
}

// withName sets variable to the name of an address.
func withName(env call.Env, variable string, servers *resolv.Config, a ip.Addr) call.Env {
	name, err := servers.PTR(a)
	switch err {
	case nil:
		return env.With(variable, ascii.Lower(text(name)))
	case resolv.ErrTemp:
		return env.With(variable, "softdnserror")
	}
	return env.Without(variable)
}

// text writes a name as the C library does: special characters with a backslash
// before them, and bytes that are not printable as \DDD.
func text(name resolv.Name) string {
	var b []byte
	for i, label := range name {
		if i > 0 {
			b = append(b, '.')
		}
		for j := range len(label) {
			switch c := label[j]; {
			case c == '"' || c == '.' || c == ';' || c == '\\' || c == '(' || c == ')' || c == '@' || c == '$':
				b = append(b, '\\', c)
			case ' ' < c && c < 127:
				b = append(b, c)
			default:
				b = append(b, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			}
		}
	}
	return string(b)
}
