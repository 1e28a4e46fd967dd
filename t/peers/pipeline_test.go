//go:build linux

package peers

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"goqmail/t/site"
)

func TestSafecatStoresInAMaildir(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "safecat safecat")
	m.write("/home/susie/.qmail", "|preline -f safecat \"$HOME\"/Maildir/tmp \"$HOME\"/Maildir/new >>\"$HOME\"/names\n", "susie")
	m.start()
	m.send("olaf", "safe", "susie@"+site.Me)
	got := m.awaitMail("susie", "Subject: safe")
	want := "Return-Path: <olaf@" + site.Me + ">\nDelivered-To: susie@" + site.Me + "\nReceived: (qmail "
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nSubject: safe\n\nbody\n") {
		t.Errorf("got %q, want it to begin %q", got, want)
	}
	m.awaitLog("qmail", "delivery 1: success: did_0+0+1/")
	m.awaitEmpty()
}

// codes is what the exit code of a program in .qmail does to a message, when
// the program says a text and the next line delivers to a Maildir.
var codes = []struct {
	code int
	log  string // of delivery 1
	kept bool   // by the next line
}{
	{0, "success: a_text/did_1+0+1/", true},
	{99, "success: a_text/did_0+0+1/", false},
	{100, "failure: a_text/", false},
	{111, "deferral: a_text/", false},
}

// What a filter of either kind sees of the message to susie-list-x, and of its
// environment.
var seen = regexp.MustCompile(`^Return-Path: <olaf@` + site.Me + `>\nDelivered-To: susie-list-x@` + site.Me +
	`\nReceived: \(qmail (?s:.*)\nSubject: filtered\n(?:X-Filter: yes\n)?\nbody\n\n?` +
	`olaf@` + site.Me + `\n` + `olaf@` + site.Me + `\n` + `list-x\nx\nx\nsusie-list-x\n` + site.Me + `\n\n?` +
	`Return-Path: <olaf@` + site.Me + `>\n\n?` + `Delivered-To: susie-list-x@` + site.Me + `\n\n?` +
	`From olaf@` + site.Me + ` \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n\n?$`)

const printenv = "printenv SENDER NEWSENDER EXT EXT2 DEFAULT LOCAL HOST RPLINE DTLINE UFLINE"

// filtered has a message filtered by a line in .qmail, which ends with a code
// after it has forwarded the message to dirk and written what it has seen to a file.
func filtered(m *machine, log string, kept bool) {
	m.t.Helper()
	m.start()
	m.send("olaf", "filtered", "susie-list-x@"+site.Me)
	m.awaitLog("qmail", "delivery 1: "+log)
	if got := m.read("/home/susie/seen"); !seen.MatchString(got) {
		m.t.Errorf("it has seen %q, want %v", got, seen)
	}
	if got := m.mail("/home/susie/Maildir"); (len(got) == 1) != kept {
		m.t.Errorf("the next line delivered %q", got)
	}
	wants(m.t, "the forwarded message", m.awaitMail("dirk", "Subject: filtered"), "Return-Path: <olaf@"+site.Me+">\n", "\nDelivered-To: susie-list-x@"+site.Me+"\n", "\nX-Filter: yes\n")
}

func TestMaildropFiltersAndItsExitCodeCounts(t *testing.T) {
	t.Parallel()
	for _, row := range codes {
		t.Run(fmt.Sprint(row.code), func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "maildrop maildrop")
			m.write("/home/susie/.qmail-list-default", "|preline -f maildrop mailfilter\n./Maildir/\n", "susie")
			imports := "import " + strings.Join(strings.Fields(printenv)[1:], "\nimport ") + "\n"
			m.write("/home/susie/mailfilter", imports+`xfilter "reformail -A'X-Filter: yes'"
cc "|(cat; `+printenv+`) >seen"
if (/^Subject:.*filtered/)
{
	echo "a text"
	cc "|/var/qmail/bin/forward dirk 2>/dev/null"
	EXITCODE=`+fmt.Sprint(row.code)+`
	exit
}
`, "susie")
			m.in(func() error { return os.Chmod("/home/susie/mailfilter", 0o600) })
			filtered(m, row.log, row.kept)
		})
	}
}

func TestProcmailFiltersAndItsExitCodeCounts(t *testing.T) {
	t.Parallel()
	for _, row := range codes {
		t.Run(fmt.Sprint(row.code), func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "procmail procmail")
			m.write("/home/susie/.qmail-list-default", "|preline -f procmail -p -m /home/susie/rc\n./Maildir/\n", "susie")
			m.write("/home/susie/rc", `SHELL=/bin/sh
:0fhw
| sed -e 's/^$/X-Filter: yes\n/'
:0
* ^Subject: filtered
* SENDER ?? ^^olaf@
* EXT ?? ^^list-x^^
{
	:0cw
	| (cat; `+printenv+`) >/home/susie/seen
	:0c
	| /var/qmail/bin/forward dirk 2>/dev/null
	EXITCODE=`+fmt.Sprint(row.code)+`
	:0w
	| cat >/dev/null; echo a text >&2
}
`, "susie")
			filtered(m, row.log, row.kept)
		})
	}
}
