//go:build linux

package story

import (
	"os"
	"syscall"
	"testing"

	"goqmail/t/site"
)

// alarm has qmail-send try all waiting mail now.
func (m *machine) alarm() { m.t.Helper(); m.Signal(m.t, "qmail-send", syscall.SIGALRM) }

func TestTermLetsDeliveriesEnd(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.hold()
	m.write("/home/olaf/.qmail", whileHeld, "olaf")
	m.start()
	m.send("susie", "slow", "olaf@"+site.Me)
	m.awaitLog("starting delivery 1: ")
	m.Signal(t, "qmail-send", syscall.SIGTERM)
	m.AwaitCalm(t)
	// What comes now waits for the next start.
	m.send("susie", "late", "dirk@"+site.Me)
	if pids := m.Pids("qmail-send"); len(pids) != 1 {
		t.Errorf("qmail-send did not wait for the delivery: %d left", len(pids))
	}
	m.letGo()
	m.awaitLog("delivery 1: success: did_0+0+1/")
	m.awaitLog("status: local 0/20 remote 0/20 exitasap")
	m.awaitLog("status: exiting")
	m.awaitGone()
	if n := m.count("dirk", "Subject: late"); n != 0 {
		t.Error("a message was delivered after TERM")
	}
	m.start()
	m.awaitMail("dirk", "Subject: late")
	m.awaitEmpty()
}

func TestHupReadsLocalsAndVirtualdomainsAgain(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.remote(`r\0Kfar away\n\0`)
	m.start()
	m.send("susie", "one", "dirk@new.example")
	m.awaitLog("to remote dirk@new.example")
	m.control("locals", site.Me+"\nnew.example\n")
	m.control("virtualdomains", "other.example:source\n")
	// Before HUP nothing changes.
	m.send("susie", "two", "dirk@new.example")
	m.await("a second remote delivery", func() bool { return m.log.count("to remote dirk@new.example") == 2 })
	m.Signal(t, "qmail-send", syscall.SIGHUP)
	m.await("a local delivery", func() bool {
		m.send("susie", "three", "dirk@new.example")
		return m.log.has("to local dirk@new.example")
	})
	m.send("susie", "four", "susie@other.example")
	m.awaitLog("to local source-susie@other.example")
	m.awaitMail("dirk", "Subject: three")
	m.awaitMail("susie", "Subject: four")
	m.send("susie", "five", "susie@linuxfromsource.org")
	m.awaitLog("to remote susie@linuxfromsource.org")
	m.awaitEmpty()
}

func TestAHupThatCannotReadControlsKeepsTheOldOnes(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.in(func() error { return os.Rename(home+"/control/locals", home+"/control/locals.old") })
	m.in(func() error { return os.Mkdir(home+"/control/locals", 0o755) })
	m.Signal(t, "qmail-send", syscall.SIGHUP)
	m.awaitLog("alert: unable to reread control/locals")
	m.send("susie", "still", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: still")
}

func TestTheHintsStopAndRestartKeepTheMail(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.remote(`s\0ZConnected to nobody.\n\0`)
	m.start()
	m.send("susie", "waits", "somebody@far.example")
	m.awaitLog("deferral: ")
	// The hint's stop is killall -9 qmail-send; the others end by themselves.
	m.Signal(t, "qmail-send", syscall.SIGKILL)
	m.awaitGone()
	m.start()
	m.alarm()
	m.await("a second try", func() bool { return m.log.count("deferral: ") >= 2 })
	// Its restart sends HUP to qmail-lspawn, of all programs, which ends it and
	// so the system. A start must do afterwards.
	m.Signal(t, "qmail-lspawn", syscall.SIGHUP)
	m.awaitLog("alert: oh no! lost spawn connection! dying...")
	m.awaitGone()
	m.start()
	m.send("susie", "after all", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: after all")
}

func TestASecondSystemDoesNotStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	if out, err := m.try("root", "", nil, "sh", "-cf", home+"/rc"); err == nil {
		t.Errorf("the rc script succeeded: %s", out)
	}
	m.awaitLog("alert: cannot start: qmail-send is already running")
	m.send("susie", "still", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: still")
}
