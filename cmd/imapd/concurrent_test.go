package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"goqmail/lib/syslog"
)

// mirror is what a client makes of the mailbox from what it is told.
type mirror struct {
	*client
	flags []string // by sequence number; "" is not known
	tag   int
}

// run runs a command and takes in what is said until it ends. It fails the test if that
// contradicts what was said before.
func (m *mirror) run(command string) string {
	m.t.Helper()
	m.tag++
	tag := "t" + strconv.Itoa(m.tag)
	if _, flags, silent := strings.Cut(command, " FLAGS.SILENT "); silent { // the client knows without being told
		n, _ := strconv.Atoi(strings.Fields(command)[1])
		m.flags[n-1] = flags
	}
	if _, err := fmt.Fprintf(m, "%s %s\r\n", tag, command); err != nil {
		m.t.Fatal(err)
	}
	for {
		line := m.line()
		if end, ok := strings.CutPrefix(line, tag+" "); ok {
			return end
		}
		m.take(line, command)
	}
}

func (m *mirror) take(line, command string) {
	m.t.Helper()
	words := strings.SplitN(line, " ", 4)
	if words[0] != "*" || len(words) < 3 {
		return
	}
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return
	}
	switch words[2] {
	case "EXISTS":
		if n < len(m.flags) {
			m.t.Errorf("%s: %q after %d messages", command, line, len(m.flags))
		}
		for len(m.flags) < n {
			m.flags = append(m.flags, "")
		}
	case "EXPUNGE":
		if strings.HasPrefix(command, "FETCH") || strings.HasPrefix(command, "STORE") {
			m.t.Errorf("%s: %q", command, line)
		}
		if n < 1 || n > len(m.flags) {
			m.t.Fatalf("%s: %q of %d messages", command, line, len(m.flags))
		}
		m.flags = slices.Delete(m.flags, n-1, n)
	case "FETCH":
		if n < 1 || n > len(m.flags) {
			m.t.Fatalf("%s: %q of %d messages", command, line, len(m.flags))
		}
		if _, after, ok := strings.Cut(line, "FLAGS ("); ok {
			flags, _, _ := strings.Cut(after, ")")
			flags = strings.Replace(flags, `\Recent`, "", 1)
			m.flags[n-1] = "(" + strings.TrimSpace(flags) + ")"
		}
	}
}

// Several sessions change one mailbox at once; what each is told agrees with what the
// mailbox is in the end.
func TestSessionsAgree(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello, hello, hello)
	var sessions []*mirror
	var running sync.WaitGroup
	for i := range 4 {
		m := &mirror{client: login(t, s, "john")}
		sessions = append(sessions, m)
		m.run("SELECT INBOX")
		m.run("FETCH 1:* FLAGS")
		random := rand.New(rand.NewPCG(1, uint64(i)))
		running.Go(func() {
			for range 40 {
				m.run(m.command(random))
			}
		})
	}
	running.Wait()
	for _, m := range sessions {
		m.run("NOOP")
	}
	fresh := &mirror{client: login(t, s, "john")}
	fresh.run("SELECT INBOX")
	fresh.run("FETCH 1:* FLAGS")
	for i, m := range sessions {
		for n, flags := range m.flags {
			if flags == "" { // one that it has not asked for
				m.flags[n] = fresh.flags[min(n, len(fresh.flags)-1)]
			}
		}
		if !slices.Equal(m.flags, fresh.flags) {
			t.Errorf("session %d has %q, want %q", i, m.flags, fresh.flags)
		}
	}
}

// command is something to do, by chance.
func (m *mirror) command(random *rand.Rand) string {
	text := strings.ReplaceAll(hello, "\r\n", "\n")
	appended := fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(text), text)
	if len(m.flags) == 0 {
		return appended
	}
	n := 1 + random.IntN(len(m.flags))
	flag := []string{`\Seen`, `\Deleted`, `\Flagged`, "$a", "$b"}[random.IntN(5)]
	return []string{
		appended,
		fmt.Sprintf("STORE %d:* +FLAGS (%s)", n, flag),
		fmt.Sprintf("STORE %d -FLAGS (%s)", n, flag),
		fmt.Sprintf("STORE %d FLAGS.SILENT (%s)", n, flag),
		fmt.Sprintf("FETCH %d (FLAGS BODY[TEXT])", n),
		"FETCH 1:* (UID FLAGS)",
		"EXPUNGE",
		fmt.Sprintf("COPY %d INBOX", n),
		fmt.Sprintf("MOVE %d INBOX", n),
		"NOOP",
	}[random.IntN(10)]
}

