package anomy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheConfigurationOfTheOldMailHints(t *testing.T) {
	c, warnings, err := Read([]string{"testdata/hint.conf"})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	for name, got := range map[string]bool{
		"files": c.Files, "lengths": c.Lengths, "boundaries": c.Boundaries, "fixmime": c.FixMIME, "trust_pgp": c.TrustPGP, "html": c.HTML,
		"forwards": c.Forwards, "verbose": c.Verbose, "force_name": c.ForceName, "webbugs": c.Webbugs,
		"not log_stderr": !c.LogStderr, "not log_inline": !c.LogInline, "not scripts": !c.Scripts, "not uuencoded": !c.UUEncoded, "not testing": !c.Testing,
		"not paranoid": !c.Paranoid, "not defer": !c.Defer,
	} {
		if !got {
			t.Errorf("feat_%s is wrong", name)
		}
	}
	if want := []string{"X-Sanitizer: This mail was sanitized"}; !slices.Equal(c.Headers, want) {
		t.Errorf("header: got %q, want %q", c.Headers, want)
	}
	if want := "\n*****\nNOTE: An attachment named %FILENAME was deleted from this message because was a windows executable." +
		" Contact the system administrator for more information."; c.MsgDrop != want {
		t.Errorf("msg_file_drop: got %q, want %q", c.MsgDrop, want)
	}
	if want := "WARNING: Unsanitized content follows.\n"; c.MsgPGP != want {
		t.Errorf("msg_pgp_warning: got %q, want %q", c.MsgPGP, want)
	}
	if c.Template != "/var/quarantine/att-$F-$T.$$" || c.Default != Defang || len(c.Rules) != 2 {
		t.Fatalf("got %q, %v, %d rules", c.Template, c.Default, len(c.Rules))
	}
	for _, row := range []struct {
		name string
		rule int // -1 for none
	}{
		{"a.exe", 0}, {"A.EXE", 0}, {"winmail.dat", 0}, {"x.doc.pif", 0}, {"a.doc", 1}, {"photo.JPG", 1}, {"a.tiff", 1}, {"a.html", -1}, {"exe", -1},
	} {
		got := slices.IndexFunc(c.Rules, func(r Rule) bool { return r.Names.MatchString(row.name) })
		if got != row.rule {
			t.Errorf("%s is in list %d, want %d", row.name, got+1, row.rule+1)
		}
	}
	if p, _ := c.Rules[0].Policy(0); p != Drop {
		t.Errorf("got policy %v", p)
	}
}

func TestTheExampleHasNoMistakes(t *testing.T) {
	text, err := os.ReadFile("../../anomy.example/anomy.conf")
	if err != nil {
		t.Fatal(err)
	}
	c, warnings, err := Parse(text)
	if err != nil || len(warnings) > 0 || len(c.Rules) != 2 {
		t.Errorf("got %d rules, %v, %v", len(c.Rules), warnings, err)
	}
	text = []byte(strings.NewReplacer("#file_list_2", "file_list_2", "#system_failure", "system_failure").Replace(string(text)))
	if c, _, err := Parse(text); err != nil || c.Rules[1].Scanner == nil || !c.Defer {
		t.Errorf("with the lines that are not in use: %v", err)
	}
}

