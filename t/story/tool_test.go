//go:build linux

package story

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"goqmail/t/site"
)

// newDeferring is a machine where mail to olaf-ANYTHING is deferred as long as
// there is a file /tmp/later.
func newDeferring(t *testing.T) *machine {
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference has no qmail-q")
	}
	m.write("/tmp/later", "", "root")
	m.write("/home/olaf/.qmail-default", "|test ! -e /tmp/later || exit 111\n./Maildir/\n", "olaf")
	return m
}

func (m *machine) noLater() { m.in(func() error { return os.Remove("/tmp/later") }) }

// waiting is how many messages the queue tool lists in a state.
func (m *machine) waiting(state string) int {
	return strings.Count(m.run("qmail-q", "list"), "\t"+state+"\t")
}

func TestTheQueueToolWorksWhileMailWaits(t *testing.T) {
	t.Parallel()
	m := newDeferring(t)
	m.start()
	for _, what := range []string{"keep", "stay", "gone", "back"} {
		m.send("susie", what, "olaf-"+what+"@"+site.Me)
	}
	m.send("susie", "both", "olaf-gone@"+site.Me, "olaf-keep@"+site.Me)
	m.await("six deferrals", func() bool { return m.log.count("deferral: ") == 6 })
	if n := m.waiting("waiting"); n != 5 {
		t.Errorf("%d messages wait, want 5", n)
	}

	for _, c := range []struct {
		want string
		args []string
	}{
		{"\theld\t1\n", []string{"hold", "-r", "olaf-stay@*"}},
		{"\tdeleted\t1\n", []string{"delete", "-r", "olaf-gone@*"}},
		{"\tbounced\t1\n", []string{"bounce", "-m", "He has moved.", "-r", "olaf-back@*"}},
	} {
		out := m.run(append([]string{"qmail-q"}, c.args...)...)
		if !strings.Contains(out, c.want) || strings.Contains(out, "note") || strings.Contains(out, "warning") {
			t.Errorf("%s: got %q, want %q", c.args[0], out, c.want)
		}
	}
	bounce := m.awaitMail("susie", "failure notice")
	if want := "\n\n<olaf-back@" + site.Me + ">:\nHe has moved.\n\n--- Below"; !strings.Contains(bounce, want) {
		t.Errorf("no %q in the bounce %q", want, bounce)
	}
	m.await("three messages to be left", func() bool { return strings.Count(m.run("qmail-q", "list"), "\n") == 3 })

	m.noLater()
	m.run("qmail-q", "retry", "-f", "susie@*")
	m.awaitMail("olaf", "Subject: keep")
	m.awaitMail("olaf", "Subject: both")
	m.await("one message to be left", func() bool { return strings.Count(m.run("qmail-q", "list"), "\n") == 1 })
	m.run("qmail-q", "retry", "-a")
	if n := m.waiting("held"); n != 1 {
		t.Errorf("%d messages are held, want 1", n)
	}
	if out := m.run("qmail-qread"); !strings.Contains(out, "  held\tlocal\tolaf-stay@"+site.Me) {
		t.Errorf("qmail-qread says %q", out)
	}
	m.stop() // and a hold outlives qmail-send
	m.start()
	m.run("qmail-q", "retry", "-a")
	if m.count("olaf", "Subject: stay") != 0 {
		t.Errorf("what was held was delivered")
	}
	m.run("qmail-q", "release", "-a")
	m.awaitMail("olaf", "Subject: stay")
	m.awaitEmpty()
	for subject, want := range map[string]int{"keep": 1, "both": 1, "stay": 1, "gone": 0, "back": 0} {
		if n := m.count("olaf", "Subject: "+subject+"\n"); n != want {
			t.Errorf("%s was delivered %d times, want %d", subject, n, want)
		}
	}
}

func TestTheQueueToolWorksWhileMailMoves(t *testing.T) {
	t.Parallel()
	m := newDeferring(t)
	m.start()
	const messages = 60
	for i := range messages {
		if i%2 == 0 {
			m.enqueue("spam", "spammer@elsewhere.example", fmt.Sprintf("olaf-%d@%s", i, site.Me), "dirk@"+site.Me)
		}
		m.enqueue(fmt.Sprintf("mail %d", i), "susie@"+site.Me, "dirk@"+site.Me, fmt.Sprintf("olaf-%d@%s", i, site.Me))
		m.log.lines() // if nobody reads the log, all wait
		if i%5 == 0 { // in the midst of deliveries
			m.try("root", "", nil, "qmail-q", "hold", "-f", "susie@*") // a message that is new is left out
			m.try("root", "", nil, "qmail-q", "release", "-a")
		}
	}
	m.await("all mail to dirk", func() bool { return m.log.has("") && m.count("dirk", "Subject: ") == messages*3/2 })
	m.run("qmail-q", "delete", "-f", "spammer@*")
	m.await("the spam to be gone", func() bool { return !strings.Contains(m.run("qmail-q", "list"), "spammer@") })
	m.noLater()
	m.run("qmail-q", "retry", "-a")
	m.await("all mail to be out", func() bool { return m.log.has("") && len(m.queued()) == 0 })
	for i := range messages {
		for _, user := range []string{"dirk", "olaf"} {
			if n := m.count(user, fmt.Sprintf("Subject: mail %d\n", i)); n != 1 {
				t.Errorf("%s has message %d %d times", user, i, n)
			}
		}
	}
	if n := m.count("olaf", "Subject: spam"); n != 0 {
		t.Errorf("%d messages were delivered after they were deleted", n)
	}
	if n := m.count("susie", ""); n != 0 {
		t.Errorf("%d messages bounced", n)
	}
}

