package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/extensions"
)

// certificates checks those of control, and which are missing.
func (c *checker) certificates() {
	me, _ := control.LineOr("me", "")
	server := c.certificate("control/servercert.pem", control.Path("servercert.pem"), me)
	if !server && c.on.Has(extensions.SMTPTLS) {
		c.doubt("control/servercert.pem", "there is none, so that STARTTLS is not offered", "make cert")
	}
	c.certificate("control/clientcert.pem", control.Path("clientcert.pem"), "")
	names, _ := os.ReadDir(control.Path("servercerts"))
	for _, entry := range names {
		name := "servercerts/" + entry.Name() + "/servercert.pem"
		c.certificate("control/"+name, control.Path(name), entry.Name())
	}
}

// soon is when to think of a new certificate.
const soon = 14 * 24 * time.Hour

// certificate checks a file with a chain and its key, and that it is good for a name, if one
// is given. It returns whether there is one.
func (c *checker) certificate(where, path, name string) bool {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var data []byte
	if err == nil {
		if mode := st.Mode().Perm(); mode&0o007 != 0 {
			c.wrong(where, "all may read the key in it", "chmod o= "+quoted(path))
		}
		data, err = os.ReadFile(path)
	}
	if err != nil {
		c.hidden(where, err)
		return true
	}
	c.pair(where, data, data, name)
	return true
}

// pair checks a chain and its key.
func (c *checker) pair(where string, chain, key []byte, name string) {
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		c.wrong(where, "is no certificate with its key: "+strings.TrimPrefix(err.Error(), "tls: "), auto.Home+"/bin/mkservercert")
		return
	}
	leaf := pair.Leaf
	date := leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST")
	switch left := leaf.NotAfter.Sub(c.now); {
	case left < 0:
		c.wrong(where, "ended at "+date, auto.Home+"/bin/mkservercert")
	case c.now.Before(leaf.NotBefore):
		c.wrong(where, "is good only from "+leaf.NotBefore.UTC().Format("2006-01-02 15:04 MST"), "date")
	case left < soon:
		c.doubt(where, "ends in "+strconv.Itoa(int(left/(24*time.Hour)))+" days, at "+date, auto.Home+"/bin/mkservercert")
	}
	if name != "" && leaf.VerifyHostname(name) != nil && !strings.EqualFold(leaf.Subject.CommonName, name) {
		c.doubt(where, "is not for "+name, auto.Home+"/bin/mkservercert")
	}
	c.chain(where, chain)
}

// chain checks that each certificate of a file is signed by the next.
func (c *checker) chain(where string, data []byte) {
	var last *x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		next, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			c.wrong(where, "has a certificate that cannot be read: "+err.Error(), "")
			return
		}
		if last != nil && last.CheckSignatureFrom(next) != nil {
			c.doubt(where, "the certificate of "+next.Subject.CommonName+" is not the one that signed the one before it", "")
			return
		}
		last = next
	}
}
