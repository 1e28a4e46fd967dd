//go:build linux

package story

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"goqmail/t/site"
)

// checksRecipients lets qmail-smtpd ask qmail-rcptd, and starts that.
func (m *machine) checksRecipients() {
	m.t.Helper()
	if !m.programs.Has("qmail-rcptd") {
		m.t.Skip("qmail-rcptd is not in this tree")
	}
	m.control("rcptchecks", "realrcptto\n")
	m.background("rcptd", home+"/boot/daemontools/qmail-rcptd/run")
	m.await("qmail-rcptd to answer", func() bool {
		_, err := m.try("qmaild", "", []string{"RECIPIENT=nosuch@" + site.Me}, "qmail-rcptcheck-realrcptto")
		return err != nil && err.Error() == "exit status 100"
	})
}

const noMailbox = "553 sorry, no mailbox here by that name. (#5.1.1)\r\n"

// What the check refuses and what would bounce must be the same, whoever owns an
// address and however odd it is.
func TestTheRecipientCheckAgreesWithDelivery(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.in(layRecipients)
	m.run("qmail-newu")
	m.checksRecipients()
	m.start()
	m.listen()

	const refused, accepted, doubtful = "failure", "success", "deferral"
	rows := []struct{ recipient, want string }{
		{"john@" + site.Me, accepted},
		{"JOHN@" + site.Me, accepted},
		{"nosuch@" + site.Me, refused},
		{"johnny@" + site.Me, refused},
		{"john-ext@" + site.Me, accepted},
		{"John-EXT@intern.net", accepted},
		{"john-ext-more@" + site.Me, refused},
		{"john-list-more@" + site.Me, accepted}, // by .qmail-list-default
		{"john-@" + site.Me, refused},
		{"john+ext@" + site.Me, refused},
		{"john-a.b@" + site.Me, accepted}, // by .qmail-a:b
		{"john-dir@" + site.Me, refused},  // a directory
		{"john-../../../etc/passwd@" + site.Me, refused},
		{"john-a/b@" + site.Me, refused},
		{"john-\xff\xfe@" + site.Me, refused},
		{"john-" + strings.Repeat("x", 850) + "@" + site.Me, refused}, // no file has such a name
		{"susie-anything@" + site.Me, accepted},
		{"susie-../x@" + site.Me, accepted},
		{"root@" + site.Me, accepted}, // an alias
		{"root-x@" + site.Me, refused},

		{"dirk@" + site.Me, accepted},
		{"dirk-locked@" + site.Me, doubtful},   // not readable to its owner
		{"dirk-writable@" + site.Me, doubtful}, // to all
		{"jennifer-secret@" + site.Me, accepted},
		{"jennifer-none@" + site.Me, refused}, // in a home that only she may enter
		{"pamela-none@" + site.Me, doubtful},  // a sticky home
		{"olaf-none@" + site.Me, doubtful},    // a writable one

		{"john@linuxfromsource.org", accepted},
		{"nobody@linuxfromsource.org", accepted}, // by .qmail-default
		{"olaf@linuxfrombinary.org", accepted},
		{"zuzie@linuxfrombinary.org", refused},
		{"x@sub.virtual.example", accepted}, // by alias/.qmail-v-x
		{"y@sub.virtual.example", refused},
		{"one@virtual.example", accepted}, // this address alone
		{"ann%linuxfrombinary.org@hack.example", refused},
		{"john%" + site.Me + "@hack.example", accepted},

		{"boss@" + site.Me, accepted},
		{"bossy@" + site.Me, refused},
		{"team-red@" + site.Me, accepted},
		{"team-blue@" + site.Me, refused},
		{"whole@" + site.Me, accepted},
		{"asroot@" + site.Me, doubtful},
	}
	var recipients []string
	c := m.smtp()
	c.say("HELO x", "250")
	for _, row := range rows {
		c.say("MAIL FROM:<>", "250")
		want := "250 ok\r\n"
		if row.want == refused {
			want = noMailbox
		}
		if got := c.say("RCPT TO:<"+row.recipient+">", ""); got != want {
			t.Errorf("%.60q: RCPT: %q, want %q", row.recipient, got, want)
		}
		recipients = append(recipients, row.recipient)
	}
	// Elsewhere is not our business, and neither is the exception.
	for _, recipient := range []string{"x@not.virtual.example", "x@elsewhere.example"} {
		if got := c.say("RCPT TO:<"+recipient+">", ""); got != "250 ok\r\n" {
			t.Errorf("%s: %q", recipient, got)
		}
	}
	c.say("QUIT", "221")

	m.enqueue("for all", "john@"+site.Me, recipients...)
	m.await("all to be tried", func() bool { return len(m.outcomes()) >= len(rows) })
	outcomes := m.outcomes()
	for i, row := range rows {
		if got := outcomes[i]; !strings.HasPrefix(got, row.want+":") {
			t.Errorf("%.60q: delivery: %q, want %s", row.recipient, got, row.want)
		} else if row.want == refused && got != "failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/" {
			t.Errorf("%.60q: %q", row.recipient, got)
		}
	}
}

