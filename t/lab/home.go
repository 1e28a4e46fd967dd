//go:build linux

package lab

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Split is the split of the homes in the lab.
const Split = 23

// Entry is one line of scripts/hier, with its directories s spread out.
type Entry struct {
	Type         byte // d directory, z file of zero bytes, p FIFO, c program or other copied file
	Path         string
	Owner, Group string
	Mode         os.FileMode // as for chmod: permissions and setuid, setgid bits in octal places
	Size         int         // of a z
}

// Root is the top of this source tree.
var Root = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir + "/go.mod"); err == nil {
			return dir
		}
	}
	panic("lab: not inside the source tree")
})

// Tree has the files of this source tree. It is open from its first use on, which
// must be outside all hosts (Build is one), and then reads the same inside,
// whatever a host has in place of the directories above.
var Tree = sync.OnceValue(func() fs.FS {
	root, err := os.OpenRoot(Root())
	if err != nil {
		panic(err)
	}
	return root.FS()
})

// Hier reads scripts/hier: what an installed home consists of.
var Hier = sync.OnceValue(func() []Entry {
	f, err := Tree().Open("scripts/hier")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	var out []Entry
	for lines := bufio.NewScanner(f); lines.Scan(); {
		word := strings.Fields(lines.Text())
		if len(word) < 5 || len(word[0]) != 1 {
			continue
		}
		mode, _ := strconv.ParseUint(word[4], 8, 32)
		e := Entry{Type: word[0][0], Path: word[1], Owner: word[2], Group: word[3], Mode: os.FileMode(mode)}
		switch e.Type {
		case 'z':
			e.Size, _ = strconv.Atoi(word[5])
		case 's':
			e.Type = 'd'
			out = append(out, e)
			for i := range Split {
				part := e
				part.Path += "/" + strconv.Itoa(i)
				out = append(out, part)
			}
			continue
		}
		out = append(out, e)
	}
	return out
})

// Queue is the part of Hier that mail lives in: the directories below the
// home that are not programs and documentation, and the queue's files.
var Queue = sync.OnceValue(func() []Entry {
	var out []Entry
	for _, e := range Hier() {
		top, _, _ := strings.Cut(e.Path, "/")
		if strings.IndexByte("dzp", e.Type) >= 0 && top != "doc" && top != "man" {
			out = append(out, e)
		}
	}
	return out
})

// Lay makes an entry below home, in the host it is called in.
func (e Entry) Lay(home string, u Users) error {
	path := filepath.Join(home, e.Path)
	var err error
	switch e.Type {
	case 'd':
		err = os.MkdirAll(path, 0o700)
	case 'z':
		err = os.WriteFile(path, make([]byte, e.Size), 0o600)
	case 'p':
		err = os.NewSyscallError("mkfifo "+path, unix.Mkfifo(path, 0o600))
	}
	if err != nil {
		return err
	}
	return Own(path, u.Uid(e.Owner), u.Gid(e.Group), e.Mode)
}

// Own sets owner, group and mode; mode has the setuid, setgid and sticky bits
// in their octal places, 0o4000 and so on.
func Own(path string, uid, gid int, mode os.FileMode) error {
	if err := unix.Chown(path, uid, gid); err != nil {
		return fmt.Errorf("chown %s: %w", path, err)
	}
	// chown clears setuid and setgid, so the mode comes last.
	if err := unix.Chmod(path, uint32(mode)); err != nil {
		return fmt.Errorf("chmod %s: %w", path, err)
	}
	return nil
}

// LayHome mounts a qmail home on /var/qmail of the host it is called in: the
// entries, such as those of Queue, and the programs.
func LayHome(p *Programs, u Users, entries []Entry) error {
	const home = "/var/qmail"
	if err := Tmpfs(home, "755"); err != nil {
		return err
	}
	for _, e := range entries {
		if err := e.Lay(home, u); err != nil {
			return err
		}
	}
	if err := BindProgram(p.Dir+"/bin", home+"/bin"); err != nil {
		return err
	}
	return BindProgram(p.Dir+"/boot", home+"/boot")
}

// Programs are the programs under test, with owners and modes.
type Programs struct {
	Dir string // has bin and boot
}

// Has tells whether there is a program of this name.
func (p *Programs) Has(name string) bool {
	_, err := os.Stat(p.Dir + "/bin/" + name)
	return err == nil
}

// Build makes the programs of this tree ready, or those that environment
// variable LAB_BIN names the directory of. The accounts are those they are
// owned by.
func Build(u Users) (*Programs, error) {
	Tree()
	if from := os.Getenv("LAB_BIN"); from != "" {
		return ready(from, u)
	}
	return build(Root()+"/t/.bin", u)
}

// BuildWith makes programs of this tree ready that are built with variables of
// make, such as SPAWN=300.
func BuildWith(u Users, variables ...string) (*Programs, error) {
	Tree()
	return build(Root()+"/t/.bin/"+variables[0], u, variables...)
}

// ready copies the programs of a directory to where they have owners.
func ready(from string, u Users) (*Programs, error) {
	dir, err := SharedDir()
	if err != nil {
		return nil, err
	}
	p := &Programs{Dir: dir}
	if err := os.CopyFS(dir+"/boot", os.DirFS(from+"/boot")); err != nil {
		if err = os.Mkdir(dir+"/boot", 0o755); err != nil {
			return nil, err
		}
	}
	return p, p.copy(from, u)
}

// build runs make and copies the programs. Two packages' tests may come here at
// once, and make writes files anew.
func build(to string, u Users, variables ...string) (*Programs, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.Create(to + "/.lock")
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return nil, os.NewSyscallError("flock", err)
	}
	cmd := exec.Command("make", append(variables, "-s", "bin", "BIN="+to)...)
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make bin: %w\n%s", err, out)
	}
	return ready(to, u)
}

func (p *Programs) copy(from string, u Users) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	known := map[string]Entry{}
	for _, e := range Hier() {
		known[e.Path] = e
	}
	if err := os.Mkdir(p.Dir+"/bin", 0o755); err != nil {
		return err
	}
	for _, file := range entries {
		if !file.Type().IsRegular() || file.Name()[0] == '.' {
			continue
		}
		e, ok := known["bin/"+file.Name()]
		if !ok {
			e = Entry{Owner: "root", Group: "qmail", Mode: 0o755}
		}
		data, err := os.ReadFile(from + "/" + file.Name())
		if err != nil {
			return err
		}
		path := p.Dir + "/bin/" + file.Name()
		// A child that another test forks now would hold it open, busy.
		syscall.ForkLock.RLock()
		err = os.WriteFile(path, data, 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			return err
		}
		if err := Own(path, u.Uid(e.Owner), u.Gid(e.Group), e.Mode); err != nil {
			return err
		}
	}
	return nil
}