func TestADeliveryUnderWayIsTold(t *testing.T) {
	t.Parallel()
	m := newDeferring(t)
	m.hold()
	m.write("/home/olaf/.qmail-slow", whileHeld+"./Maildir/\n", "olaf")
	m.start()
	m.send("susie", "slow", "olaf-slow@"+site.Me)
	m.awaitLog("starting delivery 1: ")
	// The delivery may not have opened the message yet.
	m.await("qmail-q to tell of the delivery", func() bool {
		return strings.Contains(m.run("qmail-q", "delete", "-a"), "a delivery is under way, and may yet succeed")
	})
	m.letGo()
	m.awaitMail("olaf", "Subject: slow")
	m.awaitEmpty()
}

func TestMailIsDeletedWithoutQmailSend(t *testing.T) {
	t.Parallel()
	m := newDeferring(t)
	m.start()
	m.send("susie", "old", "olaf-x@"+site.Me)
	m.awaitLog("deferral: ")
	m.stop()
	m.send("susie", "new", "olaf-x@"+site.Me)
	if out := m.run("qmail-q", "delete", "-a"); strings.Count(out, "\tdeleted\t1\n") != 2 {
		t.Errorf("qmail-q says %q", out)
	}
	if left := m.queued(); len(left) != 0 {
		t.Errorf("the queue has %v", left)
	}
}

func TestOnlyRootAndQmailSendMayUseTheQueueTool(t *testing.T) {
	t.Parallel()
	m := newDeferring(t)
	m.start()
	for user, may := range map[string]bool{"root": true, "qmails": true, "qmailr": false, "susie": false} {
		if out, err := m.try(user, "", nil, "qmail-q", "list"); (err == nil) != may {
			t.Errorf("%s: %v %s", user, err, out)
		}
	}
	m.send("susie", "x", "olaf-x@"+site.Me)
	m.awaitLog("deferral: ")
	if out, err := m.try("qmails", "", nil, "qmail-q", "bounce", "-a"); err != nil {
		t.Errorf("qmails: %v %s", err, out)
	}
	m.awaitMail("susie", "failure notice")
	m.awaitEmpty()
}

func TestACopiedQueueIsRepaired(t *testing.T) {
	t.Parallel()
	m := newDeferring(t)
	m.start()
	for i := range 10 {
		m.send("susie", fmt.Sprintf("old %d", i), fmt.Sprintf("olaf-%d@%s", i, site.Me), "dirk@"+site.Me)
	}
	m.await("all mail to be tried", func() bool { return m.log.count("deferral: ") == 10 && m.count("dirk", "old ") == 10 })
	if out, err := m.try("root", "", nil, "qmail-q", "fix", "-y"); err == nil || !strings.Contains(out, "qmail-send is running") {
		t.Errorf("beside qmail-send: %v %s", err, out)
	}
	m.run("qmail-q", "hold", "-r", "olaf-9@*")
	m.stop()
	for i := range 5 {
		m.send("susie", fmt.Sprintf("new %d", i), fmt.Sprintf("olaf-%d@%s", i, site.Me), "dirk@"+site.Me)
	}
	if out, err := m.try("root", "", nil, "qmail-q", "fix"); err != nil || out != "the queue is in order\n" {
		t.Errorf("before: %v %s", err, out)
	}
	// The copy has other inodes, and all of it is root's; and something stands in
	// the way.
	m.in(func() error {
		out, err := exec.Command("sh", "-ec", "cp -r "+queue+" /tmp/copy; cd "+queue+"; find . -mindepth 1 -delete; cp -r /tmp/copy/. .; "+
			"rm lock/trigger; rmdir pid; echo x >mess/core").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	dry, err := m.try("root", "", nil, "qmail-q", "fix")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 100 || !strings.Contains(dry, "qmail-q fix -y") {
		t.Errorf("dry run: %v %s", err, dry)
	}
	m.run("qmail-q", "fix", "-y")
	if out := m.run("qmail-q", "fix"); out != "the queue is in order\n" {
		t.Errorf("after: %s", out)
	}

	m.noLater()
	m.start()
	m.await("what is not held", func() bool { return m.count("dirk", "new ") == 5 && m.count("olaf", "Subject: ") == 14 })
	m.run("qmail-q", "release", "-a")
	m.awaitMail("olaf", "Subject: old 9\n")
	m.await("all but what is no mail to be gone", func() bool { return slices.Equal(m.queued(), []string{"stray/mess.core"}) })
	for i := range 10 {
		for _, user := range []string{"dirk", "olaf"} {
			if n := m.count(user, fmt.Sprintf("Subject: old %d\n", i)); n != 1 {
				t.Errorf("%s has old message %d %d times", user, i, n)
			}
			if n := m.count(user, fmt.Sprintf("Subject: new %d\n", i)); i < 5 && n != 1 {
				t.Errorf("%s has new message %d %d times", user, i, n)
			}
		}
	}
}