// Another project's client understands what it is told.
func TestImapclient(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", []string{`\Seen`, "$Work"}, hello, "Subject: two\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--\r\n")
	come := make(chan uint32, 10)
	c := imapclient.New(connect(t, s), &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				come <- *data.NumMessages
			}
		},
	}})
	defer c.Close()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("login", c.Login("john", "secret").Wait())
	selected, err := c.Select("INBOX", nil).Wait()
	must("select", err)
	if selected.NumMessages != 2 || selected.UIDNext != 3 {
		t.Errorf("selected %+v", selected)
	}
	binary := &goimap.FetchItemBinarySection{Part: []int{2}, Peek: true}
	messages, err := c.Fetch(goimap.SeqSetNum(1, 2), &goimap.FetchOptions{
		Envelope: true, Flags: true, InternalDate: true, RFC822Size: true, UID: true, ModSeq: true,
		BodyStructure: &goimap.FetchItemBodyStructure{Extended: true},
		BodySection:   []*goimap.FetchItemBodySection{{Specifier: goimap.PartSpecifierHeader, HeaderFields: []string{"Subject"}}},
		BinarySection: []*goimap.FetchItemBinarySection{binary},
	}).Collect()
	must("fetch", err)
	if len(messages) != 2 {
		t.Fatalf("%d messages", len(messages))
	}
	part := messages[1]
	if part.Envelope.Subject != "two" || part.UID != 2 || part.BodyStructure.MediaType() != "multipart/mixed" {
		t.Errorf("second message: %+v", part)
	}
	if got := string(part.FindBinarySection(binary)); got != "hello" {
		t.Errorf("binary part %q", got)
	}
	if got := messages[0].Envelope; got.From[0].Addr() != "mary@example.org" || got.MessageID != "1@example.org" {
		t.Errorf("envelope %+v", got)
	}
	upload := c.Append("INBOX", int64(len(hello)), &goimap.AppendOptions{Flags: []goimap.Flag{goimap.FlagDraft}})
	_, err = upload.Write([]byte(hello))
	must("append", err)
	must("append", upload.Close())
	appended, err := upload.Wait()
	must("append", err)
	if appended.UID != 3 {
		t.Errorf("appended %+v", appended)
	}
	must("store", c.Store(goimap.SeqSetNum(1), &goimap.StoreFlags{Op: goimap.StoreFlagsAdd, Flags: []goimap.Flag{goimap.FlagDeleted}}, nil).Close())
	gone, err := c.Expunge().Collect()
	must("expunge", err)
	if !slices.Equal(gone, []uint32{1}) {
		t.Errorf("expunged %v", gone)
	}
	moved, err := c.Copy(goimap.UIDSetNum(2), "INBOX").Wait()
	must("copy", err)
	if moved.DestUIDs.String() != "4" {
		t.Errorf("copied %+v", moved)
	}
	for len(come) > 0 {
		<-come
	}
	idle, err := c.Idle()
	must("idle", err)
	put(t, s, "user.john", nil, hello)
	if n := <-come; n != 4 {
		t.Errorf("%d messages", n)
	}
	must("idle", idle.Close())
	must("idle", idle.Wait())
	must("logout", c.Logout().Wait())
}

// FuzzSession sends whatever there is to a session with a mailbox selected: it answers or
// ends, and the server goes on.
func FuzzSession(f *testing.F) {
	s := newServer(f)
	s.record = func(syslog.Level, string, ...any) {}
	put(f, s, "user.john", nil, hello)
	for _, seed := range []string{
		"a FETCH 1 (FLAGS BODY[1.MIME]<1.2> BINARY.SIZE[1] ENVELOPE)\r\n",
		"a UID FETCH 1:*,3 (BODY.PEEK[HEADER.FIELDS (a \"b\")]) (CHANGEDSINCE 1)\r\n",
		"a STORE 1 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Seen x)\r\n",
		"a APPEND INBOX (\\Seen) \" 1-Jan-2020 00:00:00 +0000\" {3+}\r\nabc\r\n",
		"a SELECT INBOX (QRESYNC (1 2 1:3 (1 2)))\r\n", "a ENABLE QRESYNC UTF8=ACCEPT\r\n",
		"a COPY $ INBOX\r\n", "a UID EXPUNGE 1:*\r\n", "a ID (\"a\" NIL)\r\n", "a IDLE\r\nDONE\r\n",
		"a SEARCH RETURN (SAVE) OR FROM x (SINCE 1-Jan-2020)\r\n", "a LIST \"\" (a b%) RETURN (STATUS (MESSAGES))\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		ours, theirs := net.Pipe()
		done := make(chan bool)
		go func() {
			s.serve(theirs)
			close(done)
		}()
		go func() {
			fmt.Fprintf(ours, "l LOGIN john secret\r\ns SELECT INBOX\r\n%s\r\n", sent)
			ours.Close()
		}()
		io.Copy(io.Discard, ours)
		<-done
	})
}
