package imapconf

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestUnknown(t *testing.T) {
	conf := Conf{
		"partition-default": "/p", "partition-more": "/m", "imap_partition-other": "/o", "admins": "cyrus", "imaps_timeout": "7", "my_imap_tls_versions": "tls1_3",
		"sievedir": "/s", "allowplaintex": "yes", "imap_sievedir": "/s", "sasl_auxprop_plugin": "sasldb", "metapartition-default": "/m",
	}
	want := []string{"allowplaintex", "imap_sievedir", "metapartition-default", "sasl_auxprop_plugin"}
	if got := conf.Unknown(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Conf{"lmtp_downcase_rcpt": "yes", "lmtp_admins": "postman"}).Service("lmtp").Unknown(); len(got) > 0 {
		t.Errorf("of a service: %q", got)
	}
}

func TestMistakes(t *testing.T) {
	conf := Conf{
		"allowplaintext": "maybe", "imaps_timeout": "2h", "timeout": "", "quotawarn": "90", "sieve": "perhaps", "virtdomains": "userid",
		"lmtp_downcase_rcpt": "1", "munge8bit": "Yes", "autocreatequota": "-1",
	}
	want := []string{"allowplaintext is neither yes nor no: maybe", "imaps_timeout is no number: 2h", "timeout is no number: "}
	if got := conf.Mistakes(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What programs read is known, what is known is read, and a page tells of it.
func TestKnown(t *testing.T) {
	read := regexp.MustCompile(`([cC]onf|settings\(\)|imapd)\.(String|Bool|Int|Words|boolean)\("([a-z0-9_-]+)"`)
	code, pages := "", ""
	for _, root := range []string{"../../cmd", "../../lib"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "/known.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			switch ext := filepath.Ext(path); {
			case ext == ".go" && (strings.Contains(string(text), "onf") || strings.Contains(string(text), "settings()")):
				code += string(text)
			case strings.Trim(ext, ".12345678") == "":
				pages += string(text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, found := range read.FindAllStringSubmatch(code, -1) {
		if name := found[3]; !slices.Contains(known[:], name) {
			t.Errorf("%s is read and not known", name)
		}
		kinds := map[string][]string{"Bool": append(switches[:], "virtdomains"), "Int": numbers[:]}
		if kind, ok := kinds[found[2]]; ok && !slices.Contains(kind, found[3]) {
			t.Errorf("%s is read with %s and not known as such", found[3], found[2])
		}
	}
	for _, name := range known {
		if !strings.Contains(code, `"`+name+`"`) {
			t.Errorf("%s is known and not read", name)
		}
		if !strings.Contains(pages, name) {
			t.Errorf("no page tells of %s", name)
		}
	}
	if !slices.IsSorted(known[:]) {
		t.Error("not in their order")
	}
}
