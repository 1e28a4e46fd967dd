//go:build linux

package replay

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"goqmail/t/lab"
)

func TestMain(m *testing.M) {
	// A case mostly waits; and t.Parallel counts processors.
	flag.Set("test.parallel", fmt.Sprint(3*runtime.NumCPU()))
	os.Exit(lab.Main(m))
}

const vectors = "../vectors"

// runnerOf runs cases with the programs as they are built by default.
var runnerOf = sync.OnceValues(func() (*Runner, error) {
	programs, err := lab.Build(accounts)
	if err != nil {
		return nil, err
	}
	stubs, err := compileStubs()
	if err != nil {
		return nil, err
	}
	return NewRunner(programs, stubs)
})

// manyRunnerOf runs cases with a spawn limit that needs wider delivery numbers.
var manyRunnerOf = sync.OnceValues(func() (*Runner, error) {
	programs, err := lab.BuildWith(accounts, "SPAWN=300",
		"CMDS=./cmd/qmail-send ./cmd/qmail-lspawn ./cmd/qmail-rspawn ./cmd/qmail-getpw ./cmd/qmail-local ./cmd/qmail-remote")
	if err != nil {
		return nil, err
	}
	stubs, err := compileStubs()
	if err != nil {
		return nil, err
	}
	return NewRunner(programs, stubs)
})

var compileStubs = sync.OnceValues(func() (stubs Stubs, err error) {
	dir, err := lab.SharedDir()
	if err != nil {
		return stubs, err
	}
	if stubs.Stub, err = compile(dir, "stub"); err != nil {
		return stubs, err
	}
	stubs.Limit, err = compile(dir, "limit")
	return stubs, err
})

func compile(dir, name string) (path string, err error) {
	path = dir + "/" + name
	var out []byte
	// Static, because it starts faster; not every system can.
	for _, flag := range []string{"-static", "-O1"} {
		out, err = exec.Command("gcc", "-O1", flag, "-o", path, "stub/"+name+".c").CombinedOutput()
		if err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("gcc: %w %s", err, out)
}

func runner(t *testing.T, family string) *Runner {
	t.Helper()
	lab.Need(t)
	of := runnerOf
	if family == "bigconc" {
		of = manyRunnerOf
	}
	r, err := of()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skipf("the stand-in program needs a C compiler: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// leftOut are recorded cases that the programs are not to follow, and why.
var leftOut = map[string]string{
	"outgoingip/showctl-absent": "its line about a file that is absent is not in the plain family's output",
}

func TestProgramsBehaveAsRecorded(t *testing.T) {
	lab.Need(t)
	files, err := filepath.Glob(vectors + "/*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		family := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			all, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			r := runner(t, family)
			for _, v := range all {
				if leftOut[v.Case.ID] != "" {
					continue
				}
				t.Run(path.Base(v.Case.ID), func(t *testing.T) {
					t.Parallel()
					if why := r.lacks(&v.Case); why != "" {
						t.Skip(why)
					}
					check(t, r, v)
				})
			}
		})
	}
}

// player runs cases.
type player interface {
	Run(c *Case) map[string]any
}

// alone is held for writing by a case that must not be disturbed by others.
var alone sync.RWMutex

// check plays a case. Some have steps that are told by the clock, and differ
// when the machine is busy with the others: what fails is played again, alone.
// The machine may have other things to do even then, so there is more than one
// chance.
func check(t *testing.T, r player, v Vector) {
	t.Helper()
	alone.RLock()
	diff := play(r, v)
	alone.RUnlock()
	if diff == "" {
		return
	}
	t.Logf("differed beside others:\n%s", diff)
	alone.Lock()
	defer alone.Unlock()
	for range 3 {
		if diff = play(r, v); diff == "" {
			return
		}
	}
	t.Errorf("differs:\n%s", diff)
}

func play(r player, v Vector) string {
	got := r.Run(&v.Case)
	for _, key := range v.Case.Ignore {
		delete(got, key)
	}
	if reflect.DeepEqual(v.Expect, got) {
		return ""
	}
	return Diff(v.Expect, got)
}

var inBin = regexp.MustCompile(`/var/qmail/bin/([\w-]+)`)

// lacks says which program a case needs that is not there, "" when none is
// missing.
func (r *Runner) lacks(c *Case) string {
	var need []string
	if !strings.Contains(string(c.Program), "/") {
		need = append(need, string(c.Program))
	}
	commands := c.Setup
	for _, s := range c.Script {
		if s.Word == "run" {
			commands = append(commands[:len(commands):len(commands)], s.Text)
		}
	}
	for _, command := range commands {
		for _, m := range inBin.FindAllStringSubmatch(string(command), -1) {
			need = append(need, m[1])
		}
		if _, err := exec.LookPath("python3"); err != nil && strings.Contains(string(command), "python3") {
			return "python3 is not installed"
		}
	}
	for _, name := range need {
		if _, stubbed := c.Stubs[name]; !stubbed && !r.programs.Has(name) {
			return name + " is not in this tree"
		}
	}
	return ""
}

// A warm program does by calls, one after the other and beside a neighbour, what
// it does in a process for each.
func TestWarmProgramsBehaveAsRecorded(t *testing.T) {
	lab.Need(t)
	for _, row := range []struct {
		family   string
		many     bool
		stations int
		users    int // that the cases run as

		user, begin, rest string // the neighbour's input
		said              string
		code              int
	}{
		{family: "getpw", many: true, stations: 1, users: 3},
		{family: "local", stations: 2, users: 3},
		{family: "remote", many: true, stations: 4, users: 3},
		{
			family: "queue", many: true, stations: 1, users: 8,
			user: "john", begin: "Subject: never to end\n", code: 65, // its queue is gone by then
		},
		{
			family: "smtpd", many: true, stations: 2, users: 2,
			user: "qmaild", begin: "HELO a\r\nMAIL FROM:<a@neighbour>\r\n", rest: "RCPT TO:<b>\r\nQUIT\r\n",
			said: "220 neighbour.example ESMTP\r\n250 neighbour.example\r\n250 ok\r\n250 ok\r\n221 neighbour.example\r\n",
		},
	} {
		all, err := Load(vectors + "/" + row.family + ".json.gz")
		if err != nil {
			t.Fatal(err)
		}
		var applies []Vector
		without := map[string]int{}
		for _, v := range all {
			if why := v.Case.applies(); why != "" {
				without[why]++
			} else {
				applies = append(applies, v)
			}
		}
		t.Logf("%s: %d cases; left out: %v", row.family, len(applies), without)
		for i := range row.stations {
			t.Run(fmt.Sprint(row.family, i), func(t *testing.T) {
				t.Parallel()
				s, err := newStation(runner(t, row.family), row.many)
				if err != nil {
					t.Fatal(err)
				}
				defer s.host.Close()
				var beside neighbour
				if row.user != "" {
					if beside, err = s.beside("qmail-"+row.family, row.user, row.begin, row.said != ""); err != nil {
						t.Fatal(err)
					}
				}
				for j := i; j < len(applies); j += row.stations {
					t.Run(path.Base(applies[j].Case.ID), func(t *testing.T) { check(t, s, applies[j]) })
				}
				if s.begun > row.users {
					t.Errorf("%d processes for %d users", s.begun, row.users)
				}
				if row.user == "" {
					return
				}
				if said, code := beside.end(row.rest); said != row.said || code != row.code {
					t.Errorf("the neighbour said %q and exited %d", said, code)
				}
			})
		}
	}
}
