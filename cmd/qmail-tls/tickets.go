package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"slices"
	"time"
)

// A client that comes back shows a ticket and is spared half of the handshake
// (RFC 8446, section 2.2). Every connection has a process of its own here, so the
// keys that tickets are sealed with come from what all of them know: the private
// key and the day.
//
// There are none with TLS 1.2, whose tickets hold all it takes to read the whole
// session: whoever gets the private key one day could read what was said before.

// giveTickets makes tickets a part of config. They go out on conn. Where clients
// may show certificates there are none: a session that goes on has the certificate
// it began with, or still has none.
func giveTickets(config *tls.Config, conn *connection, certificate *tls.Certificate) error {
	if config.ClientAuth != tls.NoClientCert {
		config.SessionTicketsDisabled = true
		return nil
	}
	secret, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return err
	}
	config.SetSessionTicketKeys(ticketKeys(secret, time.Now()))
	without := config.Clone()
	without.SessionTicketsDisabled = true
	config.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		conn.ticket = true
		return config.EncryptTicket(state, session)
	}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
			return nil, nil // this one
		}
		return without, nil
	}
	return nil
}

// ticketKeys are today's key, which new tickets are sealed with, and yesterday's.
func ticketKeys(secret []byte, now time.Time) (keys [][32]byte) {
	today := uint64(now.Unix()) / (24 * 60 * 60)
	for _, day := range []uint64{today, today - 1} {
		mac := hmac.New(sha256.New, secret)
		mac.Write(binary.BigEndian.AppendUint64([]byte("qmail-tls session tickets "), day))
		keys = append(keys, [32]byte(mac.Sum(nil)))
	}
	return keys
}