func TestValues(t *testing.T) {
	c, warnings, err := Parse([]byte(strings.Join([]string{
		"# feat_html = 0", "", "  feat_html=0\r", "feat_webbugs = 1\t# a remark", "header_info = 0", "header_url =", "header_rev = X-Rev: 1 = one # two",
		`msg_file_save = a\n\tb\\n`, "msg_file_save += c", "msg_pgp_warning = one ", "msg_pgp_warning += two",
		"var_admin = root@here", "system_scan_timeout = 7", "feat_webbug = 1",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if c.HTML || !c.Webbugs || c.MsgSave != "a\n\tb\\n c" || c.MsgPGP != "one two" || c.ScanTimeout != 7*time.Second || c.Variables["var_admin"] != "root@here" {
		t.Errorf("got %+v", c)
	}
	if want := []string{"X-Rev: 1 = one # two"}; !slices.Equal(c.Headers, want) {
		t.Errorf("got %q, want %q", c.Headers, want)
	}
	if want := []string{"feat_webbug: unknown variable"}; !slices.Equal(warnings, want) {
		t.Errorf("got %q, want %q", warnings, want)
	}
}

func TestScanners(t *testing.T) {
	c, _, err := Parse([]byte(`file_list_rules = 3
file_list_1 = .
file_list_1_policy = accept:accept:save:drop
file_list_1_scanner = 0:5:3,4:/usr/bin/scan -x %FILENAME
file_list_3 = x
file_list_3_policy = unknown`))
	if err != nil || len(c.Rules) != 2 {
		t.Fatalf("got %d rules, %v", len(c.Rules), err)
	}
	rule := c.Rules[0]
	if rule.Scanner.Command != "/usr/bin/scan -x %FILENAME" {
		t.Errorf("got %q", rule.Scanner.Command)
	}
	for _, row := range []struct {
		code    int
		policy  Policy
		cleaned bool
	}{{0, Accept, false}, {5, Accept, true}, {3, Save, false}, {4, Save, false}, {1, Drop, false}, {-1, Drop, false}} {
		if p, cleaned := rule.Policy(row.code); p != row.policy || cleaned != row.cleaned {
			t.Errorf("%d: got %v, %v", row.code, p, cleaned)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"feat_html", `configuration:1: not a setting: "feat_html"`},
		{"feat_html = yes", `feat_html must be a number: "yes"`},
		{"file_default_policy = keep", `file_default_policy is no policy: "keep"`},
		{"file_default_policy = unknown", `file_default_policy must decide: "unknown"`},
		{"header_info = hello", `header is no header field: "hello"`},
		{"system_failure = panic", `system_failure must be pass or defer: "panic"`},
		{"file_list_rules = 1\nfile_list_1 = (", "file_list_1: error parsing regexp: missing closing ): `(`"},
		{"file_list_rules = 1\nfile_list_1 = x\nfile_list_1_policy = drop:save", `file_list_1_policy must have 1 policies, for how its scanner can end,: "drop:save"`},
		{"file_list_rules = 1\nfile_list_1 = x\nfile_list_1_policy = drop\nfile_list_1_scanner = 0:1:2:x", `file_list_1_policy must have 4 policies, for how its scanner can end,: "drop"`},
		{"file_list_rules = 1\nfile_list_1 = x\nfile_list_1_policy = drop\nfile_list_1_scanner = /bin/scan", `file_list_1_scanner must be codes:codes:codes:command: "/bin/scan"`},
	} {
		c, _, err := Parse([]byte("system_failure = defer\n" + row.line))
		if row.line == "feat_html" {
			c, _, err = Parse([]byte(row.line + "\nsystem_failure = defer"))
		}
		if err == nil || err.Error() != row.want {
			t.Errorf("%q: got %v, want %s", row.line, err, row.want)
		}
		if !c.Defer && !strings.HasPrefix(row.line, "system_") {
			t.Errorf("%q: what was understood is lost", row.line)
		}
	}
}

func TestFilesAndSettingsCountInOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "anomy.conf")
	if err := os.WriteFile(file, []byte("feat_html = 0\nscore_bad = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Read([]string{"score_bad=1", file, "feat_html=1"})
	if err != nil || !c.HTML || c.ScoreBad != 3 {
		t.Errorf("got %v, %d, %v", c.HTML, c.ScoreBad, err)
	}
	if _, _, err := Read([]string{file + "x"}); err == nil {
		t.Error("a file that is not there is no mistake")
	}
}

func FuzzParse(f *testing.F) {
	hint, err := os.ReadFile("testdata/hint.conf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hint)
	f.Add([]byte("file_list_rules=1\nfile_list_1=x\nfile_list_1_scanner=0:5:3,4:x\nfile_list_1_policy=unknown:drop:save:panic"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, _ := Parse(text)
		for _, rule := range c.Rules {
			rule.Policy(-1)
			if len(rule.Policies) != rule.Scanner.ends() {
				t.Errorf("%d policies", len(rule.Policies))
			}
		}
	})
}