// layRecipients gives the site's users what the rows speak of. What is said of
// unlisted domains is in rcpthosts, too, or qmail-smtpd would not take it.
func layRecipients() error {
	for name, text := range map[string]string{
		"control/percenthack":    "hack.example\n",
		"control/rcpthosts":      site.Me + "\nintern.net\nlinuxfromsource.org\nlinuxfrombinary.org\n.virtual.example\nvirtual.example\nhack.example\nelsewhere.example\n",
		"control/virtualdomains": "linuxfromsource.org:source\nlinuxfrombinary.org:binary\n.virtual.example:alias-v\nnot.virtual.example:\none@virtual.example:john-list\n",
		"alias/.qmail-v-x":       "#\n",
		"alias/.qmail-root":      "#\n",
	} {
		if err := os.WriteFile(home+"/"+name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	account := func(name string) string {
		return fmt.Sprintf("%s:%d:%d:/home/%[1]s", name, users.Uid(name), users.PrimaryGid(name))
	}
	assign := "=boss:" + account("john") + ":-:ext:\n" +
		"+team-:" + account("susie") + ":/:team-:\n" +
		"=whole:" + account("susie") + ":::\n" +
		"=asroot:root:0:0:/root:::\n.\n"
	if err := os.WriteFile(home+"/users/assign", []byte(assign), 0o644); err != nil {
		return err
	}
	if err := os.Remove("/home/binary/.qmail-default"); err != nil {
		return err
	}
	for _, f := range []struct {
		path, owner string
		mode        os.FileMode
	}{
		{"john/.qmail-ext", "john", 0o600},
		{"john/.qmail-list-default", "john", 0o600},
		{"john/.qmail-a:b", "john", 0o644},
		{"john/.qmail-dir/", "john", 0o755},
		{"susie/.qmail-default", "susie", 0o644},
		{"susie/.qmail/", "susie", 0o755},
		{"susie/.qmail/team-red", "susie", 0o644},
		{"dirk/.qmail-locked", "root", 0o600},
		{"dirk/.qmail-writable", "dirk", 0o666},
		{"jennifer/.qmail-secret", "jennifer", 0o600},
		{"jennifer/", "jennifer", 0o700},
		{"pamela/", "pamela", 0o755 | os.ModeSticky},
		{"olaf/", "olaf", 0o777},
	} {
		path, isDir := strings.CutSuffix("/home/"+f.path, "/")
		var err error
		if isDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte("#\n"), 0o644)
		}
		if err == nil {
			err = os.Chown(path, users.Uid(f.owner), users.PrimaryGid(f.owner))
		}
		if err == nil {
			err = os.Chmod(path, f.mode)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outcomes is how deliveries went, in the order in which they started.
func (m *machine) outcomes() (outcomes []string) {
	var order []string
	ended := map[string]string{}
	for _, line := range m.log.lines() {
		if rest, ok := strings.CutPrefix(line, "starting delivery "); ok {
			number, _, _ := strings.Cut(rest, ":")
			order = append(order, number)
		} else if rest, ok := strings.CutPrefix(line, "delivery "); ok {
			number, outcome, _ := strings.Cut(strings.TrimSpace(rest), ": ")
			ended[number] = outcome
		}
	}
	for _, number := range order {
		if ended[number] == "" {
			break
		}
		outcomes = append(outcomes, ended[number])
	}
	return outcomes
}

// Only qmaild may ask, and nobody but qmail-rcptd is root for it. When that is
// gone, mail is accepted as without it, and the log says so.
func TestTheRecipientCheckIsMissing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.checksRecipients()
	m.listen()
	unknown := "nosuch@" + site.Me
	rcpt := func() string {
		c := m.smtp()
		c.say("HELO x", "250")
		c.say("MAIL FROM:<>", "250")
		return c.say("RCPT TO:<"+unknown+">", "")
	}
	if got := rcpt(); got != noMailbox {
		t.Errorf("got %q", got)
	}
	out, err := m.try("susie", "", []string{"RECIPIENT=" + unknown}, "qmail-rcptcheck-realrcptto")
	if err != nil || !strings.Contains(out, "unable to check recipient: access denied") {
		t.Errorf("susie may ask: %q, %v", out, err)
	}
	m.Signal(t, "qmail-rcptd", syscall.SIGTERM)
	m.await("qmail-rcptd to end", func() bool { return len(m.Pids("qmail-rcptd")) == 0 })
	if got := rcpt(); got != "250 ok\r\n" {
		t.Errorf("without qmail-rcptd: %q", got)
	}
	if said, _ := m.read("/var/log/smtpd"); !strings.Contains(said, "qmail-rcptcheck: warning: unable to check recipient: connection refused") {
		t.Errorf("the log says %q", said)
	}
	m.background("rcptd2", home+"/bin/qmail-rcptd")
	m.await("it to be back", func() bool { return rcpt() == noMailbox })
}

// What a list or a program says of a recipient reaches the client.
func TestListsOfRecipientsReplyInTheirWords(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if !m.programs.Has("qmail-rcptcheck") {
		t.Skip("qmail-rcptcheck is not in this tree")
	}
	m.listen() // files count from the next connection on
	m.control("validrcptto", "-gone@"+site.Me+"\n")
	m.control("morevalidrcptto", "-MORE@"+site.Me+"\n")
	m.run("qmail-newmvrt")
	m.write(home+"/users/recipients", "john@"+site.Me+"\nmoved@"+site.Me+"\nlate@"+site.Me+"\n", "root")
	m.run("qmail-recipients")
	m.control("recipients", "@"+site.Me+":users/recipients.cdb\n!*\n")
	m.control("rcptchecks", "/tmp/moved\n")
	m.write("/tmp/moved", "#!/bin/sh\ncase $RECIPIENT in\nmoved@*) echo '551 try elsewhere' >&4; exit 100;;\nlate@*) exit 111;;\nesac\n", "root")
	m.in(func() error { return os.Chmod("/tmp/moved", 0o755) })
	c := m.smtp()
	c.say("HELO x", "250")
	c.say("MAIL FROM:<>", "250")
	for _, row := range []struct{ user, want string }{
		{"john", "250 ok\r\n"},
		{"gone", "553 sorry, this recipient is not in my validrcptto list (#5.7.1)\r\n"},
		{"more", "553 sorry, this recipient is not in my validrcptto list (#5.7.1)\r\n"},
		{"dirk", "550 sorry, no mailbox by that name (#5.7.1)\r\n"},
		{"moved", "551 try elsewhere\r\n"},
		{"late", "421 unable to verify recipient (#4.3.0)\r\n"},
	} {
		if got := c.say("RCPT TO:<"+row.user+"@"+site.Me+">", ""); got != row.want {
			t.Errorf("%s: %q, want %q", row.user, got, row.want)
		}
	}
}
