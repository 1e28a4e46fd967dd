package queue

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"goqmail/lib/auto"
)

// TestTree: what is said here is what is installed.
func TestTree(t *testing.T) {
	hier, err := os.ReadFile("../../scripts/hier")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	layout := Layout{Split: auto.Split()}
	for line := range strings.Lines(string(hier)) {
		word := strings.Fields(line)
		if len(word) < 5 || word[1] != "queue" && !strings.HasPrefix(word[1], "queue/") || word[0] == "#" {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(word[1], "queue"), "/")
		add := func(name, kind string) {
			want = append(want, fmt.Sprint(name, " ", kind, " ", word[2], " ", word[3], " ", word[4], " ", word[5:]))
		}
		switch word[0] {
		case "s":
			add(name, "d")
			for _, dir := range layout.Dirs(name) {
				add(string(dir), "d")
			}
		default:
			add(name, map[string]string{"d": "d", "z": "f", "p": "p"}[word[0]])
		}
	}
	for _, e := range layout.Tree() {
		size := []string{}
		if e.Type == 'f' {
			size = append(size, fmt.Sprint(e.Size))
		}
		name := strings.TrimPrefix(string(e.Name), ".")
		got = append(got, fmt.Sprint(name, " ", string(e.Type), " ", e.User, " ", e.Group, " ", fmt.Sprintf("%o", e.Mode), " ", size))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nscripts/hier has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
