package warm

import (
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"

	"goqmail/lib/child"
)

// Pool starts programs, warm where they can be. Its fields are set before the
// first start and stay. It may be used by several goroutines.
type Pool struct {
	Classic func(child.Cmd) (pid int, err error) // starts a process
	Many    bool                                 // the programs call Many
	Size    int                                  // of processes that stay, at most
	Calls   uint32                               // that one of them takes, at most
	Idle    time.Duration                        // for which it stays without calls
	Watch   []string                             // files, besides its own, of whose change it is to end
	Alone   bool                                 // it is to give up rights first; see the function

	mu       sync.Mutex
	programs map[place]*program
	size     int // of processes that take calls
}

// place is how a program is named: a path, and the directory it is relative to.
type place struct{ dir, path string }

// program is what a place holds.
type program struct {
	versions  []version  // of its file, and of those in Watch
	warm      bool       // it has greeted
	classic   bool       // it does not
	processes []*process // that take calls
}

// file is the path from anywhere.
func (p place) file() string {
	if p.dir != "" && p.path[0] != '/' {
		return p.dir + "/" + p.path
	}
	return p.path
}

// version changes whenever a file is replaced or written to.
type version struct {
	device, inode uint64
	size          int64
	changed       syscall.Timespec
}

func look(file string) (version, error) {
	var st syscall.Stat_t
	err := syscall.Stat(file, &st)
	return version{uint64(st.Dev), st.Ino, st.Size, st.Ctim}, err
}

// identity is whom a process runs as. Where other is false, it is whom this
// process runs as.
type identity struct {
	other    bool
	uid, gid uint32
}

var (
	errGone    = errors.New("warm: the process has ended")
	errClassic = errors.New("warm: not to be called")
)

// Start starts cmd, which has a Path. The error is that of Classic.
func (p *Pool) Start(cmd child.Cmd) (Process, error) {
	if started, ok := p.Call(cmd); ok {
		return started, nil
	}
	pid, err := p.Classic(cmd)
	return Process{Pid: pid}, err
}

// Call makes a call of what cmd, which has a Path, would start, if that can be
// called.
func (p *Pool) Call(cmd child.Cmd) (started Process, ok bool) {
	if _, off := cmd.Env.Lookup(Variable); off || len(cmd.Files) > maxFiles || cmd.Large {
		return started, false
	}
	var as identity
	if cmd.Sys != nil && cmd.Sys.Credential != nil {
		as = identity{true, cmd.Sys.Credential.Uid, cmd.Sys.Credential.Gid}
	}
	for {
		t, ok := p.claim(cmd, as)
		if !ok {
			return started, false
		}
		if t.num == 0 {
			t.begin(cmd)
		}
		switch err := t.send(cmd); err {
		case nil:
			return Process{Pid: callPid(t.pid, t.num), end: t.end}, true
		case errGone: // so another process takes it
			t.giveUp(true)
		default:
			t.giveUp(false)
			return started, false
		}
	}
}

// claim reserves the next call of a process that is to take cmd: one that is
// there, or else a new one, whose call 0 begins it. ok is false where there is
// to be none.
func (p *Pool) claim(cmd child.Cmd, as identity) (t turn, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	program := p.program(place{cmd.Dir, cmd.Path})
	// A program that is new to us is tried once before it is tried by many, who
	// wait for that: to start a process for each of them would take longer.
	for program != nil && !program.warm && len(program.processes) > 0 {
		first := program.processes[0].ready
		p.mu.Unlock()
		<-first
		p.mu.Lock()
		program = p.program(place{cmd.Dir, cmd.Path})
	}
	if program == nil || program.classic {
		return t, false
	}
	for _, w := range program.processes {
		if w.as == as && (p.Many || len(w.pending) == 0) {
			return w.reserve(), true
		}
	}
	if !p.room() {
		return t, false
	}
	w := &process{pool: p, program: program, as: as, ready: make(chan struct{}), over: make(chan struct{}), pending: map[uint32]chan<- syscall.WaitStatus{}}
	program.processes = append(program.processes, w)
	p.size++
	return w.reserve(), true
}

// program is what a place holds now. Processes of what it held before take no
// more calls. It is nil where there is no file.
func (p *Pool) program(at place) *program {
	file, err := look(at.file())
	if err != nil {
		return nil
	}
	now := append(make([]version, 0, 4), file)
	for _, name := range p.Watch {
		other, _ := look(name) // one that is not there may come
		now = append(now, other)
	}
	was := p.programs[at]
	if was != nil && slices.Equal(was.versions, now) {
		return was
	}
	if was != nil {
		for len(was.processes) > 0 {
			was.processes[0].retire()
		}
	}
	if p.programs == nil {
		p.programs = map[place]*program{}
	}
	p.programs[at] = &program{versions: now, classic: !marked(file.size)}
	return p.programs[at]
}

// enough is the rest after which a process leaves its place to another. Below
// that, those who need more places than there are would only chase each other
// off.
const enough = time.Second

// room makes room for one more process, in place of the one that has had no
// call for the longest time.
func (p *Pool) room() bool {
	if p.size < p.Size {
		return true
	}
	var oldest *process
	for _, program := range p.programs {
		for _, w := range program.processes {
			if len(w.pending) == 0 && (oldest == nil || w.rests < oldest.rests) {
				oldest = w
			}
		}
	}
	if oldest == nil || time.Now().UnixNano()-oldest.rests < int64(enough) {
		return false
	}
	oldest.retire()
	return true
}
