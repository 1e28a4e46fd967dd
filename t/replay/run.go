//go:build linux

// Package replay runs recorded cases of the reference's behaviour against the
// programs of this tree. The vectors and the meaning of their keys are in
// t/vectors.
package replay

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
)

// Runner runs cases, many at once if wanted.
type Runner struct {
	programs *lab.Programs
	base     *lab.Host // what all cases have in common
	stubs    Stubs
}

// Stubs are the paths of the programs of folder stub, built.
type Stubs struct {
	Stub  string // the stand-in for any program
	Limit string // starts a program under resource limits
}

// NewRunner prepares what all cases have in common.
func NewRunner(programs *lab.Programs, stubs Stubs) (*Runner, error) {
	base, err := lab.Start()
	if err != nil {
		return nil, err
	}
	var laid error
	base.Do(func() { laid = accounts.LayEtc() })
	if laid != nil {
		base.Close()
		return nil, laid
	}
	return &Runner{programs: programs, base: base, stubs: stubs}, nil
}

// Close ends what NewRunner prepared.
func (r *Runner) Close() { r.base.Close() }

// run is one case under way.
type run struct {
	*Runner
	c      *Case
	host   *lab.Host
	warm   *station // nil: the program gets a process of its own
	nums   []uint64 // the numbers of the case's messages
	peers  peers
	syslog *os.File
	errors []any

	begun, ended time.Time
	status       map[string]any
	stuck        int // the step that could not be met, -1 when all were
	outputs      map[int]*reader
	triggered    int
}

func (r *run) fail(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// Run runs a case and gives what was seen, in the form of Vector.Expect. What
// went wrong with the replay itself is under "errors".
func (r *Runner) Run(c *Case) map[string]any {
	x := &run{Runner: r, c: c, stuck: -1}
	host, err := r.base.Fork()
	if err != nil {
		return map[string]any{"errors": []any{err.Error()}}
	}
	x.host = host
	var result map[string]any
	host.Do(func() {
		defer x.peers.end()
		if result, err = x.play(); err != nil {
			result = map[string]any{"errors": []any{err.Error()}}
		}
	})
	host.Close()
	return result
}

// play plays the whole case, in the host.
func (r *run) play() (map[string]any, error) {
	name := r.c.Hostname
	if name == "" {
		name = "testhost.example"
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return nil, os.NewSyscallError("sethostname", err)
	}
	if err := lab.Up(r.c.Addrs...); err != nil {
		return nil, err
	}
	for _, step := range []func() error{r.build, r.startPeers, r.execute} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.settle()
	result, err := r.collect()
	if err != nil {
		return nil, err
	}
	return normalise(result, r.c.Normalize, r.begun.Unix(), r.ended.Unix(), r.nums)
}

// settle waits a little for processes that the program left behind and, so that
// all is heard, for what is on its way to the servers. Then nothing runs on.
func (r *run) settle() {
	limit := time.Now().Add(time.Duration(r.c.Settle.or(0.5) * 1e9))
	for time.Now().Before(limit) && r.busy() {
		time.Sleep(5 * time.Millisecond)
	}
	if r.c.Servers != nil {
		limit := time.Now().Add(400 * time.Millisecond)
		for time.Now().Before(limit) && unread() {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // for the servers' own reading
	}
	r.ended = time.Now()
	r.peers.end()
	r.end()
}

// calm waits until the program has done what it could, as it had on the machine that
// the case was recorded on. One that never has is bounded.
func (r *run) calm() {
	for limit := time.Now().Add(5 * time.Second); time.Now().Before(limit) && !r.host.Calm(); {
		time.Sleep(time.Millisecond)
	}
}

// busy tells whether the case has processes left.
func (r *run) busy() bool {
	if r.warm != nil {
		return len(r.warm.strangers()) > 0
	}
	return r.host.Busy()
}

// end ends them.
func (r *run) end() {
	if r.warm != nil {
		r.warm.end()
	} else {
		r.host.Kill()
	}
}

// collect gathers what was seen.
func (r *run) collect() (map[string]any, error) {
	out := map[string]any{"status": r.status}
	if r.stuck >= 0 {
		out["stuck"] = float64(r.stuck)
	}
	wrote := map[string]any{}
	for fd, o := range r.outputs {
		wrote[fmt.Sprint(fd)] = string(o.data)
	}
	out["out"] = wrote
	if r.c.Trigger {
		out["trigger"] = float64(r.triggered)
	}
	records, err := readRecords()
	if err != nil {
		return nil, err
	}
	if r.c.SortStubs {
		slices.SortFunc(records, func(a, b any) int { return bytes.Compare(appendSorted(nil, a), appendSorted(nil, b)) })
	}
	if len(records) > 0 || r.c.Stubs != nil {
		out["stubs"] = records
	}
	if len(r.c.Servers) > 0 {
		out["servers"] = r.peers.said()
	}
	if r.c.Syslog == "dgram" {
		out["syslog"] = r.readSyslog()
	}
	if r.c.DNS != nil && r.c.DNS.Log {
		out["dns"] = append([]any{}, r.peers.asked...)
	}
	if r.c.Capture != nil {
		tree, err := r.tree()
		if err != nil {
			return nil, err
		}
		out["tree"] = tree
	}
	if r.errors != nil {
		out["errors"] = r.errors
	}
	return out, nil
}

// said gives what the servers heard, the form of "servers".
func (p *peers) said() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []any{}
	for _, conns := range p.heard {
		taken := []any{}
		for _, lines := range conns {
			if lines == nil {
				continue // nobody came
			}
			heard := []any{}
			for _, l := range lines {
				heard = append(heard, l)
			}
			taken = append(taken, heard)
		}
		out = append(out, taken)
	}
	return out
}

func (r *run) readSyslog() []any {
	out := []any{}
	record := make([]byte, 65536)
	for {
		n, err := unix.Read(int(r.syslog.Fd()), record)
		if err != nil {
			r.syslog.Close()
			return out
		}
		out = append(out, string(record[:n]))
	}
}
