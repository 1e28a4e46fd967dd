package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// home makes a system in which all is well, whose accounts are the user who runs this.
func home(t *testing.T) {
	t.Helper()
	me, err := account.Name(os.Geteuid())
	if err != nil {
		t.Skipf("user %d has no name: %v", os.Geteuid(), err)
	}
	for _, p := range []*string{&auto.Home, &auto.Cyrus, &auto.UserQ, &auto.UserS, &auto.UserCyrus} {
		old := *p
		t.Cleanup(func() { *p = old })
		*p = me
	}
	auto.Home = t.TempDir()
	auto.Cyrus = auto.Home + "/no-cyrus"
	for _, dir := range []string{"control", "users", "alias", "bin"} {
		put(t, dir+"/", "")
	}
	put(t, "control/me", "mx.a.example\n")
	put(t, "control/locals", "mx.a.example\nlocalhost\n")
	put(t, "control/rcpthosts", "mx.a.example\n.b.example\n")
	put(t, "control/virtualdomains", "v.b.example:joe\n")
	// An alias user to whom all addresses belong.
	put(t, "bin/qmail-getpw", "#!/bin/sh\nprintf 'alias\\0%s\\0%s\\0%s\\0-\\0%s\\0' 1 1 "+auto.Home+"/alias \"$1\"\n")
	if err := os.Chmod(auto.Home+"/bin/qmail-getpw", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postmaster", "mailer-daemon", "root", "joe-default"} {
		put(t, "alias/.qmail-"+name, "&john\n")
	}
}

