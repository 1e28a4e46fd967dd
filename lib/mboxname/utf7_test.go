package mboxname

import "testing"

func TestUTF7(t *testing.T) {
	for _, row := range []struct{ utf8, utf7 string }{
		{"INBOX", "INBOX"},
		{"Entwürfe", "Entw&APw-rfe"},
		{"a&b", "a&-b"},
		{"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, // RFC 3501
		{"😀", "&2D3eAA-"},
		{"", ""},
	} {
		if got, err := Encode(row.utf8); err != nil || got != row.utf7 {
			t.Errorf("%s is %s, %v, want %s", row.utf8, got, err, row.utf7)
		}
		if got, err := Decode(row.utf7); err != nil || got != row.utf8 {
			t.Errorf("%s is %s, %v, want %s", row.utf7, got, err, row.utf8)
		}
	}
	for _, bad := range []string{"&", "a&b", "&AGE-", "&U,BTFw-&ZeVnLIqe-", "&2D0-", "&APw=-", "&A-", "ü", "&AAE-", "&AIU-", "&ICg-", "a\x7f"} {
		if got, err := Decode(bad); err == nil {
			t.Errorf("%s is %q", bad, got)
		}
	}
	for _, bad := range []string{"\xff", "a\x01", "ü\r\n", "\u0085", "\u2029", "\x00"} {
		if got, err := Encode(bad); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("Entw&APw-rfe")
	f.Fuzz(func(t *testing.T, name string) {
		if decoded, err := Decode(name); err == nil {
			if again, err := Encode(decoded); err != nil || again != name {
				t.Errorf("%q is %q, which is %q, %v", name, decoded, again, err)
			}
		}
	})
}
