//go:build linux && amd64

package crash

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/otp"
	"goqmail/lib/sasldb"
)

// passwords gives who has which password, of a file of passwords that a crash has left.
func passwords(t *testing.T, data string) (found string, err error) {
	t.Helper()
	path := t.TempDir() + "/sasldb2"
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	records, err := sasldb.List(path)
	var all []string
	for _, r := range records {
		if r.Property == sasldb.OTP { // of which the seed differs each time
			r.Value = "a chain"
		}
		all = append(all, fmt.Sprintf("%q", r.Key.String()+" "+r.Value))
	}
	slices.Sort(all)
	return strings.Join(all, "\n"), err
}

// Stopped anywhere, saslpasswd2 leaves the old passwords or the new ones; once it has
// exited 0 it is the new ones. Then it works as before.
func TestSaslpasswd2(t *testing.T) {
	home := inMemory(t)
	program, dir := Build(t, "saslpasswd2", home), home+"/etc"
	run := func(before func(*Op) Action) (syscall.WaitStatus, *Disk) {
		in := input(t, "new\n")
		defer in.Close()
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		args := []string{"saslpasswd2", "-p", "-u", "here.example", "-f", dir + "/sasldb2", "john"}
		return Run(t, dir, Cmd{Path: program, Args: args, Files: []*os.File{in, null, null}}, before)
	}
	for name, old := range map[string]string{"none": "", "a cdb": cdbOfPasswords(t), "of Berkeley DB": ofBerkeleyDB(t)} {
		t.Run(name, func(t *testing.T) {
			lay := func() {
				os.RemoveAll(dir)
				err := os.Mkdir(dir, 0o700)
				if err == nil && old != "" {
					err = os.WriteFile(dir+"/sasldb2", []byte(old), 0o640)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			was, err := passwords(t, old)
			if err != nil {
				t.Fatal(err)
			}
			lay()
			total := 0
			status, _ := run(func(op *Op) Action {
				if op.isChange() {
					total++
				}
				return Action{}
			})
			is := left(t, dir)
			if status.ExitStatus() != 0 || is == was {
				t.Fatalf("exit %d, it has %s", status.ExitStatus(), is)
			}
			for at := 1; at <= total; at++ {
				for _, full := range []bool{false, true} {
					lay()
					n, story := 0, ""
					status, disk := run(func(op *Op) Action {
						if op.isChange() {
							n++
						}
						if n != at || !op.isChange() {
							return Action{}
						}
						story = fmt.Sprintf("%v, full: %v", op, full)
						if full {
							return Action{Fail: syscall.ENOSPC}
						}
						return Action{Halt: true}
					})
					done := status.Exited() && status.ExitStatus() == 0 || strings.Contains(story, " exit ")
					check := func(now, story string) {
						if now != is && (now != was || done) {
							t.Errorf("%s, done: %v: left is\\n%s", story, done, now)
						}
					}
					check(left(t, dir), story)
					for _, cut := range append(disk.Cuts(), disk.WildCuts()...) {
						now, err := passwords(t, cut.View["sasldb2"].Data)
						if err != nil {
							t.Errorf("%s, %s: %v", story, cut.Story, err)
						}
						check(now, story+", "+cut.Story)
					}
					cuts := disk.WildCuts()
					if err := disk.Restore(cuts[at%len(cuts)]); err != nil {
						t.Fatal(err)
					}
					if status, _ := run(proceed); status.ExitStatus() != 0 || left(t, dir) != is {
						t.Errorf("%s: then exit %d, and it has\\n%s", story, status.ExitStatus(), left(t, dir))
					}
				}
			}
		})
	}
}

// left is what the file has.
func left(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(dir + "/sasldb2")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	now, err := passwords(t, string(data))
	if err != nil {
		t.Errorf("%v", err)
	}
	return now
}

func cdbOfPasswords(t *testing.T) string {
	t.Helper()
	path := t.TempDir() + "/sasldb2"
	err := sasldb.Update(path, func(all []sasldb.Record) []sasldb.Record {
		for _, user := range []string{"john", "mary"} {
			all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: "here.example", Property: sasldb.Password}, Value: "old"})
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// ofBerkeleyDB is a file that Cyrus SASL has written.
func ofBerkeleyDB(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../../lib/sasldb/testdata/sasldb2.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A one-time password that has let its user in never does so again, whatever imapd has
// come to. One that has not may; at the latest when its attempt would have ended anyway.
func TestOTP(t *testing.T) {
	p := serve(t, "imapd")
	chain := otp.New("md5", 100, "he1234", "secret")
	key := sasldb.Key{User: "john", Realm: "here.example", Property: sasldb.OTP}
	err := sasldb.Update(p.home+"/fresh/sasldb2", func(all []sasldb.Record) []sasldb.Record {
		return append(all, sasldb.Record{Key: key, Value: chain.String()})
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := otp.Respond("otp-md5 99 he1234 ext", "secret")
	if err != nil {
		t.Fatal(err)
	}
	client := func(conn net.Conn) (done int) {
		in := bufio.NewReader(conn)
		for _, say := range []string{"", "t AUTHENTICATE OTP " + base64.StdEncoding.EncodeToString([]byte("\x00john")), base64.StdEncoding.EncodeToString([]byte(response))} {
			if say != "" {
				io.WriteString(conn, say+"\r\n")
			}
			p.last, _ = in.ReadString('\n') // the end is no OK
		}
		if strings.HasPrefix(p.last, "t OK") {
			return 1
		}
		return 0
	}
	isState := func(op *Op) bool { return op.isChange() && op.Path == p.dir+"/sasldb2" }
	total := 0
	p.lay()
	done, _ := p.trace(client, func(op *Op) Action {
		if isState(op) {
			total++
		}
		return Action{}
	})
	if done != 1 || total < 4 {
		t.Fatalf("%d changes of the state, and the client gets %q", total, p.last)
	}
	for _, at := range sample(t, "changes of the state before which it stops", total+1, 3) { // after the last it has ended
		for how := range ways {
			n := 0
			p.lay()
			done, disk := p.trace(client, func(op *Op) Action {
				if isState(op) {
					n++
				}
				switch {
				case n != at || !isState(op):
					return Action{}
				case how == diskFull:
					return Action{Fail: syscall.ENOSPC}
				}
				return Action{Halt: true}
			})
			story := fmt.Sprintf("change %d of %d, logged in: %v", at, total, done == 1) + fall(t, disk, how, at)
			value, _, err := sasldb.Get(p.dir+"/sasldb2", key)
			if err != nil {
				t.Errorf("%s: %v", story, err)
			}
			state, err := otp.Parse(value)
			if err != nil || state.Sequence != 99 && (state.Sequence != 100 || done == 1) {
				t.Errorf("%s: the state is %q, %v", story, value, err)
			}
			again := p.run(client)
			if want := state.Sequence == 100 && state.Until == 0; (again == 1) != want {
				t.Errorf("%s: then the state is %q, and the client gets %q", story, value, p.last)
			}
		}
	}
}
