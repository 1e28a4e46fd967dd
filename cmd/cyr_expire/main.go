// Cyr_expire forgets what is old: deliveries that duplicates are told by, messages of
// mailboxes that say how long they keep them, and which messages were expunged.
//
//	cyr_expire [ -C config ] -E days [ -X days ] [ -D days ] [ -A days ] [ -v ]
//
// See cyr_expire(8).
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/duplicates"
	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/service"
	"goqmail/lib/storetool"
	"goqmail/lib/syslog"
)

const program = "cyr_expire"

// remembered is for how many days it is known which messages were expunged, unless -X
// says otherwise: about as long as a client may be away and still be told only that.
const remembered = 30

func main() {
	entry.Setup()
	storetool.Become(program)
	os.Exit(run(os.Args, os.Stderr))
}

func run(args []string, report io.Writer) int {
	config := imapconf.Default
	deliveries, expunged, verbose := 0, remembered, false
	opts := getopt.New(args, "C:E:X:D:A:v")
	for option, ok := opts.Next(); ok; option, ok = opts.Next() {
		days := 0
		if option != 'C' && option != 'v' {
			n, err := strconv.Atoi(opts.Arg)
			if err != nil || n < 0 || option == '?' {
				return usage(report)
			}
			days = n
		}
		switch option {
		case 'C':
			config = opts.Arg
		case 'E':
			deliveries = days
		case 'X':
			expunged = days
		case 'D', 'A': // deleted mailboxes are gone at once, and there is no archive
		case 'v':
			verbose = true
		}
	}
	if deliveries == 0 || len(opts.Rest()) > 0 {
		return usage(report)
	}
	tool, err := storetool.Open(program, config, "")
	if err != nil {
		return storetool.Report(report, program, err)
	}
	defer tool.Store.Close()
	if tool.Conf.Bool("duplicatesuppression", true) {
		if err := forget(tool, deliveries); err != nil {
			return storetool.Report(report, program, err)
		}
	}
	e := &expirer{tool: tool, expunged: expunged, report: io.Discard}
	if verbose {
		e.report = report
	}
	err = e.run()
	said := fmt.Sprintf("expunged %d out of %d messages from %d mailboxes", e.gone, e.messages, e.mailboxes)
	service.Log(tool.Conf, program).Printf(syslog.Notice, "%s", said)
	fmt.Fprintln(e.report, said)
	return storetool.Report(report, program, err)
}

func usage(report io.Writer) int {
	fmt.Fprintln(report, "cyr_expire [-C <altconfig>] -E <days> [-X <days>] [-D <days>] [-A <days>] [-v]")
	return 255
}

func ago(days int) time.Time { return time.Now().AddDate(0, 0, -days) }

// forget forgets deliveries that are some days old.
func forget(tool *storetool.Tool, days int) error {
	db, err := duplicates.Open(tool.Conf.String("configdirectory", ""))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Prune(ago(days))
	return err
}

// expirer goes over the mailboxes.
type expirer struct {
	tool     *storetool.Tool
	expunged int
	report   io.Writer

	gone, messages, mailboxes int
}

func (e *expirer) run() error {
	entries, err := e.tool.Store.Below("")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		days, err := e.days(entry.Name)
		if err != nil {
			return err
		}
		m, err := e.tool.Store.OpenMailbox(entry.Name)
		if err == mailstore.ErrNoMailbox { // deleted meanwhile
			continue
		}
		if err != nil {
			return err
		}
		err = e.mailbox(m, days)
		m.Close()
		if err != nil && err != mailstore.ErrNoMailbox { // not reconstructed yet
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return nil
}

func (e *expirer) mailbox(m *mailstore.Mailbox, days int) error {
	if days > 0 {
		fmt.Fprintf(e.report, "expiring messages in %s older than %d days\n", m.Name(), days)
		gone, messages, err := m.Expire(ago(days))
		if err != nil {
			return err
		}
		e.gone, e.messages, e.mailboxes = e.gone+gone, e.messages+messages, e.mailboxes+1
	}
	_, err := m.Prune(ago(e.expunged))
	return err
}

// days returns for how many days a mailbox keeps messages: what it is annotated with,
// or the nearest one above, or, unless it is a user's, the server. 0 is for ever.
func (e *expirer) days(name string) (int, error) {
	for {
		all, err := e.tool.Store.Annotations(name, "")
		if err != nil {
			return 0, err
		}
		for _, a := range all {
			if strings.TrimPrefix(a.Entry, "/shared") == "/vendor/cmu/cyrus-imapd/expire" {
				days, _ := strconv.Atoi(string(a.Value))
				return max(days, 0), nil
			}
		}
		if name == "" || name == "user" {
			return 0, nil
		}
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
}
