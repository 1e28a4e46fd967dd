package mailstore

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-imap/v2"
)

// filled is a store with a mailbox of n messages of some 900 bytes.
func filled(b *testing.B, n int) (*Store, *Mailbox) {
	b.Helper()
	dir := b.TempDir()
	s, err := Open(testLayout(dir))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if err := s.Create(Entry{Name: "user.john"}); err != nil {
		b.Fatal(err)
	}
	m, err := s.OpenMailbox("user.john")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	for i := 0; i < n; {
		var all []Incoming
		for range min(500, n-i) {
			all = append(all, staged(b, s, i, 900))
			i++
		}
		if _, err := m.Append(all...); err != nil {
			b.Fatal(err)
		}
		for _, in := range all {
			os.Remove(in.Path)
		}
	}
	return s, m
}

func staged(b *testing.B, s *Store, i, size int) Incoming {
	st, err := s.Stage("")
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(st, "From: \"User %d\" <user%d@example.org>\r\nTo: john@example.org\r\nSubject: message %d\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <%d@example.org>\r\n\r\n",
		i%100, i%100, i, i)
	io.WriteString(st, strings.Repeat("A line of the message's text, as they are.\r\n", max(1, (size-200)/44)))
	if err := st.Finish(); err != nil {
		b.Fatal(err)
	}
	st.file.Close()
	return Incoming{Path: st.Path, Size: st.Size, Digest: st.Digest, Date: 1000}
}

var everyUID = imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}

// BenchmarkMailbox is what clients do most with a mailbox of many messages; set
// MESSAGES=100000 in the environment for what the report measures.
func BenchmarkMailbox(b *testing.B) {
	n := 10000
	fmt.Sscan(os.Getenv("MESSAGES"), &n)
	s, m := filled(b, n)
	b.Run("view first", func(b *testing.B) {
		for b.Loop() {
			fresh := &Mailbox{store: s, entry: m.entry, tree: m.tree, id: m.id}
			if _, err := fresh.View(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("view again", func(b *testing.B) {
		for b.Loop() {
			m.View()
		}
	})
	for _, columns := range [][]Column{{Envelope}, {BodyStructure}, {Header}, {Envelope, Parts, Header}} {
		b.Run(fmt.Sprint("columns ", columns), func(b *testing.B) {
			for b.Loop() {
				if err := m.Columns(everyUID, columns, func(uint32, [][]byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("store and view", func(b *testing.B) {
		op := imap.StoreFlagsAdd
		for b.Loop() {
			if _, err := m.SetFlags(everyUID, op, []string{`\Flagged`}, -1); err != nil {
				b.Fatal(err)
			}
			m.View()
			if op == imap.StoreFlagsAdd {
				op = imap.StoreFlagsDel
			} else {
				op = imap.StoreFlagsAdd
			}
		}
	})
	b.Run("store seen", func(b *testing.B) { // which is counted
		op := imap.StoreFlagsAdd
		for b.Loop() {
			if _, err := m.SetFlags(everyUID, op, []string{`\Seen`}, -1); err != nil {
				b.Fatal(err)
			}
			if op == imap.StoreFlagsAdd {
				op = imap.StoreFlagsDel
			} else {
				op = imap.StoreFlagsAdd
			}
		}
	})
	b.Run("store one", func(b *testing.B) {
		uid := imap.UID(0)
		for b.Loop() {
			uid = uid%imap.UID(n) + 1
			if _, err := m.SetFlags(imap.UIDSetNum(uid), imap.StoreFlagsAdd, []string{`\Answered`}, -1); err != nil {
				b.Fatal(err)
			}
			m.View()
		}
	})
	copied := 0
	b.Run("copy and expunge 10000", func(b *testing.B) {
		var set imap.UIDSet
		set.AddRange(1, 10000)
		for b.Loop() {
			copied++
			name := fmt.Sprint("user.john.copy", copied)
			if err := s.Create(Entry{Name: name}); err != nil {
				b.Fatal(err)
			}
			to, err := s.OpenMailbox(name)
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := m.Copy(set, to, nil); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			to.SetFlags(everyUID, imap.StoreFlagsAdd, []string{`\Deleted`}, -1)
			b.StartTimer()
			if gone, err := to.Expunge(nil); err != nil || len(gone) != min(n, 10000) {
				b.Fatal(len(gone), err)
			}
			to.Close()
		}
	})
	b.Run("reconstruct", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Reconstruct("user.john", Rebuild{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 10} {
		b.Run(fmt.Sprint(writers, " at a time"), func(b *testing.B) {
			s, m := filled(b, 1)
			var n atomic.Int64
			var wait sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wait.Go(func() {
					for int(n.Add(1)) <= b.N {
						in := staged(b, s, int(n.Load()), 4096)
						if _, err := m.Append(in); err != nil {
							b.Error(err)
						}
						os.Remove(in.Path)
					}
				})
			}
			wait.Wait()
		})
	}
}
