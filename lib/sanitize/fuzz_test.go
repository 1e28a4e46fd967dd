package sanitize

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/anomy"
)

// configure reads a configuration of lines.
func configure(t testing.TB, lines ...string) *anomy.Config {
	t.Helper()
	c, warnings, err := anomy.Parse([]byte(strings.Join(lines, "\n")))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return c
}

// clean sanitizes a message.
func clean(t testing.TB, c *anomy.Config, mess []byte) (string, *Message) {
	t.Helper()
	m, err := Sanitize(mess, c)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String(), m
}

// everything looks into all there is, and changes nothing that is harmless.
var everything = []string{
	"header_info = 0", "feat_log_inline = 0", "feat_webbugs = 1", "feat_paranoid = 1", "feat_testing = 1",
	"file_list_rules = 2", `file_list_1 = (?i)\.exe$`, "file_list_1_policy = drop", `file_list_2 = \.(png|txt)$`, "file_list_2_policy = accept",
}

func FuzzSanitize(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatal("no messages in testdata: ", err)
	}
	for _, file := range files {
		mess, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(mess)
	}
	for _, row := range messages {
		f.Add([]byte(row.in))
	}
	off := configure(f, "header_info = 0", "feat_files = 0", "feat_fixmime = 0", "feat_html = 0", "feat_lengths = 0", "feat_scripts = 0", "feat_uuencoded = 0", "feat_log_inline = 0")
	on := configure(f, everything...)
	all := configure(f, append(everything, "feat_boundaries = 1", "feat_trust_pgp = 1", "feat_force_name = 1", "feat_log_inline = 1", "header_info = X-Sanitizer: yes")...)
	f.Fuzz(func(t *testing.T, mess []byte) {
		if got, _ := clean(t, off, mess); got != string(mess) {
			t.Errorf("nothing was asked for, got %q", got)
		}
		got, m := clean(t, on, mess)
		if !m.Changed && got != string(mess) {
			t.Errorf("nothing was found, got %q", got)
		}
		// What is safe stays as it is.
		if again, m := clean(t, on, []byte(got)); m.Changed {
			t.Errorf("%q\nbecame %q\nand then %q: %q", mess, got, again, m.Log)
		}
		for _, c := range []*anomy.Config{on, all} {
			if got, m := clean(t, c, mess); len(got) > 12*len(mess)+1000*m.parts+8192 {
				t.Errorf("%d bytes became %d", len(mess), len(got))
			}
		}
	})
}

func FuzzHTML(f *testing.F) {
	for _, row := range pages {
		f.Add([]byte(row.in))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p := page{active: true, webbugs: true, paranoid: true}
		var out, again bytes.Buffer
		if err := p.defang(bytes.NewReader(text), &out); err != nil {
			t.Fatal(err)
		}
		if !p.changed && !bytes.Equal(out.Bytes(), text) {
			t.Errorf("nothing was found, got %q", out.Bytes())
		}
		second := page{active: true, webbugs: true, paranoid: true}
		if err := second.defang(bytes.NewReader(out.Bytes()), &again); err != nil || second.changed {
			t.Errorf("%q\nbecame %q\nand then %q", text, out.Bytes(), again.Bytes())
		}
	})
}
