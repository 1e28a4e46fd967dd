package ipme

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"goqmail/lib/control"
	"goqmail/lib/ip"
)

// interfaces asks for IPv4 addresses by ioctl, as it is allowed even where
// netlink sockets are not, and reads IPv6 addresses from /proc.
func interfaces() ([]ip.Addr, error) {
	set, err := interfaces4()
	if err != nil {
		return set, err
	}
	lines, err := interfaces6()
	for _, line := range lines {
		if a, ok := parse6(line); ok {
			set = append(set, a)
		}
	}
	return set, err
}

// file6 has the IPv6 addresses.
const file6 = "/proc/net/if_inet6"

// kept is file6, kept open.
var kept *os.File

// Keep opens what a process needs for Look that will not be able to open it. A
// kernel without IPv6 has no such file.
func Keep() { kept, _ = os.Open(file6) }

func interfaces6() (lines []string, err error) {
	if kept == nil {
		lines, _, err = control.LinesOf(file6) // nor is it an error there
		return lines, err
	}
	text, err := io.ReadAll(io.NewSectionReader(kept, 0, 1<<20)) // as it is now
	return strings.Split(string(text), "\n"), err
}

// parse6 reads the address at the start of a line of /proc/net/if_inet6: 32
// hexadecimal digits, followed by the interface's number and more.
func parse6(line string) (a ip.Addr, ok bool) {
	digits, _, _ := strings.Cut(line, " ")
	if len(digits) != 2*len(a) {
		return a, false
	}
	for i := range a {
		b, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			return a, false
		}
		a[i] = byte(b)
	}
	return a, true
}

// ifreq is struct ifreq of netdevice(7): a name, and an address or flags.
type ifreq struct {
	name   [syscall.IFNAMSIZ]byte
	family uint16 // flags, in the answer to SIOCGIFFLAGS
	port   [2]byte
	addr   [4]byte
	_      [2 * unsafe.Sizeof(uintptr(0))]byte
}

// ifconf is struct ifconf.
type ifconf struct {
	size int32 // in bytes
	list *ifreq
}

func interfaces4() ([]ip.Addr, error) {
	// Any socket will do. This one may be had where those of the network may not.
	s, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(s)
	list, err := requests(s)
	var set []ip.Addr
	for i := range list {
		r := list[i]
		if r.family != syscall.AF_INET || ioctl(s, syscall.SIOCGIFFLAGS, unsafe.Pointer(&list[i])) != nil {
			continue
		}
		if flags := list[i].family; flags&syscall.IFF_UP != 0 {
			set = append(set, ip.V4(r.addr[0], r.addr[1], r.addr[2], r.addr[3]))
		}
	}
	return set, err
}

// requests returns one request for each IPv4 address of each interface.
func requests(s int) ([]ifreq, error) {
	const size = int(unsafe.Sizeof(ifreq{}))
	for n := 16; ; n *= 2 {
		list := make([]ifreq, n)
		conf := ifconf{int32(n * size), &list[0]}
		if err := ioctl(s, syscall.SIOCGIFCONF, unsafe.Pointer(&conf)); err != nil {
			return nil, err
		}
		// The kernel fills what fits and does not say that there is more.
		if got := int(conf.size) / size; got < n {
			return list[:got], nil
		}
	}
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}
