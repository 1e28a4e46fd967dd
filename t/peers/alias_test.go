//go:build linux

package peers

import (
	"testing"

	"goqmail/t/site"
)

// Set up as its documentation says.
func TestFastforwardRunsAliases(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "fastforward fastforward")
	m.write("/etc/aliases", `# comment
team: susie, "dirk",
  olaf@`+site.Me+`
owner-team: john
script: "|(cat; printenv SENDER EXT DEFAULT LOCAL HOST DTLINE) >/home/script"
refuse: "|echo not here; exit 100"
members: :include:/etc/members
`, "root")
	m.write("/etc/members", "pamela, jennifer\n", "root")
	m.write("/home/script", "", "alias")
	m.write(home+"/alias/.qmail-default", "| fastforward -d /etc/aliases.cdb\n", "alias")
	m.run("root", "", "qmail-newaliases")
	m.run("root", "", "newinclude", "/etc/members")
	wants(t, "printforward", m.run("alias", "", "sh", "-c", "printforward </etc/aliases.cdb"), "team@: ?owner-team@"+site.Me+";\n")
	m.start()

	m.send("olaf", "for team", "Team@"+site.Me)
	for _, user := range []string{"susie", "dirk", "olaf"} {
		wants(t, user, m.awaitMail(user, "Subject: for team"),
			"Return-Path: <owner-team@"+site.Me+">\nDelivered-To: "+user+"@"+site.Me+"\nReceived: (qmail ",
			" invoked by alias); ",
			" -0000\nDelivered-To: Team@"+site.Me+"\nReceived: (qmail ")
	}
	m.awaitLog("qmail", "success: fastforward:_qp_")

	m.send("olaf", "for members", "members@"+site.Me)
	m.awaitMail("pamela", "Subject: for members")
	m.awaitMail("jennifer", "Subject: for members")

	m.send("olaf", "for script", "script@"+site.Me)
	got := m.awaitFile("/home/script", "Delivered-To: script@"+site.Me+"\n\n")
	wants(t, "the script's message", got, "Delivered-To: script@"+site.Me+"\nReceived: ", "Subject: for script\n\nbody\n"+
		"olaf@"+site.Me+"\nscript\nscript\nscript\n"+site.Me+"\n")

	m.send("olaf", "for nobody", "nobody-home@"+site.Me, "refuse@"+site.Me)
	m.awaitLog("qmail", "failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/")
	m.awaitLog("qmail", "failure: not_here/")
	wants(t, "bounce", m.awaitMail("olaf", "Sorry, no mailbox here"), "\n<nobody-home@"+site.Me+">:\nSorry, no mailbox here by that name. (#5.1.1)\n")
	m.awaitEmpty()
}

func TestDotForwardReadsForwardFiles(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "dot-forward dot-forward")
	for _, user := range []string{"susie", "dirk", "john", "olaf"} {
		m.write("/home/"+user+"/.qmail", "|dot-forward .forward\n./Maildir/\n", user)
	}
	m.write("/home/susie/.forward", "pamela\n", "susie")
	m.write("/home/dirk/.forward", "\\dirk, \"|cat >$HOME/copy; printenv SENDER LOCAL HOST >>$HOME/copy\"\n", "dirk")
	m.write("/home/john/.forward", "", "john")
	m.start()
	// Forwarding is by exit code 99: nothing stays in susie's Maildir.
	m.send("jennifer", "forwarded", "susie@"+site.Me)
	wants(t, "the copy", m.awaitMail("pamela", "Subject: forwarded"), "Return-Path: <jennifer@"+site.Me+">\nDelivered-To: pamela@"+site.Me+"\n",
		"\nDelivered-To: susie@"+site.Me+"\n")
	m.awaitLog("qmail", "success: dot-forward:_info:_qp_")
	if got := m.mail("/home/susie/Maildir"); len(got) > 0 {
		t.Errorf("susie has %q", got)
	}
	// A backslash before the own name is delivery here.
	m.send("jennifer", "kept", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: kept")
	wants(t, "the program's input", m.awaitFile("/home/dirk/copy", "\n"+site.Me+"\n"), "Subject: kept\n\nbody\njennifer@"+site.Me+"\ndirk\n"+site.Me+"\n")
	// An empty file and none mean the same.
	m.send("jennifer", "no forward", "john@"+site.Me, "olaf@"+site.Me)
	m.awaitMail("john", "Subject: no forward")
	m.awaitMail("olaf", "Subject: no forward")
	m.awaitEmpty()
}

// A database of setforward tells which recipients exist, as with s/qmail.
func TestFastforwardsDatabaseListsRecipients(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "fastforward fastforward")
	m.write("/tmp/forwards", "Team@"+site.Me+": susie@"+site.Me+";\nlist-@"+site.Me+": dirk@"+site.Me+";\n", "root")
	m.run("root", "", "sh", "-c", "setforward "+home+"/control/forwards.cdb "+home+"/control/forwards.tmp </tmp/forwards")
	m.write(home+"/control/recipients", site.Me+":control/forwards.cdb\n!*\n", "root")
	for recipient, want := range map[string]string{
		"team@" + site.Me: "0", "TEAM@" + site.Me: "0", "list-x@" + site.Me: "0", "team-x@" + site.Me: "100", "susie@" + site.Me: "100", "a@b.example": "0",
	} {
		wants(t, recipient, m.run("qmaild", "", "sh", "-c", "RECIPIENT="+recipient+" qmail-rcptcheck; echo exit $?;"), "exit "+want+"\n")
	}
}