// put makes a file, or a directory for a name with a slash at its end.
func put(t *testing.T, name, text string) {
	t.Helper()
	path := auto.Home + "/" + name
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, "/") {
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// findings are what is told of some parts, without the commands.
func findings(t *testing.T, parts ...string) (code int, out string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code = run(call.New(append([]string{"qmail-check"}, parts...), nil, map[int]*os.File{1: f, 2: f}))
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return code, strings.ReplaceAll(string(data), auto.Home, "HOME")
}

func TestNothingIsWrong(t *testing.T) {
	home(t)
	if code, out := findings(t, "control", "queue", "alias", "certificates", "store"); code != 0 || out != "" {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestRoom(t *testing.T) {
	const gb = 1 << 30
	for _, row := range []struct {
		left room
		want string
		full bool
	}{
		{room{100 * gb, 6 * gb, 1e6, 1e6}, "", false},
		{room{100 * gb, 4 * gb, 1e6, 1e6}, "4096 MB are left", false},
		{room{100 * gb, 9 << 20, 1e6, 1e6}, "9 MB are left", true},
		{room{gb / 10, gb / 10, 1e6, 1e6}, "", false},
		{room{100 * gb, 50 * gb, 1e6, 49999}, "no more than 49999 files fit", false},
		{room{100 * gb, 50 * gb, 1e6, 499}, "no more than 499 files fit", true},
		{room{100 * gb, 50 * gb, 0, 0}, "", false}, // btrfs
		{room{}, "0 MB are left", true},
	} {
		if short, full := row.left.short(); short != row.want || full != row.full {
			t.Errorf("%+v: %q, %v", row, short, full)
		}
	}
}

// Each row is what to put into files, and what is said of that.
func TestControl(t *testing.T) {
	for _, row := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"unknown", map[string]string{"mystery": ""}, []string{"warning: control/mystery: no program reads a file of this name."}},
		{"misspelt", map[string]string{"loclas": ""},
			[]string{"warning: control/loclas: no program reads a file of this name; locals is one. Type: mv HOME/control/loclas HOME/control/locals"}},
		{"backup", map[string]string{"locals~": ""}, []string{"warning: control/locals~: no program reads a file of this name. Type: rm 'HOME/control/locals~'"}},
		{"CR LF", map[string]string{"locals": "mx.a.example\r\nlocalhost\r\n"}, []string{
			`error: control/locals: lines end in CR LF, and so match nothing. Type: sed -i 's/\r$//' HOME/control/locals`,
			"warning: control/locals: mx.a.example of control/me is not in it, so that mail to this host leaves it. Type: echo mx.a.example >>HOME/control/locals",
		}},
		{"byte order mark", map[string]string{"percenthack": "\xef\xbb\xbfa.example\n"}, []string{
			`error: control/percenthack: starts with a byte order mark, which becomes part of the first name. Type: sed -i '1s/^\xef\xbb\xbf//' HOME/control/percenthack`}},
		{"no newline", map[string]string{"percenthack": "a.example"}, []string{
			"warning: control/percenthack: the last line lacks its newline, so that what is appended becomes part of it. Type: echo >>HOME/control/percenthack"}},
		{"blanks", map[string]string{"percenthack": "a.example \n b.example\n"}, []string{
			`warning: control/percenthack: line 1 ends in blanks, which count for nothing here but may elsewhere. Type: sed -i 's/[ \t]*$//' HOME/control/percenthack`,
			`error: control/percenthack: line 2 starts with a blank, which is part of it. Type: sed -i 's/^[ \t]*//' HOME/control/percenthack`,
			"error: control/percenthack:  b.example has a blank in it: a comment needs a line of its own."}},
		{"comment", map[string]string{"percenthack": "a.example # ours\n"}, []string{
			"error: control/percenthack: a.example # ours has a blank in it: a comment needs a line of its own."}},
		{"no number", map[string]string{"databytes": "lots\n"}, []string{
			`error: control/databytes: "lots" is no number, and so counts for nothing. Type: rm HOME/control/databytes`}},
		{"half a number", map[string]string{"databytes": "10M\n"}, []string{`warning: control/databytes: only the digits at the start of "10M" count.`}},
		{"large", map[string]string{"queuelifetime": "4294967296\n"}, []string{"error: control/queuelifetime: 4294967296 is too large. Type: echo 2147483647 >HOME/control/queuelifetime"}},
		{"concurrency", map[string]string{"concurrencyremote": "500\n", "concurrencylocal": "0\n"}, []string{
			"warning: control/concurrencylocal: 0 means none at all. Type: rm HOME/control/concurrencylocal",
			"warning: control/concurrencyremote: 500 is more than these programs can do, 120. Type: echo 120 >HOME/control/concurrencyremote"}},
		{"timeout", map[string]string{"timeoutsmtpd": "0\n"}, []string{"error: control/timeoutsmtpd: nobody answers in 0 seconds. Type: rm HOME/control/timeoutsmtpd"}},
		{"two lines", map[string]string{"defaulthost": "a.example\nb.example\n"}, []string{"warning: control/defaulthost: only the first line counts."}},
		{"dots", map[string]string{"plusdomain": ".a.example\n", "defaultdomain": "a.example.\n", "helohost": "mx\n"}, []string{
			"error: control/defaultdomain: a.example. ends in a dot, and so matches nothing.",
			"warning: control/helohost: mx has no dot: other hosts refuse such a name.",
			"error: control/plusdomain: .a.example starts with a dot."}},
		{"bounces", map[string]string{"doublebounceto": "joe@a.example\n", "bouncefrom": "\n"}, []string{
			"error: control/bouncefrom: is empty. Type: rm HOME/control/bouncefrom",
			"error: control/doublebounceto: joe@a.example has an @; the host is in control/doublebouncehost."}},
		{"locals", map[string]string{"locals": "mx.a.example\n.b.example\njoe@a.example\n"}, []string{
			"error: control/locals: .b.example starts with a dot.",
			"error: control/locals: joe@a.example is an address, where a domain is wanted."}},
		{"virtual lines", map[string]string{"virtualdomains": "v.b.example joe\nw.b.example:joe smith\n:joe\njoe@x.b.example:joe\nw.b.example:\n"}, []string{
			"error: control/virtualdomains: v.b.example joe has no colon, and so counts for nothing.",
			"error: control/virtualdomains: joe smith is no start of a local address.",
			"warning: control/virtualdomains: w.b.example has several lines, of which the last counts."}},
		{"local and virtual", map[string]string{"virtualdomains": "mx.a.example:joe\n"}, []string{
			`error: control/virtualdomains: mx.a.example is in control/locals, too, which comes first: its line here has no effect. Type: sed -i '/^mx\.a\.example$/Id' HOME/control/locals`}},
		{"nobody's", map[string]string{"virtualdomains": "v.b.example:jack\n"}, []string{
			"warning: control/virtualdomains: mail for v.b.example goes to jack-..., and user alias has no HOME/alias/.qmail-jack-postmaster or the like. Type: echo '&postmaster' >HOME/alias/.qmail-jack-default"}},
		{"not accepted", map[string]string{"rcpthosts": "mx.a.example\n"}, []string{
			"warning: control/rcpthosts: v.b.example is one of ours and not in it: mail for it does not come by SMTP. Type: echo v.b.example >>HOME/control/rcpthosts"}},
		{"open relay", map[string]string{"rcpthosts": "-"}, []string{
			"error: control/rcpthosts: there is none: anybody in the world may send through this host to anywhere. Type: cp HOME/control/locals HOME/control/rcpthosts"}},
		{"no me", map[string]string{"me": "-"}, []string{
			"error: control/me: there is none, so that nothing knows this host's name. Type: echo $(hostname -f) >HOME/control/me"}},
		{"empty me", map[string]string{"me": "\n"}, []string{"error: control/me: is empty."}},
		{"me is nobody", map[string]string{"me": "localhost\n"}, []string{
			"warning: control/me: localhost has no dot: other hosts refuse such a name.",
			"error: control/me: localhost is every host's name. Type: echo $(hostname -f) >HOME/control/me"}},
		{"routes", map[string]string{"smtproutes": ":relay.example\na.example:[1.2.3.4]:2525\nb.example:relay:smtp\nc.example\nd.example:\ne.example:[::1];26\nf.example:r.example|u|p\n"}, []string{
			`error: control/smtproutes: "smtp" is no port.`,
			"error: control/smtproutes: c.example has no colon, and so counts for nothing.",
			"warning: control/smtproutes: the line for f.example has a password, which counts only with smtp-auth in control/extensions."}},
		{"qmqp", map[string]string{"qmqpservers": "1.2.3.4\nmail.example\n"}, []string{"error: control/qmqpservers: mail.example is no address."}},
		{"senders", map[string]string{"badmailfrom": "@a.example\njoe@b.example\nc.example\n"}, []string{
			"warning: control/badmailfrom: c.example has no @, and so is no domain's; @c.example is."}},
		{"scanning", map[string]string{"clamd": "/run/clamav/clamd.ctl\n", "spamd": "127.0.0.1:783\n", "scanreply": "no %\n", "spamscore": "5.5\n", "scanfailure": "accept\n"}, nil},
		{"scanning wrong", map[string]string{"scanvirus": "drop\n", "spamscore": "many\n", "outgoingip": "here\n"}, []string{
			"error: control/outgoingip: here is no address, so that no mail leaves.",
			`error: control/scanvirus: "drop" means nothing; it is refuse or mark.`, "error: control/spamscore: many is no score."}},
		{"rules", map[string]string{"smtp": "127.:allow,RELAYCLIENT=\"\"\n:allow,RELAYCLIENT=\"\"\n", "smtp.cdb": ""}, []string{
			"error: control/smtp: anybody in the world may send through this host to anywhere: there is RELAYCLIENT in the rule for all."}},
		{"many", map[string]string{"percenthack": strings.Repeat(".x\n", 25)}, append(slices.Repeat([]string{
			"error: control/percenthack: .x starts with a dot."}, 20), "error: control/percenthack: and 5 more like these.")},
		{"beyond ASCII", map[string]string{"virtualdomains": "b\xfc.example:joe\n"}, []string{
			"warning: control/rcpthosts: b?.example is one of ours and not in it: mail for it does not come by SMTP."}},
		{"extensions", map[string]string{"extensions": "smtp-tsl\n"}, []string{
			"error: control/extensions: nothing is known by the name smtp-tsl, so that programs report a temporary failure. Type: man -M HOME/man qmail-control"}},
		{"patterns", map[string]string{"badrcptto": "(\n", "dnsbllist": "+\n"}, []string{
			"error: control/badrcptto: (: missing closing ).", "error: control/dnsbllist: no list of hosts: +."}},
		{"more", map[string]string{"morercpthosts": "c.example\n"}, []string{
			"warning: control/morercpthosts: is not in force: there is no control/morercpthosts.cdb. Type: HOME/bin/qmail-newmrh"}},
		{"assign", map[string]string{"../users/assign": "=joe:joe:1:1:/home/joe:::\njoe\n.\n"}, []string{
			"warning: users/assign: is not in force: there is no users/cdb. Type: HOME/bin/qmail-newu",
			`error: users/assign: "joe" is no assignment. Type: man -M HOME/man qmail-users`}},
		{"assign ends", map[string]string{"../users/assign": "=joe:joe:1:1:/home/joe:::\n", "../users/cdb": "x"}, []string{
			"error: users/assign: lacks the line with a dot at its end, and so cannot be compiled. Type: echo . >>HOME/users/assign"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			home(t)
			for name, text := range row.files {
				if text == "-" {
					os.Remove(auto.Home + "/control/" + name)
					continue
				}
				put(t, "control/"+name, text)
				if strings.HasSuffix(name, "cdb") { // in whatever order they are made
					if later := time.Now().Add(time.Minute); os.Chtimes(auto.Home+"/control/"+name, later, later) != nil {
						t.Fatal(name)
					}
				}
			}
			code, out := findings(t, "control")
			var got []string
			for line := range strings.Lines(out) {
				got = append(got, strings.TrimSuffix(line, "\n"))
			}
			if strings.Join(got, "\n") != strings.Join(row.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(row.want, "\n"))
			}
			if want := map[bool]int{true: 2, false: min(len(row.want), 1)}[strings.Contains(out, "error: ")]; code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
		})
	}
}

