package queue

import "goqmail/lib/auto"

// Entry is something that every queue directory has.
type Entry struct {
	Name        Name // "." is the queue directory itself
	Type        byte // d directory, f file, p FIFO
	User, Group string
	Mode        uint32 // permissions
	Size        int64  // of a file that is made; one that is there keeps its own
}

// Tree lists what a queue directory has besides messages, directories before
// what is in them. It says what scripts/hier says.
func (l Layout) Tree() []Entry {
	q, s, r := auto.UserQ, auto.UserS, auto.UserR
	tree := []Entry{{Name: ".", Type: 'd', User: q, Mode: 0o750}}
	dirs := func(kind, user string, mode uint32) {
		tree = append(tree, Entry{Name: Name(kind), Type: 'd', User: user, Mode: mode})
		if all := l.Dirs(kind); len(all) > 1 || all[0] != Name(kind) {
			for _, dir := range all {
				tree = append(tree, Entry{Name: dir, Type: 'd', User: user, Mode: mode})
			}
		}
	}
	dirs("pid", q, 0o700)
	dirs("intd", q, 0o700)
	dirs("todo", q, 0o750)
	dirs("bounce", s, 0o700)
	dirs("mess", q, 0o750)
	dirs("info", s, 0o700)
	dirs("local", s, 0o700)
	dirs("remote", s, 0o700)
	dirs("lock", q, 0o750)
	tree = append(tree,
		Entry{Name: Tcpto, Type: 'f', User: r, Mode: 0o644, Size: 1024},
		Entry{Name: "lock/tcpto6", Type: 'f', User: r, Mode: 0o644, Size: 1792},
		Entry{Name: "lock/notls", Type: 'f', User: r, Mode: 0o644, Size: 1536},
		Entry{Name: SendMutex, Type: 'f', User: s, Mode: 0o600},
		Entry{Name: Retry, Type: 'f', User: s, Mode: 0o600},
		Entry{Name: TriggerFIFO, Type: 'p', User: s, Mode: 0o622},
	)
	for i := range tree {
		tree[i].Group = auto.GroupQmail
	}
	return tree
}

// Kind is what the files of one kind are like, such as mess/S/N.
type Kind struct {
	Name string
	User string
	Mode uint32
	File func(Layout, Num) Name
}

// Kinds lists the kinds of a message's files, in an order in which they can be
// listed while qmail-queue works: each before what a message has first.
func Kinds() []Kind {
	q, s := auto.UserQ, auto.UserS
	return []Kind{
		{"bounce", s, 0o600, Layout.Bounce},
		{"local", s, 0o600, Layout.Local},
		{"remote", s, 0o600, Layout.Remote},
		{"info", s, 0o600, Layout.Info},
		{"todo", q, 0o644, Layout.Todo},
		{"intd", q, 0o644, Layout.Intd},
		{"mess", q, 0o644, Layout.Mess},
	}
}
