// Package store runs the programs that look after the mail store, as an administrator
// does, on stores of its own.
package store

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/mailstore"
)

var programs = []string{"reconstruct", "ctl_mboxlist", "ctl_cyrusdb", "quota", "cyr_expire", "mkimap"}

// built is the directory with the programs. Their user cyrus is root, which every
// system has.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-ldflags", "-s -w -X goqmail/lib/auto.UserCyrus=root", "-o", dir + "/"}
	for _, name := range programs {
		args = append(args, "goqmail/cmd/"+name)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := built(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// system is a machine with a mail store.
type system struct {
	t   *testing.T
	dir string
}

func newSystem(t *testing.T, settings string) *system {
	t.Helper()
	y := &system{t, t.TempDir()}
	text := fmt.Sprintf("configdirectory: %s/imap\npartition-default: %s/spool\nadmins: cyrus\n%s", y.dir, y.dir, settings)
	if err := os.WriteFile(y.dir+"/imapd.conf", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/imap", "/spool"} {
		if err := os.Mkdir(y.dir+dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if out := y.run("", "mkimap", y.dir+"/imapd.conf"); !strings.HasSuffix(out, "done\n") {
		t.Fatalf("mkimap said %q", out)
	}
	return y
}

// run runs a program and returns what it writes. It must succeed.
func (y *system) run(in, name string, args ...string) string {
	y.t.Helper()
	dir, err := built()
	if err != nil {
		y.t.Fatal(err)
	}
	if name != "mkimap" {
		args = append([]string{"-C", y.dir + "/imapd.conf"}, args...)
	}
	cmd := exec.Command(dir+"/"+name, args...)
	var out, report bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &report
	if err := cmd.Run(); err != nil || report.Len() > 0 {
		y.t.Fatalf("%s %q: %v, said %q", name, args, err, &report)
	}
	return out.String()
}

func (y *system) open(hashed bool) *mailstore.Store {
	y.t.Helper()
	s, err := mailstore.Open(mailstore.Layout{
		ConfigDir: y.dir + "/imap", Partitions: map[string]string{"default": y.dir + "/spool"}, DefaultPartition: "default", HashSpool: hashed,
	})
	if err != nil {
		y.t.Fatal(err)
	}
	y.t.Cleanup(func() { s.Close() })
	return s
}

// put puts a message into a mailbox, which it creates if need be.
func put(t *testing.T, s *mailstore.Store, name, subject string, date time.Time, flags ...string) {
	t.Helper()
	if _, err := s.Lookup(name); err != nil {
		if err := s.Create(mailstore.Entry{Name: name, ACL: "john\tlrswipkxtecda\t"}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := s.OpenMailbox(name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	st, err := s.Stage("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Remove()
	fmt.Fprintf(st, "Subject: %s\r\n\r\nhello\r\n", subject)
	if err := st.Finish(); err != nil {
		t.Fatal(err)
	}
	_, err = m.Append(mailstore.Incoming{Path: st.Path, Size: st.Size, Digest: st.Digest, Flags: flags, Date: date.Unix()})
	if err != nil {
		t.Fatal(err)
	}
}

// everything describes all mailboxes with their ACLs and messages.
func everything(t *testing.T, s *mailstore.Store) (all []string) {
	t.Helper()
	entries, err := s.Below("")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		m, err := s.OpenMailbox(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		v, err := m.View()
		if err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		all = append(all, fmt.Sprintf("%s %q %d %d", e.Name, e.ACL, v.UIDValidity, v.UIDNext))
		for _, msg := range v.All() {
			f, err := m.Open(msg.UID)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(f)
			f.Close()
			all = append(all, fmt.Sprintf(" %d %v %d %q", msg.UID, msg.Flags.Names(v.Keywords), msg.Date, text))
		}
	}
	return all
}

// The hint's section 22: a tar of user/, a dump of the list, and on the new system
// ctl_mboxlist -u, ctl_cyrusdb -r and reconstruct bring everything back.
func TestMigration(t *testing.T) {
	for _, hashed := range []bool{false, true} {
		settings := ""
		if hashed {
			settings = "hashimapspool: yes\n"
		}
		old := newSystem(t, settings)
		s := old.open(hashed)
		for i := range 5 {
			put(t, s, "user.john", fmt.Sprint("number ", i), time.Unix(int64(1000+i), 0), `\Seen`, "$Work")
		}
		put(t, s, "user.john.SPAM", "buy", time.Unix(7, 0))
		put(t, s, "user.mary", "hi", time.Unix(9, 0), `\Flagged`)
		m, err := s.OpenMailbox("user.john")
		if err != nil {
			t.Fatal(err)
		}
		m.SetFlags(imap.UIDSetNum(2, 5), imap.StoreFlagsAdd, []string{`\Deleted`}, -1)
		m.Expunge(nil)
		m.Close()
		want := everything(t, s)
		dump := old.run("", "ctl_mboxlist", "-d")
		s.Close()

		new := newSystem(t, settings)
		if out, err := exec.Command("sh", "-c", "tar -C $0/spool -cf - . | tar -C $1/spool -xpf -", old.dir, new.dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		new.run(dump, "ctl_mboxlist", "-u", "-f", new.dir+"/imap/mailboxes.db")
		new.run("", "ctl_cyrusdb", "-r")
		if got := new.run("", "reconstruct"); got != "user.john\nuser.john.SPAM\nuser.mary\n" {
			t.Errorf("reconstruct said %q", got)
		}
		n := new.open(hashed)
		if got := everything(t, n); !slices.Equal(got, want) {
			t.Errorf("brought %q\nwant %q", got, want)
		}
		if got := new.run("", "ctl_mboxlist", "-d"); got != dump {
			t.Errorf("the dump is %q, was %q", got, dump)
		}
	}
}

// Without a list and without indexes the files bring back the messages.
func TestReconstructWithoutAnything(t *testing.T) {
	y := newSystem(t, "unixhierarchysep: yes\n")
	s := y.open(false)
	put(t, s, "user.john", "one", time.Unix(1e9, 0))
	put(t, s, "user.john", "two", time.Unix(1e9, 0))
	put(t, s, "user.john.SPAM", "buy", time.Unix(1e9, 0))
	put(t, s, "user.jane^doe", "dotted", time.Unix(1e9, 0))
	s.Close()
	files, _ := filepath.Glob(y.dir + "/*/mailboxes.db*")
	more, _ := filepath.Glob(y.dir + "/spool/user/*/index.db*")
	for _, f := range append(files, more...) {
		os.Remove(f)
	}
	want := "discovered user/jane.doe\nuser/jane.doe\ndiscovered user/john\nuser/john\ndiscovered user/john/SPAM\nuser/john/SPAM\n"
	if got := y.run("", "reconstruct", "-m"); got != want {
		t.Errorf("reconstruct said %q, want %q", got, want)
	}
	got := everything(t, y.open(false))
	digits := regexp.MustCompile(`\d{9,}`)
	for i := range got {
		got[i] = digits.ReplaceAllString(got[i], "N")
	}
	wanted := []string{
		`user.jane^doe "jane.doe\tlrswipkxtecdan\t" N 2`, ` 1 [] N "Subject: dotted\r\n\r\nhello\r\n"`,
		`user.john "john\tlrswipkxtecdan\t" N 3`, ` 1 [] N "Subject: one\r\n\r\nhello\r\n"`, ` 2 [] N "Subject: two\r\n\r\nhello\r\n"`,
		`user.john.SPAM "john\tlrswipkxtecdan\t" N 2`, ` 1 [] N "Subject: buy\r\n\r\nhello\r\n"`,
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("%q\nwant %q", got, wanted)
	}
}

// Patterns, and directories that are found or named.
func TestReconstructSome(t *testing.T) {
	y := newSystem(t, "")
	s := y.open(false)
	for _, name := range []string{"user.john", "user.john.SPAM", "user.johnny", "shared"} {
		put(t, s, name, name, time.Unix(1, 0))
	}
	s.Close()
	for _, dir := range []string{"/spool/user/john/new", "/spool/user/paul"} {
		os.MkdirAll(y.dir+dir, 0o700)
		os.WriteFile(y.dir+dir+"/3.", []byte("Subject: x\r\n\r\n"), 0o600)
	}
	for _, c := range []struct{ args, want string }{
		{"user.john", "user.john\n"},
		{"-r user.john", "user.john\nuser.john.SPAM\n"},
		{"user.%", "user.john\nuser.johnny\n"},
		{"-G *", "shared\nuser.john\nuser.john.SPAM\nuser.johnny\n"},
		{"user.nobody", ""},
		{"-f user.john", "user.john\ndiscovered user.john.new\nuser.john.new\n"},
		{"-p default user.paul", "user.paul\n"},
	} {
		if got := y.run("", "reconstruct", strings.Fields(c.args)...); got != c.want {
			t.Errorf("reconstruct %s said %q, want %q", c.args, got, c.want)
		}
	}
}

func TestQuotaAndExpiry(t *testing.T) {
	y := newSystem(t, "")
	s := y.open(false)
	for range 100 {
		put(t, s, "user.john", strings.Repeat("long ", 200), time.Unix(1000, 0))
	}
	put(t, s, "shared.news", "old", time.Unix(1000, 0))
	put(t, s, "shared.news", "new", time.Now())
	put(t, s, "shared.kept", "old", time.Unix(1000, 0))
	for root, limit := range map[string]int64{"user.john": 200, "shared": -1, "user.none": 0} {
		if err := s.SetQuota(root, limit); err != nil {
			t.Fatal(err)
		}
	}
	days := mailstore.Annotation{Entry: "/vendor/cmu/cyrus-imapd/expire", Value: []byte("7")}
	if err := s.Annotate("shared.news", days); err != nil {
		t.Fatal(err)
	}
	want := "   Quota  % Used    Used Root\n" +
		"                       0 shared\n" +
		"     200      49      99 user.john\n" +
		"       0               0 user.none\n"
	for _, args := range [][]string{nil, {"-f"}} {
		if got := y.run("", "quota", args...); got != want {
			t.Errorf("quota %q said\n%s", args, got)
		}
	}
	if got := y.run("", "quota", "user.j", "user.none"); got != "   Quota  % Used    Used Root\n       0               0 user.none\n" {
		t.Errorf("quota said\n%s", got)
	}
	y.run("", "cyr_expire", "-E", "3", "-X", "0", "-D", "7")
	for name, messages := range map[string]int{"user.john": 100, "shared.news": 1, "shared.kept": 1} {
		if st, err := s.Status(name); err != nil || st.Messages != messages {
			t.Errorf("%s has %d messages, %v, want %d", name, st.Messages, err, messages)
		}
	}
	for range 3 {
		y.run("", "ctl_cyrusdb", "-c")
	}
	for _, name := range []string{"db.backup1", "db.backup2"} {
		if _, err := os.Stat(y.dir + "/imap/" + name + "/mailboxes.db"); err != nil {
			t.Error(err)
		}
	}
}
