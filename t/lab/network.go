//go:build linux

package lab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Node is a host on a network, and its addresses there.
type Node struct {
	*Host
	Addrs []netip.Addr
}

// Connect joins every two nodes by a cable: a pair of veth(4) devices, which
// both have all addresses of their node, and a route to those of the other. So
// it takes neither a bridge nor a router, and what no node has for an address
// is nowhere.
func Connect(nodes ...Node) error {
	for i := range nodes {
		for j := range i {
			if err := cable(nodes[i], nodes[j], fmt.Sprintf("eth%d", j), fmt.Sprintf("eth%d", i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// cable joins two nodes, with a device of the given name in each. Both devices
// are on before they get addresses: IPv6 wants to see a carrier.
func cable(a, b Node, atA, atB string) (err error) {
	step := func(n Node, f func() error) {
		if err == nil {
			n.Do(func() { err = f() })
		}
	}
	step(a, func() error { return addPair(atA, atB, b.ns[netNS]) })
	step(b, func() error { return switchOn(atB) })
	step(a, func() error { return switchOn(atA) })
	step(a, func() error { return lead(atA, a.Addrs, b.Addrs) })
	step(b, func() error { return lead(atB, b.Addrs, a.Addrs) })
	return err
}

// The functions below work on the network of the host they are called in, by
// rtnetlink(7).

// lead gives a device the host's own addresses, and leads to those of its peer.
func lead(device string, own, peer []netip.Addr) error {
	has := map[uint8]bool{} // families
	for _, addr := range own {
		has[family(addr)] = true
		if err := addAddr(device, addr); err != nil {
			return err
		}
	}
	for _, addr := range peer {
		if !has[family(addr)] {
			continue
		}
		if err := Route(addr, device); err != nil {
			return err
		}
	}
	return nil
}

// Route has what is for an address leave by a device, or with none vanish.
func Route(to netip.Addr, device string) error {
	msg := unix.RtMsg{Family: family(to), Dst_len: uint8(to.BitLen()), Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_STATIC, Type: unix.RTN_BLACKHOLE}
	attrs := attr(unix.RTA_DST, to.AsSlice())
	if device != "" {
		index, err := deviceIndex(device)
		if err != nil {
			return err
		}
		msg.Type, msg.Scope = unix.RTN_UNICAST, unix.RT_SCOPE_LINK
		attrs = append(attrs, attr(unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, index))...)
	}
	return request("route to "+to.String(), unix.RTM_NEWROUTE, unix.NLM_F_REPLACE, msg, attrs)
}

// Unplug takes a device away, and with it the other end of its cable.
func Unplug(device string) error {
	index, err := deviceIndex(device)
	if err != nil {
		return err
	}
	return request("unplug "+device, unix.RTM_DELLINK, 0, unix.IfInfomsg{Index: int32(index)}, nil)
}

// addPair makes a pair of devices, the second of them in another network.
func addPair(near, far string, network int) error {
	const peer = 1 // VETH_INFO_PEER of linux/veth.h
	end := append(make([]byte, unix.SizeofIfInfomsg), attr(unix.IFLA_IFNAME, []byte(far+"\x00"))...)
	end = append(end, attr(unix.IFLA_NET_NS_FD, binary.NativeEndian.AppendUint32(nil, uint32(network)))...)
	info := append(attr(unix.IFLA_INFO_KIND, []byte("veth\x00")), attr(unix.IFLA_INFO_DATA, attr(peer, end))...)
	attrs := append(attr(unix.IFLA_IFNAME, []byte(near+"\x00")), attr(unix.IFLA_LINKINFO, info)...)
	return request("veth pair", unix.RTM_NEWLINK, unix.NLM_F_EXCL, unix.IfInfomsg{}, attrs)
}

// addAddr gives a device an address, which can be used at once.
func addAddr(device string, addr netip.Addr) error {
	index, err := deviceIndex(device)
	if err != nil {
		return err
	}
	msg := unix.IfAddrmsg{Family: family(addr), Prefixlen: uint8(addr.BitLen()), Flags: unix.IFA_F_NODAD, Index: index}
	attrs := append(attr(unix.IFA_LOCAL, addr.AsSlice()), attr(unix.IFA_ADDRESS, addr.AsSlice())...)
	return request("address "+addr.String(), unix.RTM_NEWADDR, unix.NLM_F_EXCL, msg, attrs)
}

func switchOn(device string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	return flagsUp(fd, device)
}

func deviceIndex(name string) (uint32, error) {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	return uint32(device.Index), nil
}

func family(addr netip.Addr) uint8 {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// attr makes an attribute, padded.
func attr(kind uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	return append(b, make([]byte, -len(b)&(unix.RTA_ALIGNTO-1))...)
}

// request asks the kernel to make something, and waits until it has.
func request(what string, kind, flags uint16, msg any, attrs []byte) error {
	fail := func(err error) error { return fmt.Errorf("%s: %w", what, err) }
	body, err := binary.Append(nil, binary.NativeEndian, msg)
	if err != nil {
		return fail(err)
	}
	body = append(body, attrs...)
	header := unix.NlMsghdr{Len: uint32(unix.SizeofNlMsghdr + len(body)), Type: kind, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK | unix.NLM_F_CREATE | flags}
	packet, err := binary.Append(nil, binary.NativeEndian, header)
	if err != nil {
		return fail(err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, append(packet, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fail(err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fail(err)
	}
	if n < unix.SizeofNlMsghdr+unix.SizeofNlMsgerr {
		return fail(fmt.Errorf("an answer of %d bytes", n))
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return fail(unix.Errno(errno))
	}
	return nil
}
