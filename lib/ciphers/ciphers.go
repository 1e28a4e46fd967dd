// Package ciphers knows cipher suites by OpenSSL's names, and reads lists of them
// as they stand in control files; see ciphers(1ssl).
//
// Go's crypto/tls knows fewer suites than OpenSSL, orders them itself and lets
// nobody choose among those of TLS 1.3.
package ciphers

import (
	"crypto/tls"
	"slices"
	"strings"
)

// suite is a cipher suite of TLS 1.2 and what OpenSSL calls it. Those of TLS 1.3
// have one name, and cannot be chosen.
type suite struct {
	id   uint16
	name string
}

// suites are those that can be had, the good ones first.
var suites = [...]suite{
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305"},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256"},
	{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256"},
	{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384"},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256"},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA"},
	{tls.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA"},
}

// usual is how many of suites are taken when nobody chooses.
const usual = 10

// Name is what OpenSSL calls a suite of any version.
func Name(id uint16) string {
	for _, s := range suites {
		if s.id == id {
			return s.name
		}
	}
	return tls.CipherSuiteName(id)
}

// Parse reads the part of OpenSSL's cipher lists that can be had: names
// of suites, classes of them that all mean the usual ones, and !, - or + before
// a name. An empty result means the usual ones.
func Parse(list string) (ids []uint16, unknown []string) {
	var banned []uint16
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(": ,;", r) }) {
		name := strings.TrimLeft(word, "!-+")
		found, ok := called(name)
		switch {
		case !ok && word[0] != '!' && word[0] != '-' && word[0] != '@':
			unknown = append(unknown, word)
		case word[0] == '!':
			banned = append(banned, found...)
		case word[0] == '-':
			ids = slices.DeleteFunc(ids, func(id uint16) bool { return slices.Contains(found, id) })
		case word[0] == '+': // only the order, which is ours
		default:
			ids = append(ids, found...)
		}
	}
	ids = slices.DeleteFunc(ids, func(id uint16) bool { return slices.Contains(banned, id) })
	if len(ids) == 0 {
		return nil, unknown
	}
	slices.Sort(ids)
	return slices.Compact(ids), unknown
}

// called are the suites that a name stands for.
func called(name string) (ids []uint16, ok bool) {
	switch name {
	case "DEFAULT", "ALL", "HIGH", "MEDIUM", "SECURE", "COMPLEMENTOFDEFAULT", "ECDHE", "EECDH", "kECDHE", "kEECDH", "TLSv1.2":
		for _, s := range suites[:usual] {
			ids = append(ids, s.id)
		}
		return ids, true
	}
	for _, s := range suites {
		if s.name == name {
			return []uint16{s.id}, true
		}
	}
	return nil, strings.HasPrefix(name, "TLS_") // of TLS 1.3, always there
}