// Whatever a control file holds, what is said of it is lines of printable text.
func FuzzControl(f *testing.F) {
	for _, text := range []string{"a.example\n", "a:b|c|d\n", "[::1]:x;y\r\n", "\xef\xbb\xbf.\x00", "1e9\n\n x\t", ":[127.0.0.1]:25\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		home(t)
		names := []string{"me", "locals", "virtualdomains", "rcpthosts", "smtproutes", "databytes", "qmqpservers", "badmailfrom", "extensions", "smtp", "../users/assign"}
		for _, name := range names {
			put(t, "control/"+name, text)
		}
		_, out := findings(t, "control")
		for line := range strings.Lines(out) {
			kind, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if !ok || kind != "error" && kind != "warning" && kind != "unseen" || printable(rest) != rest {
				t.Errorf("%q: %q", text, line)
			}
		}
	})
}

func TestOldDatabase(t *testing.T) {
	home(t)
	put(t, "control/smtp", "")
	put(t, "control/smtp.cdb", "")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(auto.Home+"/control/smtp.cdb", old, old); err != nil {
		t.Fatal(err)
	}
	_, out := findings(t, "control")
	if want := "error: control/smtp.cdb: is older than control/smtp, whose last changes are not in force. Type: HOME/bin/tcprules HOME/control/smtp.cdb HOME/control/smtp.tmp <HOME/control/smtp\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestModes(t *testing.T) {
	home(t)
	for name, mode := range map[string]os.FileMode{"me": 0o666, "locals": 0o600} {
		if err := os.Chmod(auto.Home+"/control/"+name, mode); err != nil {
			t.Fatal(err)
		}
	}
	_, out := findings(t, "control")
	want := "error: control/locals: not all may read it, as qmail's users must. Type: chmod 644 HOME/control/locals\n" +
		"error: control/me: others than its owner may write it. Type: chmod go-w HOME/control/me\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// A copied queue has one line for all that is alike.
func TestQueue(t *testing.T) {
	home(t)
	for _, dir := range []string{"todo", "intd", "bounce"} {
		put(t, "queue/"+dir+"/", "")
	}
	for _, dir := range []string{"mess", "info", "local", "remote"} {
		for i := range auto.Split() {
			put(t, fmt.Sprintf("queue/%s/%d/", dir, i), "")
		}
	}
	message := func(split uint64, kinds ...string) string {
		put(t, "queue/new", "")
		var st syscall.Stat_t
		if err := syscall.Stat(auto.Home+"/queue/new", &st); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint(st.Ino)
		if split == 0 {
			split = uint64(st.Ino) % auto.Split()
		}
		if err := os.Rename(auto.Home+"/queue/new", fmt.Sprintf("%s/queue/mess/%d/%s", auto.Home, split, name)); err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds {
			put(t, strings.Replace(kind, "N", fmt.Sprintf("%d/%s", split, name), 1), "")
		}
		return name
	}
	message(0, "queue/info/N", "queue/local/N", "queue/remote/N")
	if code, out := findings(t, "queue"); code != 0 || out != "" {
		t.Fatalf("%d %s", code, out)
	}
	put(t, "queue/mess/3/3", "")
	put(t, "queue/mess/4/4", "")
	put(t, "queue/mess/4/stray", "")
	put(t, "queue/mess/5/4", "")
	put(t, "queue/todo/6", "")
	put(t, "queue/remote/7/7", "")
	put(t, "queue/bounce/8", "")
	_, out := findings(t, "queue")
	for _, want := range []string{
		" has a number that is not its inode's, as after a copy (and 1 like it). Type: HOME/bin/qmail-q fix\n",
		"error: queue/mess/4/stray: is no file of a message. ",
		"error: queue/mess/5/4: is in another directory than its number says. ",
		"error: queue/todo/6: is about a message that is not there. ",
		"error: queue/remote/7/7: has recipients of a message that is not there. ",
		"error: queue/bounce/8: is about failures of a message that is not there. ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\n"); n != 6 {
		t.Errorf("%d lines:\n%s", n, out)
	}
}

func TestAlias(t *testing.T) {
	home(t)
	os.Remove(auto.Home + "/alias/.qmail-root")
	put(t, "alias/.qmail-Joe", "&joe\n")
	put(t, "alias/.qmail-crlf", "&joe\r\n")
	put(t, "alias/.qmail-blank", "\n&joe\n")
	_, out := findings(t, "alias")
	for _, want := range []string{
		"error: alias/.qmail-root: mail to root bounces: user alias has no HOME/alias/.qmail-root or the like. Type: echo '&YOU' >HOME/alias/.qmail-root\n",
		"warning: alias/.qmail-Joe: no address leads to a name with capitals or a dot in the extension. Type: mv HOME/alias/.qmail-Joe HOME/alias/.qmail-joe\n",
		`error: alias/.qmail-crlf: lines end in CR LF, which becomes part of addresses. Type: sed -i 's/\r$//' HOME/alias/.qmail-crlf` + "\n",
		"error: alias/.qmail-blank: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// certificate makes one that signs itself, with its key.
func certificate(t *testing.T, name string, from, to time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func TestCertificates(t *testing.T) {
	now := time.Now()
	good := certificate(t, "mx.a.example", now.Add(-time.Hour), now.Add(1000*time.Hour))
	other := certificate(t, "mx.a.example", now.Add(-time.Hour), now.Add(1000*time.Hour))
	at := strings.Index(good, "-----BEGIN PRIVATE")
	for name, row := range map[string]struct{ text, want string }{
		"good":          {good, ""},
		"over":          {certificate(t, "mx.a.example", now.Add(-9*time.Hour), now.Add(-time.Hour)), "error: control/servercert.pem: ended at "},
		"early":         {certificate(t, "mx.a.example", now.Add(time.Hour), now.Add(1000*time.Hour)), "error: control/servercert.pem: is good only from "},
		"soon":          {certificate(t, "mx.a.example", now.Add(-time.Hour), now.Add(80*time.Hour)), "warning: control/servercert.pem: ends in 3 days, at "},
		"another name":  {certificate(t, "x.example", now.Add(-time.Hour), now.Add(1000*time.Hour)), "warning: control/servercert.pem: is not for mx.a.example. Type: HOME/bin/mkservercert\n"},
		"another's key": {good[:at] + other[strings.Index(other, "-----BEGIN PRIVATE"):], "error: control/servercert.pem: is no certificate with its key: private key does not match public key. Type: HOME/bin/mkservercert\n"},
		"none":          {"x", "error: control/servercert.pem: is no certificate with its key: "},
		"chain":         {other[:strings.Index(other, "-----BEGIN PRIVATE")] + good[:at] + other[strings.Index(other, "-----BEGIN PRIVATE"):], "warning: control/servercert.pem: the certificate of mx.a.example is not the one that signed the one before it.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			home(t)
			put(t, "control/servercert.pem", row.text)
			if _, out := findings(t, "certificates"); !strings.HasPrefix(out, "error: control/servercert.pem: all may read the key in it. Type: chmod o= HOME/control/servercert.pem\n") {
				t.Error(out)
			}
			if err := os.Chmod(auto.Home+"/control/servercert.pem", 0o600); err != nil {
				t.Fatal(err)
			}
			if _, out := findings(t, "certificates"); !strings.HasPrefix(out, row.want) || row.want == "" && out != "" || strings.Count(out, "\n") > 1 {
				t.Errorf("got %q, want %q", out, row.want)
			}
		})
	}
	home(t)
	put(t, "control/extensions", "smtp-tls\n")
	if _, out := findings(t, "certificates"); out != "warning: control/servercert.pem: there is none, so that STARTTLS is not offered. Type: make cert\n" {
		t.Error(out)
	}
}

func TestStore(t *testing.T) {
	home(t)
	put(t, "cyrus/deliver", "")
	auto.Cyrus = auto.Home + "/cyrus"
	if err := os.Chmod(auto.Cyrus+"/deliver", 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	put(t, "imap/", "")
	put(t, "imapd.conf", "configdirectory: "+auto.Home+"/imap\npartition-default: "+auto.Home+"/spool\nallowplaintext: maybe\n")
	var out strings.Builder
	c := &checker{out: bufio.NewWriter(&out), imapdConf: auto.Home + "/imapd.conf", now: time.Now()}
	c.store()
	c.out.Flush()
	got := strings.ReplaceAll(out.String(), auto.Home, "HOME")
	for _, want := range []string{
		"error: HOME/imapd.conf: allowplaintext is neither yes nor no: maybe.\n",
		"error: HOME/spool: does not exist, though it is partition-default of HOME/imapd.conf. Type: mkdir -p HOME/spool && ",
		"warning: HOME/imap/socket/lmtp: nobody listens: file does not exist; deliver writes the store itself, and nobody can log in. Type: HOME/cyrus/master &\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Count(got, "\n") != 3 {
		t.Error(got)
	}
}

func TestDaemons(t *testing.T) {
	home(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	put(t, "queue/lock/", "")
	if err := syscall.Mkfifo(auto.Home+"/queue/lock/trigger", 0o622); err != nil {
		t.Fatal(err)
	}
	put(t, "control/spamd", listener.Addr().String()+"\n")
	put(t, "control/clamd", auto.Home+"/clamd.ctl\n")
	_, out := findings(t, "daemons")
	if want := "error: daemons: qmail-send does not run, and so nothing is delivered. Type: HOME/rc &\n" +
		"error: control/clamd: nobody listens at HOME/clamd.ctl: file does not exist. Type: service clamav-daemon start\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	send, err := os.OpenFile(auto.Home+"/queue/lock/trigger", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer send.Close()
	os.Remove(auto.Home + "/control/clamd")
	if code, out := findings(t, "daemons"); code != 0 || out != "" {
		t.Errorf("%d %q", code, out)
	}
}

func TestCalls(t *testing.T) {
	home(t)
	if code, out := findings(t, "nothing"); code != 100 || !strings.HasPrefix(out, "qmail-check: usage: ") {
		t.Error(code, out)
	}
	auto.Home += "/none"
	if code, out := findings(t); code != 111 || !strings.HasPrefix(out, "qmail-check: fatal: unable to look at ") {
		t.Error(code, out)
	}
}
