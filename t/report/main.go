// Report runs go test and says what a person wants to know of it: go test's own
// closing line for each package, the whole output of what failed, and what was
// skipped and why.
//
//	report [ argument of go test ... ]
//
// It exits 0 if all tests passed, 1 otherwise.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		return 1
	}
	r := newReport(out)
	r.read(events)
	failed := cmd.Wait() != nil
	r.summary()
	if failed || r.failed {
		return 1
	}
	return 0
}

// event is a line of go test -json; see go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// report is what is known so far.
type report struct {
	out     io.Writer
	text    map[[2]string]*strings.Builder // what a test said, or with "" for a test its package
	skipped map[string][]string            // names of tests by reason
	failed  bool
}

func newReport(out io.Writer) *report {
	return &report{out: out, text: map[[2]string]*strings.Builder{}, skipped: map[string][]string{}}
}

func (r *report) read(events io.Reader) {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			r.take(e)
		} else {
			r.out.Write(line) // not an event: go itself has something to say
		}
		if err != nil {
			return
		}
	}
}

func (r *report) take(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		if strings.HasPrefix(e.Output, "=== ") {
			return // RUN, PAUSE and CONT
		}
		if r.text[key] == nil {
			r.text[key] = &strings.Builder{}
		}
		r.text[key].WriteString(e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = true
	case "skip":
		if e.Test != "" {
			why := reason(r.said(key))
			r.skipped[why] = append(r.skipped[why], e.Test)
		}
		delete(r.text, key)
	case "pass":
		if e.Test == "" {
			fmt.Fprint(r.out, closing(r.said(key)))
		}
		delete(r.text, key)
	case "fail":
		r.failed = true
		fmt.Fprint(r.out, r.said(key))
		delete(r.text, key)
	}
}

func (r *report) said(key [2]string) string {
	if b := r.text[key]; b != nil {
		return b.String()
	}
	return ""
}

// closing is the last line of a package's output.
func closing(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:] + "\n"
}

var place = regexp.MustCompile(`^\s*\S+\.go:\d+: `)

// reason is what a skipped test said, in one line.
func reason(text string) string {
	var said []string
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "--- ") {
			continue
		}
		said = append(said, strings.TrimSpace(place.ReplaceAllString(line, "")))
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// summary lists the skipped tests by reason.
func (r *report) summary() {
	const named = 4
	for _, why := range slices.Sorted(maps.Keys(r.skipped)) {
		tests := r.skipped[why]
		fmt.Fprintf(r.out, "skipped: %s: %s", why, strings.Join(tests[:min(named, len(tests))], ", "))
		if len(tests) > named {
			fmt.Fprintf(r.out, " and %d more", len(tests)-named)
		}
		fmt.Fprintln(r.out)
	}
}
