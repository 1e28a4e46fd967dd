package queue

import (
	"strconv"
	"strings"
	"syscall"

	"goqmail/lib/auto"
)

// Num is the number of a message: the inode number of its mess file.
type Num uint64

// String gives the number in decimal digits.
func (n Num) String() string { return strconv.FormatUint(uint64(n), 10) }

// ParseNum reads a file name as a message number. ok is false for a name that
// is not all digits. Leading zeros are taken, though no file of a message has
// them, and what is too large wraps around.
func ParseNum(name string) (n Num, ok bool) {
	for i := range len(name) {
		digit := name[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + Num(digit)
	}
	return n, name != ""
}

// Name is the name of a file or directory relative to the queue directory,
// such as "mess/20/457": what logs and requests to qmail-clean contain.
type Name string

// Path is where the file is.
func (n Name) Path() string { return auto.Home + "/queue/" + string(n) }

// Dir is the directory that the file is in.
func (n Name) Dir() Name { return n[:strings.LastIndexByte(string(n), '/')] }

// The files of package queue that belong to no message.
const (
	SendMutex   Name = "lock/sendmutex" // locked by the running qmail-send
	Tcpto       Name = "lock/tcpto"     // see lib/tcpto
	TriggerFIFO Name = "lock/trigger"
)

// Layout tells where the files of a message are. The zero value is not one.
type Layout struct {
	Split     uint64 // how many directories mess, info, local and remote have
	SplitTodo bool   // todo and intd have them as well
}

// Look finds the layout of the queue directory: todo is split where it has the
// first of the directories that a split needs. After an error nothing may be
// put into todo: a message on the wrong level would never be found. The error is
// a syscall.Errno.
func Look() (Layout, error) {
	var st syscall.Stat_t
	err := syscall.Stat(Name("todo/0").Path(), &st)
	if err == syscall.ENOENT || err == syscall.ENOTDIR {
		return Unsplit(), nil
	}
	return Layout{Split: auto.Split(), SplitTodo: st.Mode&syscall.S_IFMT == syscall.S_IFDIR}, err
}

// Unsplit is the layout with a flat todo, which does for who never looks at
// todo.
func Unsplit() Layout { return Layout{Split: auto.Split()} }

// Mess is the message.
func (l Layout) Mess(n Num) Name { return l.split("mess/", n) }

// Info is the sender of a preprocessed message.
func (l Layout) Info(n Num) Name { return l.split("info/", n) }

// Local is the list of local recipients.
func (l Layout) Local(n Num) Name { return l.split("local/", n) }

// Remote is the list of remote recipients.
func (l Layout) Remote(n Num) Name { return l.split("remote/", n) }

// Bounce is the text on failed recipients.
func (l Layout) Bounce(n Num) Name { return Name("bounce/" + n.String()) }

// Todo is the envelope of a queued message. As a request to qmail-clean it
// says that the message is preprocessed: remove intd, then todo.
func (l Layout) Todo(n Num) Name { return l.maybeSplit("todo/", n) }

// Intd is the envelope under construction.
func (l Layout) Intd(n Num) Name { return l.maybeSplit("intd/", n) }

// Foop is no file but a request to qmail-clean: remove intd, then mess.
func (l Layout) Foop(n Num) Name { return Name("foop/" + n.String()) }

// SplitName is "S/N", which names a message to qmail-lspawn and qmail-rspawn.
func (l Layout) SplitName(n Num) string { return string(l.split("", n)) }

func (l Layout) split(slashed string, n Num) Name {
	return Name(slashed + strconv.FormatUint(uint64(n)%l.Split, 10) + "/" + n.String())
}

func (l Layout) maybeSplit(slashed string, n Num) Name {
	if l.SplitTodo {
		return l.split(slashed, n)
	}
	return Name(slashed + n.String())
}

// Dirs lists the directories with the files of one kind, such as "info":
// "info/0" to "info/22", or the one directory of a kind that is not split.
func (l Layout) Dirs(kind string) []Name {
	switch {
	case kind == "bounce" || kind == "pid" || kind == "lock", !l.SplitTodo && (kind == "todo" || kind == "intd"):
		return []Name{Name(kind)}
	}
	dirs := make([]Name, l.Split)
	for i := range dirs {
		dirs[i] = Name(kind + "/" + strconv.Itoa(i))
	}
	return dirs
}
