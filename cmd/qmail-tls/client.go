package main

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"time"

	"goqmail/lib/control"
)

// certified looks at the certificates that a client has shown, its own first.
// It returns the e-mail address in a good one, or what is wrong with it.
func (k *keys) certified(shown []*x509.Certificate) (email, problem string) {
	pool := k.clientCAs()
	if len(shown) == 0 || pool == nil {
		return "", ""
	}
	intermediates := x509.NewCertPool()
	for _, c := range shown[1:] {
		intermediates.AddCert(c)
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil {
		err = k.revoked(chains[0])
	}
	if err != nil {
		return "", err.Error()
	}
	if email = emailAddress(shown[0]); email == "" {
		return "", "contains no email address"
	}
	return email, ""
}

// emailAddress is what the subject has under pkcs9 emailAddress (RFC 2985).
func emailAddress(c *x509.Certificate) string {
	for _, name := range c.Subject.Names {
		if name.Type.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}) {
			email, _ := name.Value.(string)
			return email
		}
	}
	return ""
}

// revoked looks each certificate of a chain up in clientcrl.pem, if there is
// one. Then there must be a list of each issuer, and none may be out of date.
func (k *keys) revoked(chain []*x509.Certificate) error {
	data, err := k.read(control.Path("clientcrl.pem"))
	if err != nil {
		return nil
	}
	for i := range chain[:len(chain)-1] {
		if err := revokedBy(data, chain[i], chain[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// revokedBy looks a certificate up in its issuer's list.
func revokedBy(data []byte, c, issuer *x509.Certificate) error {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		//lint:ignore SA1019 what replaces it takes no lists of version 1, which openssl makes
		list, err := x509.ParseDERCRL(block.Bytes)
		if err != nil {
			continue
		}
		//lint:ignore SA1019 for the same
		if issuer.CheckCRLSignature(list) != nil {
			continue
		}
		if list.HasExpired(time.Now()) {
			return errors.New("CRL has expired")
		}
		for _, entry := range list.TBSCertList.RevokedCertificates {
			if entry.SerialNumber.Cmp(c.SerialNumber) == 0 {
				return errors.New("certificate revoked")
			}
		}
		return nil
	}
	return errors.New("unable to get certificate CRL")
}
