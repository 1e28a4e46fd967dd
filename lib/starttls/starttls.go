// Package starttls hands a connection over to qmail-tls(8), which speaks TLS on
// it with the client and passes on what that says in the clear.
//
// So a server needs no cryptography, and the process that reads the client's
// commands never has the key. What the two say to each other is known here and
// in cmd/qmail-tls alone:
//
//   - qmail-tls gets the connection on descriptors 0 and 1, one end of a
//     socketpair on 3, a pipe for reports on 4, and the seconds to wait for the
//     client as its argument.
//   - It reads its certificate and reports a line: + and warnings or, with a
//     reason, -.
//   - At a byte on 3 it goes through the handshake, and reports a line again.
//     A good one is +, the cipher suite, a client's certificate as Info has it,
//     and more warnings, with tabs between.
//   - From then on 3 is what the client says and hears.
package starttls

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/control"
)

// Info is what a server may want to know of a secured connection.
type Info struct {
	Cipher  string // the suite, as OpenSSL calls it
	Email   string // in the client's certificate, if that is good; "": none
	Problem string // what is wrong with the client's certificate; "": it is good, or none
	Warning string // what the log should have about our own certificate or settings, after an error, too
}

// HaveCertificate tells whether there is a servercert.pem, be it good or not:
// that is what TLS is offered for.
func HaveCertificate() bool {
	var st syscall.Stat_t
	return syscall.Stat(control.Path("servercert.pem"), &st) == nil
}

// Helper is a qmail-tls.
type Helper struct {
	pid     int
	warning string
	clear   *os.File // what the client says and hears
	reports *bufio.Reader
	close   func()
}

// Start starts a qmail-tls for the connection on in and out and waits until it
// has its certificate. The error says why not, for the client to know.
func Start(in, out, stderr *os.File, env call.Env, patience time.Duration) (*Helper, error) {
	clear, far, err := pair()
	if err != nil {
		return nil, errors.New("unable to make a socketpair")
	}
	defer far.Close()
	reportsIn, reportsOut, err := child.Pipe()
	if err != nil {
		clear.Close()
		return nil, errors.New("unable to make a pipe")
	}
	defer reportsOut.Close()
	cmd := child.Cmd{
		Path: auto.Home + "/bin/qmail-tls", Args: []string{"qmail-tls", strconv.Itoa(int(patience / time.Second))},
		Env: env, Dir: auto.Home, Files: []*os.File{in, out, stderr, far, reportsOut}, Large: true,
	}
	h := &Helper{clear: clear, reports: bufio.NewReader(reportsIn), close: func() { reportsIn.Close() }}
	if h.pid, err = cmd.Start(); err != nil {
		clear.Close()
		reportsIn.Close()
		return nil, errors.New("unable to start qmail-tls")
	}
	far.Close()
	reportsOut.Close()
	if h.warning, err = h.report(); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Handshake makes the connection a secure one. Tell the client first that it
// may begin, and use the connection no more: from now on it is Clear. After an
// error it is broken.
func (h *Helper) Handshake() (Info, error) {
	if _, err := h.clear.Write([]byte{'+'}); err != nil {
		return Info{Warning: h.warning}, errors.New("qmail-tls is gone")
	}
	text, err := h.report()
	if err != nil {
		return Info{Warning: h.warning}, err
	}
	fields := append(strings.Split(text, "\t"), "", "", "", "")
	if h.warning != "" && fields[3] != "" {
		h.warning += "; "
	}
	return Info{Cipher: fields[0], Email: fields[1], Problem: fields[2], Warning: h.warning + fields[3]}, nil
}

// Clear is the connection as it would be without TLS. Close closes it.
func (h *Helper) Clear() *os.File { return h.clear }

// Close ends the connection and waits until the client has got all that was
// written.
func (h *Helper) Close() {
	h.clear.Close()
	child.Wait(h.pid)
	h.close()
}

// report reads one report.
func (h *Helper) report() (string, error) {
	line, err := h.reports.ReadString('\n')
	if err != nil {
		return "", errors.New("qmail-tls is gone")
	}
	line = strings.TrimSuffix(line, "\n")
	text, ok := strings.CutPrefix(line, "+")
	if !ok {
		return "", errors.New(strings.TrimPrefix(line, "-"))
	}
	return text, nil
}

// pair makes a socketpair of which neither end passes to other programs.
func pair() (near, far *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return os.NewFile(uintptr(fds[0]), "tls"), os.NewFile(uintptr(fds[1]), "tls"), nil
}
