package sasl

import (
	"crypto/tls"
	"net"

	"goqmail/lib/imaptls"
)

// PeerOf returns what is known of a connection. over is the TLS that it has, by server;
// nil if there is none.
func PeerOf(conn net.Conn, over *tls.Conn, server *imaptls.Server) Peer {
	p := Peer{Host: "localhost [unix socket]", Private: true}
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		p.Private = false
		p.Host = "[" + a.IP.String() + "]"
		if a.IP.IsLoopback() {
			p.Host = "localhost " + p.Host
		}
	}
	if over != nil {
		state := over.ConnectionState()
		p.TLS = &state
		p.Certificate = server.Certificate()
		p.Identity = server.Identity(state)
	}
	return p
}
