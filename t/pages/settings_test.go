package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"goqmail/lib/cyrusconf"
	"goqmail/lib/imapconf"
)

// How programs read a setting of imapd.conf: conf.Bool("x", ...), conf["x"] or
// setting(conf, "x", "y").
var settingRead = regexp.MustCompile(`\.(?:String|Bool|Int|Words)\("(\w+)"|\bconf\["(\w+)"\]|\bbelow\(conf, space, "(\w+)"|\bsetting\(conf, "(\w+)"(?:, "(\w+)")?\)`)

// Every setting that a program reads is in imapd.conf(5) or in the page of a program.
func TestPagesTellOfEverySetting(t *testing.T) {
	var pages string
	all, err := filepath.Glob(root + "/cmd/*/*.[18]")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(all, root+"/lib/imapconf/imapd.conf.5") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages += strings.ReplaceAll(string(data), `\-`, "-")
	}
	dirs, err := filepath.Glob(root + "/cmd/*")
	if err != nil {
		t.Fatal(err)
	}
	libs, err := filepath.Glob(root + "/lib/*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, dir := range append(dirs, libs...) {
		text := source(t, dir)
		if !strings.Contains(text, `"goqmail/lib/imapconf"`) && filepath.Base(dir) != "imapconf" {
			continue
		}
		for _, m := range settingRead.FindAllStringSubmatch(text, -1) {
			for _, name := range m[1:] {
				if name != "" && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	if len(names) < 50 {
		t.Fatalf("only %q", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(pages) {
			t.Errorf("no page tells of %s", name)
		}
	}
}

// imap.example works as it stands.
func TestExamplesOfTheMailStore(t *testing.T) {
	settings, err := imapconf.Read(root + "/imap.example/imapd.conf")
	if err == nil {
		err = settings.Check()
	}
	if err != nil {
		t.Error(err)
	}
	conf, err := cyrusconf.Read(root + "/imap.example/cyrus.conf")
	if err != nil {
		t.Fatal(err)
	}
	commands := slices.Clone(conf.Start)
	for _, s := range conf.Services {
		commands = append(commands, s.Command)
	}
	for _, e := range conf.Events {
		commands = append(commands, e.Command)
	}
	installed := programs(t)
	for _, c := range commands {
		if !slices.Contains(installed, c.Cmd[0]) {
			t.Errorf("line %d: there is no %s", c.Line, c.Cmd[0])
		}
	}
}
