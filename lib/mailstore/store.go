package mailstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"goqmail/lib/imapconf"
)

// Layout is where the store is; see imapd.conf(5).
type Layout struct {
	ConfigDir        string            // configdirectory
	Partitions       map[string]string // partition-NAME
	DefaultPartition string            // defaultpartition
	HashSpool        bool              // hashimapspool: j/user/john
	FullHash         bool              // fulldirhash: K instead of j
	List             string            // the list of mailboxes, if it is not CONFIG/mailboxes.db
}

// LayoutOf returns where the configuration has the store.
func LayoutOf(conf imapconf.Conf) Layout {
	return Layout{
		ConfigDir:        conf.String("configdirectory", ""),
		Partitions:       conf.Partitions(),
		DefaultPartition: conf.String("defaultpartition", "default"),
		HashSpool:        conf.Bool("hashimapspool", false),
		FullHash:         conf.Bool("fulldirhash", false),
	}
}

// Store is an open store. All its methods may be called by many goroutines.
type Store struct {
	layout Layout
	list   *database
	open   connections

	mu    sync.Mutex
	trees map[string]*tree // by directory
	boxes map[string]*Mailbox
	bus   *bus

	orders orders

	removing sync.WaitGroup // the files of expunged messages
}

// Open opens the store, and creates it if it is not there.
func Open(layout Layout) (*Store, error) {
	if layout.Partitions[layout.DefaultPartition] == "" {
		return nil, fmt.Errorf("partition-%s is not set", layout.DefaultPartition)
	}
	s := &Store{layout: layout, trees: map[string]*tree{}, boxes: map[string]*Mailbox{}}
	if err := makeDir(layout.ConfigDir); err != nil {
		return nil, err
	}
	if layout.List == "" {
		layout.List = filepath.Join(layout.ConfigDir, "mailboxes.db")
	}
	s.list = &database{path: layout.List, schema: listSchema, open: &s.open}
	c, err := s.list.connection()
	if err != nil {
		return nil, err
	}
	s.list.release(c)
	s.bus = &bus{dir: filepath.Join(layout.ConfigDir, "socket"), store: s}
	return s, nil
}

// Close closes the databases. No Mailbox may be used afterwards.
func (s *Store) Close() error {
	s.removing.Wait()
	s.bus.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.list.close()
	for _, t := range s.trees {
		if e := t.db.close(); err == nil {
			err = e
		}
	}
	return err
}

// hash is the letter under which Cyrus and hashimapspool keep what belongs to a mailbox:
// the first one of the second part of its name, or of the only part; q if that is no
// letter. With fulldirhash all of that part counts.
func (l *Layout) hash(name string) string {
	if _, rest, ok := strings.Cut(name, "."); ok {
		name = rest
	}
	if l.FullHash {
		part, _, _ := strings.Cut(name, ".")
		var n uint32
		for i := range len(part) {
			n = n<<3 ^ n>>5 ^ uint32(part[i])
		}
		return string(rune('A' + n%23))
	}
	if name != "" {
		if c := name[0] | 0x20; 'a' <= c && c <= 'z' {
			return string(rune(c))
		}
	}
	return "q"
}
