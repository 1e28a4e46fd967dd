package ciphers

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const a128, a256 = tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	for list, want := range map[string]struct {
		ids     []uint16
		unknown string
	}{
		"":                            {nil, ""},
		"ECDHE-RSA-AES256-GCM-SHA384": {[]uint16{a256}, ""},
		"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256": {[]uint16{a128, a256}, ""},
		"ECDHE-RSA-AES256-GCM-SHA384, RC4-SHA":                    {[]uint16{a256}, "RC4-SHA"},
		"HIGH:!ECDHE-RSA-AES256-GCM-SHA384:-HIGH":                 {nil, ""},
		"!aNULL:!MD5:@STRENGTH:TLS_AES_128_GCM_SHA256":            {nil, ""},
		"!!:-:x": {nil, "x"},
		"kRSA":   {nil, "kRSA"},
	} {
		ids, unknown := Parse(list)
		if !slices.Equal(ids, want.ids) || (ids == nil) != (want.ids == nil) || strings.Join(unknown, " ") != want.unknown {
			t.Errorf("%q: got %v, %q", list, ids, unknown)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("HIGH:!aNULL:ECDHE-RSA-AES256-GCM-SHA384")
	f.Fuzz(func(t *testing.T, list string) {
		ids, _ := Parse(list)
		for _, id := range ids {
			if Name(id) == "" {
				t.Errorf("%q: suite %d", list, id)
			}
		}
	})
}

func TestName(t *testing.T) {
	for id, want := range map[uint16]string{
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
		tls.TLS_RSA_WITH_AES_128_CBC_SHA:                "AES128-SHA",
		tls.TLS_AES_128_GCM_SHA256:                      "TLS_AES_128_GCM_SHA256",
	} {
		if got := Name(id); got != want {
			t.Errorf("%d: got %s, want %s", id, got, want)
		}
	}
}
