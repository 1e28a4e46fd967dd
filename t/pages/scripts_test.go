package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	shellVariable   = regexp.MustCompile(`(?m)\b([A-Z0-9]+)=('[^']*'|\S*)`)
	systemdVariable = regexp.MustCompile(`(?m)^Environment=("?)([A-Z0-9]+)=(.*?)"?$`)
	started         = regexp.MustCompile(`QMAIL/boot/(\w+)`)
)

// Whoever supervises a service with a script in boot, it is the same.
func TestRunScriptsAgree(t *testing.T) {
	runs, err := filepath.Glob(root + "/scripts/daemontools/*/run")
	if err != nil || len(runs) < 5 {
		t.Fatal(runs, err)
	}
	for _, run := range runs {
		name := filepath.Base(filepath.Dir(run))
		want := service(t, "daemontools/"+name+"/run")
		script, _, _ := strings.Cut(want, " ")
		if script == "" {
			continue
		}
		if info, err := os.Stat(root + "/scripts/boot/" + script); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: no script %q, %v", name, script, err)
		}
		for _, path := range []string{"runit/" + name + "/run", "systemd/" + name + ".service"} {
			if got := service(t, path); got != want {
				t.Errorf("%s starts %q, want %q", path, got, want)
			}
		}
	}
}

// service is the script in boot that a run script or a unit starts, and the
// variables that it sets, but for limits.
func service(t *testing.T, path string) (service string) {
	data, err := os.ReadFile(root + "/scripts/" + path)
	if err != nil {
		t.Error(err)
	}
	text := string(data)
	if m := started.FindStringSubmatch(text); m != nil {
		service = m[1]
	}
	variables := shellVariable.FindAllStringSubmatch(text, -1)
	if strings.HasPrefix(text, "[Unit]") {
		variables = nil
		for _, m := range systemdVariable.FindAllStringSubmatch(text, -1) {
			variables = append(variables, []string{"", m[2], m[3]})
		}
	}
	for _, m := range variables {
		if m[1] != "SOFTLIMIT" {
			service += " " + m[1] + "=" + strings.Trim(m[2], "'")
		}
	}
	return service
}
