// Package imaptls is the server's side of TLS as imapd.conf(5) sets it up: the
// certificate, its key, those whose certificates clients may show, versions and
// ciphers.
package imaptls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"goqmail/lib/ciphers"
	"goqmail/lib/imapconf"
)

// ErrOff says that no certificate is named: there is no TLS.
var ErrOff = errors.New("TLS: no certificate is set")

// Server has what a server needs to speak TLS. It may be used by many connections,
// also while it is loaded again.
type Server struct{ now atomic.Pointer[setup] }

// setup is what was read at one time.
type setup struct {
	config  *tls.Config
	clients *x509.CertPool // whose certificates clients may show; nil if none is asked for
}

// Load reads what conf names.
func Load(conf imapconf.Conf) (*Server, error) {
	s := new(Server)
	return s, s.Reload(conf)
}

// Open is Load for a program that does without TLS, a nil Server, if there is no
// certificate; one that is no good is then for the log alone. But where it must have TLS
// both are errors.
func Open(conf imapconf.Conf, must bool, log func(error)) (*Server, error) {
	s, err := Load(conf)
	switch {
	case err == nil:
		return s, nil
	case must:
		return nil, err
	case !errors.Is(err, ErrOff):
		log(err)
	}
	return nil, nil
}

// Reload reads it again, for connections to come. After an error what was read
// before still holds. A nil Server stays without.
func (s *Server) Reload(conf imapconf.Conf) error {
	if s == nil {
		return nil
	}
	next, err := load(conf)
	if err != nil {
		return err
	}
	s.now.Store(next)
	return nil
}

// Config is what to give to tls.Server for the next connection.
func (s *Server) Config() *tls.Config { return s.now.Load().config }

// Certificate is the server's own.
func (s *Server) Certificate() *x509.Certificate { return s.Config().Certificates[0].Leaf }

// setting is the value of the first of names that is set. Files that are
// "disabled" are not.
func setting(conf imapconf.Conf, names ...string) string {
	for _, name := range names {
		if value := conf.String(name, ""); value != "" && value != "disabled" {
			return value
		}
	}
	return ""
}

// Files are the files that conf names: the certificate, its key, and those who may have
// signed clients' certificates; "" for what is not set.
func Files(conf imapconf.Conf) (cert, key, clients string) {
	cert = setting(conf, "tls_server_cert", "tls_cert_file")
	if key = setting(conf, "tls_server_key", "tls_key_file"); key == "" {
		key = cert
	}
	return cert, key, setting(conf, "tls_client_ca_file", "tls_ca_file")
}

func load(conf imapconf.Conf) (*setup, error) {
	cert, key, _ := Files(conf)
	if cert == "" {
		return nil, ErrOff
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("TLS: %s: %w", cert, err)
	}
	config := &tls.Config{
		Certificates:           []tls.Certificate{pair},
		SessionTicketsDisabled: conf.String("tls_session_timeout", "") == "0",
	}
	if err := limits(config, conf); err != nil {
		return nil, err
	}
	pool, err := clients(config, conf)
	return &setup{config, pool}, err
}

// limits sets versions and ciphers.
func limits(config *tls.Config, conf imapconf.Conf) error {
	versions := conf.Words("tls_versions")
	if len(versions) > 0 {
		config.MinVersion, config.MaxVersion = tls.VersionTLS13, tls.VersionTLS10
	}
	for _, name := range versions {
		v, ok := version(name)
		if !ok {
			return fmt.Errorf("TLS: tls_versions: %s is not known here", name)
		}
		config.MinVersion = min(config.MinVersion, v)
		config.MaxVersion = max(config.MaxVersion, v)
	}
	// Lists name much that is no longer to be had; what is left of them counts.
	config.CipherSuites, _ = ciphers.Parse(setting(conf, "tls_ciphers", "tls_cipher_list"))
	return nil
}

func version(name string) (uint16, bool) {
	switch strings.ToLower(name) {
	case "tls1_0":
		return tls.VersionTLS10, true
	case "tls1_1":
		return tls.VersionTLS11, true
	case "tls1_2":
		return tls.VersionTLS12, true
	case "tls1_3":
		return tls.VersionTLS13, true
	}
	return 0, false
}

// clients sets whether clients are asked for certificates, and returns those who may
// have signed them. One that nobody knows is as good as none: mail programs show
// what they have. Only where a certificate is required must it be a good one.
func clients(config *tls.Config, conf imapconf.Conf) (*x509.CertPool, error) {
	_, _, file := Files(conf)
	wanted := conf.String("tls_client_certs", "optional")
	if conf.Bool("tls_require_cert", false) {
		wanted = "require"
	}
	switch wanted {
	case "off":
		return nil, nil
	case "optional":
		if file == "" {
			return nil, nil
		}
		config.ClientAuth = tls.RequestClientCert
	case "require":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil, fmt.Errorf("TLS: tls_client_certs: %s is not off, optional or require", wanted)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("TLS: %s: no certificate", file)
	}
	config.ClientCAs = pool
	return pool, nil
}

// Identity is the user whom a client's certificate names, its common name; "" if it
// has shown none, or one that none of the known has signed.
func (s *Server) Identity(state tls.ConnectionState) string {
	pool := s.now.Load().clients
	if pool == nil || len(state.PeerCertificates) == 0 {
		return ""
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	own := state.PeerCertificates[0]
	_, err := own.Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return ""
	}
	return own.Subject.CommonName
}

// Bits is how many bits the key of a connection's cipher has, which is what
// sasl_minimum_layer asks for.
func Bits(state tls.ConnectionState) int {
	if name := ciphers.Name(state.CipherSuite); strings.Contains(name, "256") && !strings.Contains(name, "AES128") &&
		!strings.Contains(name, "AES_128") || strings.Contains(name, "CHACHA20") {
		return 256
	}
	return 128
}

// Describe says for the log what was agreed on, and who the client is, if that is
// known, in the words of Cyrus.
func Describe(state tls.ConnectionState, identity string) string {
	of := "new"
	if state.DidResume {
		of = "reused"
	}
	who := "no authentication"
	if identity != "" {
		who = "authenticated as " + identity
	}
	// "TLS 1.3" is "TLSv1.3" there.
	protocol := strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)
	bits := Bits(state)
	return fmt.Sprintf("starttls: %s with cipher %s (%d/%d bits %s) %s", protocol, ciphers.Name(state.CipherSuite), bits, bits, of, who)
}
