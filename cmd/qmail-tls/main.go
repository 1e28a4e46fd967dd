// Qmail-tls speaks TLS with a client for a server that cannot, such as
// qmail-smtpd. The client is on descriptors 0 and 1, the server on descriptor 3;
// reports go to descriptor 4, as package starttls has it.
//
//	qmail-tls seconds
//
// It exits 0 when the connection is over, and 1 when there never was a secure
// one. See qmail-tls(8).
package main

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/ciphers"
	"goqmail/lib/confine"
	"goqmail/lib/socket"
)

func main() {
	call.Main(func(c *call.Call) int {
		// Before the client is heard: to start programs, to open sockets, and all
		// files but those with keys and settings, and with the accounts.
		err := confine.Process(confine.Rules{Read: append(confine.Linked(auto.Home+"/control"), "/etc/passwd", "/etc/group")})
		if err != nil {
			return refuse(c.File(4), err)
		}
		return run(c)
	})
}

const failed = 1

// handshakeWaits is how many times the limit for one wait a handshake may take as a
// whole: a client that sends a byte now and then would else stay for days.
const handshakeWaits = 4

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE)
	server, reports := c.File(3), c.File(4)
	identity, err := takeIdentity()
	if err != nil {
		return refuse(reports, err)
	}
	seconds, _ := strconv.Atoi(c.Arg(1))
	conn := &connection{in: c.In(), out: c.Out(), limit: time.Duration(max(seconds, 1)) * time.Second}
	keys := &keys{identity: identity}
	config, err := keys.config(c.Env, conn)
	if err != nil {
		return refuse(reports, err)
	}
	report(reports, "+"+keys.problems())
	if _, err := io.ReadFull(server, make([]byte, 1)); err != nil {
		return failed // nobody wants it
	}
	socket.NoDelay(c.Out()) // a reply must not wait for an answer to the session ticket
	conn.until = time.Now().Add(handshakeWaits * conn.limit)
	client := tls.Server(conn, config)
	if err := client.Handshake(); err != nil {
		return refuse(reports, err)
	}
	if err := conn.release(); err != nil {
		return refuse(reports, err)
	}
	state := client.ConnectionState()
	email, problem := keys.certified(state.PeerCertificates)
	if err := identity.leave(); err != nil {
		return refuse(reports, err)
	}
	report(reports, "+"+ciphers.Name(state.CipherSuite)+"\t"+email+"\t"+problem+"\t"+keys.problems())
	reports.Close()
	conn.patient = true
	relay(client, server)
	return 0
}

func refuse(reports *os.File, err error) int {
	report(reports, "-"+strings.ReplaceAll(err.Error(), "\t", " "))
	return failed
}

// report writes one line.
func report(reports *os.File, text string) {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r > '~' {
			return '?'
		}
		return r
	}, text)
	io.WriteString(reports, text+"\n")
}

// relay passes on what client and server say until the server is done. When the
// client is, the server still hears the end of it, and may have a last word.
func relay(client *tls.Conn, server *os.File) {
	go func() {
		_, err := io.Copy(server, client)
		if raw, rawErr := server.SyscallConn(); rawErr == nil {
			how := syscall.SHUT_WR
			if errors.Is(err, syscall.EPIPE) {
				how = syscall.SHUT_RDWR
			}
			raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), how) })
		}
	}()
	io.Copy(client, server)
	client.CloseWrite()
}
