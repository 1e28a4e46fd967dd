package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/settings"
)

func home(t *testing.T) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(control.Path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// paragraphs returns what is said about each file.
func paragraphs(t *testing.T) map[string]string {
	t.Helper()
	var b strings.Builder
	out := bufio.NewWriter(&b)
	if problem := explain(out); problem != "" {
		t.Fatal(problem)
	}
	out.Flush()
	said := map[string]string{}
	for _, p := range strings.Split(b.String(), "\n\n") {
		name, text, _ := strings.Cut(strings.TrimPrefix(p, "\n"), ": ")
		said[name] = strings.TrimSuffix(text, "\n")
	}
	return said
}

func check(t *testing.T, want map[string]string) {
	t.Helper()
	said := paragraphs(t)
	for name, text := range want {
		if said[name] != text {
			t.Errorf("%s: got %q, want %q", name, said[name], text)
		}
	}
}

func TestDefaults(t *testing.T) {
	home(t)
	check(t, map[string]string{
		"badmailfrom":       "(Default.) Any MAIL FROM is allowed.",
		"me":                "(Default.) My name is undefined! Uh-oh.",
		"idhost":            "(Default.) Message-ID host name is idhost.",
		"queuelifetime":     "(Default.) Message lifetime in the queue is 604800 seconds.",
		"morercpthosts":     "(Default.) No rcpthosts; morercpthosts is irrelevant.",
		"morercpthosts.cdb": "(Default.) No effect.",
	})
	if got, want := len(paragraphs(t)), len(settings.Plain)+2; got != want {
		t.Errorf("%d paragraphs, want %d", got, want)
	}
}

func TestValues(t *testing.T) {
	home(t)
	put(t, "me", "mail.example \nignored\n")
	put(t, "idhost", "\x01id\xff\n")
	put(t, "databytes", "1000x\n")
	put(t, "timeoutsmtpd", "none\n")
	put(t, "queuelifetime", "4294967295\n") // -1 in 32 bits
	put(t, "locals", "#c\na.example \nb.example\n")
	put(t, "rcpthosts", "")
	put(t, "mystery", "")
	if err := os.Mkdir(control.Path("smtproutes"), 0o755); err != nil {
		t.Fatal(err)
	}
	check(t, map[string]string{
		"me":            "My name is mail.example.",
		"idhost":        "Message-ID host name is ?id?.",
		"helohost":      "(Default.) SMTP client HELO host name is mail.example.",
		"bouncefrom":    "(Default.) Bounce user name is MAILER-DAEMON.",
		"databytes":     "SMTP DATA limit is 1000 bytes.",
		"timeoutsmtpd":  "(Default.) SMTP server data timeout is 1200 seconds.",
		"queuelifetime": "Message lifetime in the queue is 0 seconds.",
		"locals":        "\nMessages for a.example are delivered locally.\nMessages for b.example are delivered locally.",
		"rcpthosts":     "",
		"morercpthosts": "(Default.) No effect.",
		"mystery":       "I have no idea what this file does.",
		"smtproutes":    "Oops! Trouble reading this file.",
	})
}

// The file outgoingip is explained as its patch does.
func TestOutgoingIP(t *testing.T) {
	home(t)
	put(t, "outgoingip", "192.0.2.1\n")
	var b strings.Builder
	out := bufio.NewWriter(&b)
	explain(out)
	out.Flush()
	for _, want := range []string{"\n\noutgoingip: Outgoing IP address is 192.0.2.1.\n\npercenthack: ", "\noutgoingip: I have no idea what this file does.\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %q", want, b.String())
		}
	}
}

