// Package pages checks the man pages against the programs: that each installed
// program has one, that it names the program's options and no others, and that
// the exit codes it lists are codes that the program can have.
package pages

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// programs lists the programs of scripts/hier and scripts/hier.pair.
func programs(t *testing.T) (names []string) {
	for _, table := range []string{"hier", "hier.pair"} {
		f, err := os.Open(root + "/scripts/" + table)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if word := strings.Fields(lines.Text()); len(word) > 5 && word[0] == "c" && word[1] != "CYRUS/tools/mkimap" && word[1] != "ANOMY/bin/sanitizer.pl" {
				if name, ok := strings.CutPrefix(word[5], "bin/"); ok {
					names = append(names, name)
				}
			}
		}
	}
	if len(names) < 30 {
		t.Fatalf("scripts/hier has only %d programs", len(names))
	}
	return names
}

// page returns the text of a program's page, "" if there is none.
func page(t *testing.T, name string) string {
	for _, dir := range []string{"/cmd/" + name + "/", "/scripts/"} {
		for _, section := range []string{".1", ".8"} {
			if data, err := os.ReadFile(root + dir + name + section); err == nil {
				return string(data)
			}
		}
	}
	return ""
}

// source returns the Go files of a package, tests left out.
func source(t *testing.T, dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(data)
		}
	}
	return b.String()
}

func TestEveryProgramIsInstalled(t *testing.T) {
	built, err := filepath.Glob(root + "/cmd/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	installed := programs(t)
	for _, path := range built {
		name := filepath.Base(filepath.Dir(path))
		if n := len(slices.DeleteFunc(slices.Clone(installed), func(s string) bool { return s != name })); n != 1 {
			t.Errorf("scripts/hier and scripts/hier.pair have %s %d times", name, n)
		}
	}
}

func TestEveryProgramHasAPage(t *testing.T) {
	for _, name := range programs(t) {
		text := page(t, name)
		switch {
		case text == "":
			t.Errorf("%s has no page", name)
		case strings.HasPrefix(text, ".so "):
		case !strings.HasPrefix(text, ".TH "+name+" "):
			t.Errorf("the page of %s does not start with .TH %s", name, name)
		default:
			for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION"} {
				if !strings.Contains(text, "\n.SH "+section+"\n") && !strings.Contains(text, "\n.SH \""+section+"\"\n") {
					t.Errorf("the page of %s has no section %s", name, section)
				}
			}
		}
	}
}

var (
	letters = regexp.MustCompile(`(?:getopt\.New|service\.Parse)\((?:[^,"]+, )+"([^"]*)"\)`)
	option  = regexp.MustCompile(`\\-([A-Za-z0-9])`)
)

func TestPagesNameTheOptions(t *testing.T) {
	checked := 0
	for _, name := range programs(t) {
		m := letters.FindStringSubmatch(source(t, root+"/cmd/"+name))
		if m == nil {
			continue
		}
		checked++
		documented := map[string]bool{}
		for _, o := range option.FindAllStringSubmatch(page(t, name), -1) {
			documented[o[1]] = true
		}
		for _, c := range strings.ReplaceAll(m[1], ":", "") {
			if c != '/' && !documented[string(c)] {
				t.Errorf("%s takes -%c, its page does not tell", name, c)
			}
		}
	}
	if checked == 0 {
		t.Error("no program takes options")
	}
}

// A code of a page is a number in bold that starts a paragraph of the section
// on exit codes.
var (
	codes     = regexp.MustCompile(`(?s)\n\.SH "(?:EXIT CODES|RETURN VALUES)"\n(.*?)(?:\n\.SH |$)`)
	code      = regexp.MustCompile(`(?m)^\.TP.*\n\.BR? "?(\d+)`)
	exitConst = regexp.MustCompile(`(?m)^\t(\w+)\s*= (\d+)`)
	exitUse   = regexp.MustCompile(`\bexit\.(\w+)`)
	number    = regexp.MustCompile(`\b\d+\b`)
)

func TestPagesListCodesThatExist(t *testing.T) {
	value := map[string]string{"Reject": "100", "Defer": "111", "Code": "111", "Report": "111"}
	for _, m := range exitConst.FindAllStringSubmatch(source(t, root+"/lib/exit"), -1) {
		value[m[1]] = m[2]
	}
	for _, name := range programs(t) {
		section := codes.FindStringSubmatch(page(t, name))
		if section == nil {
			continue
		}
		own := source(t, root+"/cmd/"+name)
		if script, err := os.ReadFile(root + "/scripts/" + name); err == nil {
			own = string(script)
			if strings.Contains(own, "\n. QMAIL/boot/site.sh\n") {
				common, err := os.ReadFile(root + "/scripts/boot/site.sh")
				if err != nil {
					t.Fatal(err)
				}
				own += string(common)
			}
		}
		possible := []string{"0"}
		for _, src := range append([]string{own}, used(t, name)...) {
			for _, m := range exitUse.FindAllStringSubmatch(src, -1) {
				possible = append(possible, value[m[1]])
			}
			for _, m := range exitConst.FindAllStringSubmatch(src, -1) {
				possible = append(possible, m[2])
			}
		}
		possible = append(possible, number.FindAllString(own, -1)...)
		for _, m := range code.FindAllStringSubmatch(section[1], -1) {
			if !slices.Contains(possible, m[1]) {
				t.Errorf("%s never exits %s, as its page says", name, m[1])
			}
		}
	}
}

// used returns the sources of the packages of this module that a program is
// built from.
func used(t *testing.T, name string) (sources []string) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.Dir}}{{end}}", "./cmd/"+name)
	cmd.Dir = root
	if _, err := os.Stat(root + "/cmd/" + name + "/main.go"); err != nil {
		return nil // a shell script
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range strings.Fields(string(out)) {
		if strings.Contains(dir, "/lib/") {
			sources = append(sources, source(t, dir))
		}
	}
	return sources
}
