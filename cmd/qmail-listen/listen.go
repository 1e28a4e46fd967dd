package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/ip"
	"goqmail/lib/resolv"
	"goqmail/lib/socket"
)

// listen makes the socket for connections, on which the system takes them from
// now on, and returns its port.
func listen(o options, env call.Env) (listening *os.File, port int, err error) {
	port, ok := portNumber(o.port)
	if !ok {
		return nil, 0, exit.Defer("unable to figure out port number for "+o.port, nil)
	}
	addr, err := address(o, env)
	if err != nil {
		return nil, 0, err
	}
	listening, err = socket.Listen(addr, port)
	if err != nil {
		return nil, 0, exit.Defer("unable to bind", err)
	}
	if _, port, err = socket.Local(listening); err != nil {
		return nil, 0, exit.Defer("unable to get local address", err)
	}
	if err := socket.Backlog(listening, o.backlog); err != nil {
		return nil, 0, exit.Defer("unable to listen", err)
	}
	return listening, port, nil
}

// address is that of the host to listen on. Only a host that is a name takes a
// look into the DNS, and for that root steps aside: the port may need it again.
func address(o options, env call.Env) (addr ip.Addr, err error) {
	host := o.host
	if host == "" || host == "0" {
		return ip.V4(0, 0, 0, 0), nil
	}
	if addr, ok := ip.Literal(host); ok {
		return addr, nil
	}
	if addr, ok := ip.Parse(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")); ok {
		return addr, nil
	}
	if err := syscall.Setreuid(-1, effective(o.uid)); err != nil {
		return addr, exit.Defer("unable to set uid", err)
	}
	addresses, err := lookUp(host, env)
	if err := syscall.Setreuid(-1, os.Getuid()); err != nil {
		return addr, exit.Defer("unable to set uid", err)
	}
	switch {
	case err == resolv.ErrTemp:
		return addr, exit.Defer("temporarily unable to figure out IP address for "+host, syscall.EAGAIN)
	case len(addresses) == 0:
		return addr, exit.Defer("no IP address for "+host, nil)
	}
	return addresses[0], nil
}

// effective is the user to be while a name is looked up.
func effective(uid int) int {
	if uid == 0 || os.Getuid() != 0 {
		return os.Getuid()
	}
	return uid
}

// lookUp returns the addresses of a host, IPv6 only where there is no IPv4. A
// name without a dot is looked for in the domains of resolv.conf(5).
func lookUp(host string, env call.Env) (addresses []ip.Addr, err error) {
	servers := nameServers(env)
	names := []resolv.Name{resolv.ParseName(host)}
	if !strings.Contains(host, ".") {
		names = nil
		for _, domain := range servers.Search {
			names = append(names, append(resolv.ParseName(host), domain...))
		}
		names = append(names, resolv.ParseName(host))
	}
	for _, name := range names {
		for _, v4 := range []bool{true, false} {
			addresses, err = servers.Addresses(name, v4)
			if err != resolv.ErrNone {
				return addresses, err
			}
		}
	}
	return nil, err
}

// portNumber is a number, or that of a TCP service in /etc/services.
func portNumber(s string) (port int, ok bool) {
	if strings.Trim(s, "0123456789") == "" {
		return int(uint16(number(s))), true
	}
	services, err := os.Open("/etc/services") // os.ReadFile would make this program a tenth bigger
	if err != nil {
		return 0, false
	}
	defer services.Close()
	return tcpService(services, s)
}

// tcpService looks for the port of a service in a file in the form of services(5).
func tcpService(services io.Reader, service string) (port int, ok bool) {
	for lines := bufio.NewScanner(services); lines.Scan(); {
		line := lines.Text()
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		port, tcp := strings.CutSuffix(words[1], "/tcp")
		words[1] = words[0]
		for _, name := range words[1:] {
			if tcp && name == service {
				return int(uint16(number(port))), true
			}
		}
	}
	return 0, false
}