// Files of patches are known where there is a file extensions, and only there.
func TestPatches(t *testing.T) {
	home(t)
	for _, dir := range []string{"tlshosts", "servercerts", "notlshosts"} {
		if err := os.Mkdir(control.Path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, "badhelo", "^[0-9.]+$\n!good\n")
	put(t, "badrcptto", "(\n")
	put(t, "badmailfrom", "(\n")
	put(t, "authsenders", "@a.example:relay.example:587|joe|secret\n")
	put(t, "smtproutes", "b.example:relay.example|joe|secret\nc.example:x\n")
	put(t, "tlsserverciphers", "HIGH:RC4-MD5\n")
	put(t, "tlshosts/mx.example.pem", "")
	put(t, "tlshosts/exhaustivelist", "")
	put(t, "notlshosts/old.example", "")
	put(t, "tarpitcount", "5\n")
	put(t, "moreipme", "192.0.2.0/24\n192.0.2.1/x\n")
	put(t, "dnsbllist", "zone.example:no\n+\n")
	put(t, "mystery", "")
	const unknown = "I have no idea what this file does."
	check(t, map[string]string{
		"badhelo": unknown, "authsenders": unknown, "tlshosts": unknown, "tarpitcount": unknown, "mystery": unknown,
		"badmailfrom": "\n( not accepted in MAIL FROM.",
		"smtproutes":  "\nSMTP route: b.example:relay.example|joe|secret\nSMTP route: c.example:x",
	})
	put(t, "extensions", "smtp-auth\nsmtp-tls\nqregex\n")
	check(t, map[string]string{
		"authsenders":      "\nRelay by sender: @a.example:relay.example:587|joe|...",
		"smtproutes":       "\nSMTP route: b.example:relay.example|joe|...\nSMTP route: c.example:x",
		"badhelo":          "\n^[0-9.]+$ not accepted in HELO.\n!good not accepted in HELO.",
		"badmailfrom":      "\n( not accepted in MAIL FROM.\nOops! (: missing closing ).",
		"badrcptto":        "\n( not accepted in RCPT TO.\nOops! (: missing closing ).",
		"servercert.pem":   "(Default.) SMTP server does not offer STARTTLS.",
		"servercerts":      "",
		"tlsserverciphers": "\nSMTP server cipher: HIGH:RC4-MD5\nOops! No such cipher here: RC4-MD5.",
		"tlshosts":         "\nNo TLS with others.\nTLS is a must by mx.example.",
		"notlshosts":       "\nNo TLS with old.example.",
		"dnsbllist":        "\nDNS list of hosts: zone.example:no\nDNS list of hosts: +\nOops! no list of hosts: +.",
		"moreipme":         "\n192.0.2.0/24 is an address of this host.\n192.0.2.1/x is an address of this host.\nOops! No address or network: 192.0.2.1/x.",
		"tarpitcount":      "SMTP replies are delayed from recipient number 5 on; 0 is never.",
		"mystery":          unknown,
		"maxrcpt":          "",
	})
	put(t, "servercert.pem", "")
	check(t, map[string]string{"servercert.pem": "SMTP server has this certificate."})
}

func TestMore(t *testing.T) {
	home(t)
	put(t, "morercpthosts.cdb", "")
	check(t, map[string]string{"morercpthosts.cdb": "Oops! morercpthosts.cdb exists but morercpthosts doesn't."})
	put(t, "morercpthosts", "a.example\n")
	check(t, map[string]string{
		"morercpthosts":     "\nNo rcpthosts; doesn't matter that morercpthosts has a.example.",
		"morercpthosts.cdb": "Modified recently enough; hopefully up to date.",
	})
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(control.Path("morercpthosts.cdb"), old, old); err != nil {
		t.Fatal(err)
	}
	check(t, map[string]string{"morercpthosts.cdb": "Oops! morercpthosts.cdb is older than morercpthosts."})
	os.Remove(control.Path("morercpthosts.cdb"))
	check(t, map[string]string{"morercpthosts.cdb": "Oops! morercpthosts exists but morercpthosts.cdb doesn't."})
}

func TestProblems(t *testing.T) {
	home(t)
	var b strings.Builder
	out := bufio.NewWriter(&b)
	if err := os.Mkdir(control.Path("me"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := explain(out); got != "Trouble reading control/me." {
		t.Errorf("me: %q", got)
	}
	os.RemoveAll(auto.Home + "/control")
	if got := explain(out); got != "Unable to chdir to control.\n" {
		t.Errorf("no control: %q", got)
	}
	auto.Home += "/none"
	if got := explain(out); got != "Unable to chdir to "+auto.Home+".\n" {
		t.Errorf("no home: %q", got)
	}
}

func TestExtensions(t *testing.T) {
	home(t)
	put(t, "me", "x\n")
	for text, want := range map[string]string{
		"smtp-auth\nrfc2821\n": "\nAs with the patch smtp-auth.\nAs with the patch rfc2821.",
		"smtp-tsl\nsmtp-tls\n": "\nAs with the patch smtp-tls.\nOops! unknown name in control/extensions: smtp-tsl.",
	} {
		put(t, "extensions", text)
		if got := paragraphs(t)["extensions"]; strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%q: got %q", text, got)
		}
	}
}
