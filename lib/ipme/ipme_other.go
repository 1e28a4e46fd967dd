//go:build !linux

package ipme

import (
	"net"

	"goqmail/lib/ip"
)

func interfaces() ([]ip.Addr, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var set []ip.Addr
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return set, err
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				set = append(set, ip.Addr(n.IP.To16()))
			}
		}
	}
	return set, nil
}

// Keep does nothing.
func Keep() {}
