package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/call"
)

const mess = "From joe Mon Jan  1 00:00:00 2024\nSubject: s\nContent-Type: application/x; name=a.exe\n\nbody\n"

// filter runs the program.
func filter(t *testing.T, in *os.File, args ...string) (out, said string, code int) {
	t.Helper()
	dir := t.TempDir()
	files := map[int]*os.File{0: in}
	for fd := 1; fd <= 2; fd++ {
		f, err := os.Create(filepath.Join(dir, string(rune('0'+fd))))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[fd] = f
	}
	code = run(call.New(append([]string{"sanitizer"}, args...), os.Environ(), files))
	texts := [3]string{}
	for fd := 1; fd <= 2; fd++ {
		data, err := os.ReadFile(files[fd].Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[fd] = string(data)
	}
	return texts[1], texts[2], code
}

// file makes a file with a text to read.
func file(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

const hint = "../../lib/anomy/testdata/hint.conf"

func TestFilter(t *testing.T) {
	marked := func(reason string) string {
		return strings.Replace(mess, "Subject", "X-Sanitizer-Error: not sanitized: "+reason+"\nSubject", 1)
	}
	for _, row := range []struct {
		name string
		args []string
		out  string
		said string
		code int
	}{
		{"as the hint has it", []string{hint}, "From joe Mon Jan  1 00:00:00 2024\nSubject: s\nContent-Type: text/plain;\n\tcharset=\"us-ascii\"\n" +
			"Content-Disposition: inline\nContent-Transfer-Encoding: 8bit\nX-Sanitizer: This mail was sanitized\n\n\n*****\nNOTE: An attachment named a.exe was deleted from this message because was a windows executable. Contact the system administrator for more information.\n", "", 0},
		{"with a log", []string{hint, "feat_log_stderr=1", "file_default_policy=accept", "file_list_rules=0", "header_info=0", "feat_scripts=1"}, mess, "", 0},
		{"what is not known", []string{hint, "feat_x=1", "feat_files=0", "header_info=0"}, mess, "sanitizer: warning: feat_x: unknown variable\n", 0},
		{"no configuration", []string{"none.conf"}, marked("open none.conf: no such file or directory"), "sanitizer: open none.conf: no such file or directory\n", 0},
		{"a mistake", []string{hint, "feat_html=x"}, marked(`feat_html must be a number: "x"`), "sanitizer: feat_html must be a number: \"x\"\n", 0},
		{"two mistakes, and not to pass", []string{"feat_html=x", "feat_files=y", "system_failure=defer"}, "", "sanitizer: feat_html must be a number: \"x\"\nsanitizer: feat_files must be a number: \"y\"\n", 75},
		{"refused", []string{"file_default_policy=panic", "feat_log_stderr=0"}, "", "sanitizer: message refused\n", 77},
		{"no quarantine", []string{"file_default_policy=save", "file_name_tpl=none/x"}, marked("open none/x: no such file or directory"), "sanitizer: open none/x: no such file or directory\n", 0},
		{"no quarantine, and not to pass", []string{"file_default_policy=save", "file_name_tpl=none/x", "system_failure=defer"}, "", "sanitizer: open none/x: no such file or directory\n", 75},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, said, code := filter(t, file(t, mess), row.args...)
			if out != row.out || said != row.said || code != row.code {
				t.Errorf("got %q, %q, %d\nwant %q, %q, %d", out, said, code, row.out, row.said, row.code)
			}
		})
	}
}

// A large message whose place is full passes as well, to its last byte.
func TestNoPlaceForALargeMessage(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	large := mess + strings.Repeat("a line of the body\n", 200_000)
	out, said, code := filter(t, file(t, large), hint)
	if before, after, ok := strings.Cut(out, "\nX-Sanitizer-Error: not sanitized: "); !ok || code != 0 || said == "" {
		t.Errorf("got %.200q, %q, %d", out, said, code)
	} else if _, after, _ = strings.Cut(after, "\n"); before+"\n"+after != large {
		t.Errorf("%d bytes of %d passed", len(before+after)+1, len(large))
	}
	if out, _, code := filter(t, file(t, large), "system_failure=defer"); out != "" || code != 75 {
		t.Errorf("got %d bytes, %d", len(out), code)
	}
}

func TestWhatCannotBeReadOrWritten(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if out, said, code := filter(t, dir, hint); out != "" || code != 75 || !strings.HasPrefix(said, "sanitizer: unable to read message: ") {
		t.Errorf("got %q, %q, %d", out, said, code)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full: ", err)
	}
	defer full.Close()
	for _, arg := range []string{hint, "none.conf"} {
		if code := run(call.New([]string{"sanitizer", arg}, os.Environ(), map[int]*os.File{0: file(t, mess), 1: full})); code != 75 {
			t.Errorf("%s: got %d", arg, code)
		}
	}
}

// A defect is no reason to lose a message.
func TestPass(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"A: b\r\n\r\n", "X-Sanitizer-Error: not sanitized: a b\r\nA: b\r\n\r\n"},
		{"From x\n>From y\nA: b\n", "From x\n>From y\nX-Sanitizer-Error: not sanitized: a b\nA: b\n"},
		{"From x", "X-Sanitizer-Error: not sanitized: a b\nFrom x"},
		{"", "X-Sanitizer-Error: not sanitized: a b\n"},
	} {
		var out bytes.Buffer
		if err := pass(&out, []byte(row.in), &input{r: strings.NewReader("")}, io.ErrNoProgress); err != nil {
			t.Fatal(err)
		}
		if got := strings.Replace(out.String(), io.ErrNoProgress.Error(), "a b", 1); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}
