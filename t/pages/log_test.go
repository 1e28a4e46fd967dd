package pages

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Each text that qmail-send or qmail-smtpd writes to its log is in qmail-log(5),
// up to what varies in it.
func TestLogTexts(t *testing.T) {
	data, err := os.ReadFile(root + "/cmd/qmail-send/qmail-log.5")
	if err != nil {
		t.Fatal(err)
	}
	said := plain(string(data))
	for _, program := range []struct {
		dir  string
		call *regexp.Regexp // with the start of a text as its first argument
		want int            // texts at least
	}{
		{"/cmd/qmail-send", regexp.MustCompile(`\bprint\(("(?:[^"\\]|\\.)*")`), 25},
		{"/lib/smtp", regexp.MustCompile(`\bs\.log\(("(?:[^"\\]|\\.)*")`), 20},
	} {
		found := program.call.FindAllStringSubmatch(source(t, root+program.dir), -1)
		if len(found) < program.want {
			t.Errorf("%s: only %d texts, so this test does not see them", program.dir, len(found))
		}
		for _, f := range found {
			text, err := strconv.Unquote(f[1])
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(said, strings.TrimSpace(text)) {
				t.Errorf("%s: qmail-log(5) has no %q", program.dir, text)
			}
		}
	}
}

// plain takes the macros and fonts from a page, and the quotes of arguments.
func plain(page string) string {
	page = regexp.MustCompile(`(?m)^\.[A-Z]+ `).ReplaceAllString(page, "")
	page = regexp.MustCompile(`\\f[A-Z]`).ReplaceAllString(page, "")
	return regexp.MustCompile(`"`).ReplaceAllString(page, "")
}
