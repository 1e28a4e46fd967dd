package mailstore

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// bus tells the processes that use a store of changes: each that watches has a
// datagram socket in one directory, and who changes a mailbox sends its name to
// all of them. Nothing depends on its arrival but how soon a client hears.
type bus struct {
	dir   string
	store *Store

	mu     sync.Mutex
	own    *net.UnixConn // nil until somebody watches
	out    *net.UnixConn
	closed bool
}

func (b *bus) path() string { return filepath.Join(b.dir, "notify."+strconv.Itoa(os.Getpid())) }

// listen hears of changes by other processes from now on.
func (b *bus) listen() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own != nil || b.closed {
		return nil
	}
	if err := makeDir(b.dir); err != nil {
		return err
	}
	os.Remove(b.path()) // of a process that had our number
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: b.path(), Net: "unixgram"})
	if err != nil {
		return err
	}
	b.own = conn
	go func() {
		var name [1024]byte
		for {
			n, err := conn.Read(name[:])
			if err != nil {
				return
			}
			b.store.wake(string(name[:n]))
		}
	}()
	return nil
}

// send tells the other processes.
func (b *bus) send(name string) {
	files, err := os.ReadDir(b.dir)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range files {
		path := filepath.Join(b.dir, f.Name())
		if !strings.HasPrefix(f.Name(), "notify.") || path == b.path() || b.closed {
			continue
		}
		if b.out == nil {
			if b.out, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram"}); err != nil {
				return
			}
		}
		b.out.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)) // one that does not listen holds up nobody
		_, err := b.out.WriteToUnix([]byte(name), &net.UnixAddr{Name: path, Net: "unixgram"})
		if isRefused(err) {
			os.Remove(path) // its process is gone
		}
	}
}

func isRefused(err error) bool {
	op, ok := err.(*net.OpError)
	if !ok {
		return false
	}
	call, ok := op.Err.(*os.SyscallError)
	return ok && call.Err == syscall.ECONNREFUSED
}

func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.own != nil {
		b.own.Close()
		os.Remove(b.path())
	}
	if b.out != nil {
		b.out.Close()
	}
}

// tell wakes who watches a mailbox, here and in other processes.
func (s *Store) tell(name string) {
	s.wake(name)
	s.bus.send(name)
}

// wake wakes who watches a mailbox in this process.
func (s *Store) wake(name string) {
	s.mu.Lock()
	m := s.boxes[name]
	s.mu.Unlock()
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for w := range m.watchers {
		select {
		case w.C <- struct{}{}:
		default:
		}
	}
}

// Watcher has something to receive on C when its mailbox may have changed.
type Watcher struct {
	C chan struct{}
	m *Mailbox
}

// Watch begins to watch the mailbox.
func (m *Mailbox) Watch() (*Watcher, error) {
	if err := m.store.bus.listen(); err != nil {
		return nil, err
	}
	w := &Watcher{make(chan struct{}, 1), m}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers[w] = true
	return w, nil
}

// Stop ends it.
func (w *Watcher) Stop() {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	delete(w.m.watchers, w)
}
