//go:build linux

package story

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/t/lab"
)

// noConnection is what the log says when no host can be reached.
const noConnection = "deferral: Sorry,_I_wasn't_able_to_establish_an_SMTP_connection._(#4.4.1)/"

func TestAHostThatComesBackGetsItsMail(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	a.enqueue("patience", a.at("susie"), b.at("dirk"))
	a.awaitLog(noConnection)
	// Nobody at the port is an answer, and no reason to shun the host.
	if got := a.run("qmail-tcpto"); got != "" {
		t.Errorf("qmail-tcpto says %q", got)
	}
	b.up()
	a.alarm()
	b.awaitMail("dirk", "Subject: patience")
	a.awaitEmpty()
}

// lose has all that the host sends to an address vanish, or no longer.
func (h *host) lose(addr, device string) {
	h.t.Helper()
	h.in(func() error { return lab.Route(netip.MustParseAddr(addr), device) })
}

// notes is a file of notes on hosts that timed out: for each a record, in which
// the time of the last timeout has a place.
type notes struct {
	file         string
	record, time int // in bytes
}

// age makes the notes of a host older.
func (n notes) age(h *host, by time.Duration) {
	h.t.Helper()
	h.in(func() error {
		path := queue + "/lock/" + n.file
		table, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := n.time; i < len(table); i += n.record {
			if last := binary.LittleEndian.Uint32(table[i:]); last != 0 {
				binary.LittleEndian.PutUint32(table[i:], last-uint32(by/time.Second))
			}
		}
		return os.WriteFile(path, table, 0o644)
	})
}

func TestAHostThatTimesOutIsShunnedForAnHour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, to string
		notes          notes
	}{
		{"IPv4", addrA, addrB, notes{"tcpto", 16, 8}},
		{"IPv6", addr6A, addr6B, notes{"tcpto6", 28, 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHosts(t, "", c.from, c.to)
			a, b := h[0], h[1]
			a.control("timeoutconnect", "1\n")
			b.lose(c.from, "")
			b.up()
			a.start()
			tries := 0
			try := func(noted string) {
				t.Helper()
				if tries > 0 {
					a.alarm()
				}
				tries++
				a.await("another deferral", func() bool { return a.log.count(noConnection) == tries })
				if got := a.run("qmail-tcpto"); !strings.HasPrefix(got, c.to+" timed out ") || !strings.HasSuffix(got, "recent timeouts: "+noted+"\n") {
					t.Errorf("try %d: qmail-tcpto says %q, want %s timeouts", tries, got, noted)
				}
			}
			a.enqueue("anybody there?", a.at("susie"), b.at("dirk"))
			try("1")
			c.notes.age(a, 3*time.Minute) // what follows within two minutes does not count
			try("2")
			// Now it is not even tried, though it is back.
			b.lose(c.from, "eth0")
			try("2")
			if log, _ := b.read("/var/log/smtpd"); strings.Contains(log, c.from) {
				t.Errorf("there was a connection: %s", log)
			}
			c.notes.age(a, 2*time.Hour)
			a.control("timeoutconnect", "60\n")
			a.alarm()
			b.awaitMail("dirk", "Subject: anybody there?")
			a.awaitEmpty()
			if got := a.run("qmail-tcpto"); got != "" {
				t.Errorf("after it has answered, qmail-tcpto says %q", got)
			}
		})
	}
}

func TestTermWaitsForARemoteDelivery(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	p := b.peer(addrB, nil)
	sent, answer := make(chan bool), make(chan bool)
	p.atEnd(func() { sent <- true; <-answer })
	a.enqueue("once", a.at("susie"), b.at("dirk"))
	a.await("the message to be sent", came(sent))
	a.Signal(t, "qmail-send", syscall.SIGTERM)
	a.AwaitCalm(t)
	a.enqueue("later", a.at("susie"), b.at("dirk"))
	p.atEnd(nil)
	close(answer)
	a.awaitLog("delivery 1: success: 192.0.2.2_accepted_message./")
	a.awaitLog("status: local 0/20 remote 0/20 exitasap")
	a.awaitLog("status: exiting")
	a.awaitGone()
	a.start()
	a.await("the later message", func() bool { return len(p.messages()) >= 2 })
	a.awaitEmpty()
	if got := p.messages(); len(got) != 2 || !strings.Contains(got[0], "Subject: once") || !strings.Contains(got[1], "Subject: later") {
		t.Errorf("the other host took %q", got)
	}
}

// crash ends all that runs on the host, at once.
func (h *host) crash() {
	h.t.Helper()
	h.await("everything to be gone", func() bool {
		left := h.Processes()
		for _, process := range left {
			syscall.Kill(process.Pid, syscall.SIGKILL)
		}
		return len(left) == 0
	})
}

// A host that goes down before it hears that its message was taken sends it
// again.
func TestACrashInARemoteDeliveryLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	p := b.peer(addrB, nil)
	sent, never := make(chan bool), make(chan bool)
	t.Cleanup(func() { close(never) })
	p.atEnd(func() { sent <- true; <-never })
	a.enqueue("again", a.at("susie"), b.at("dirk"))
	a.await("the message to be sent", came(sent))
	p.atEnd(nil)
	a.crash()
	a.start()
	a.await("the message to be taken", func() bool { return len(p.messages()) == 1 })
	a.awaitEmpty()
}

func TestNothingIsLostBetweenHostsThatCrash(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.up()
	sent := 0
	for round := range 6 {
		for range 5 {
			sent++
			a.enqueue(fmt.Sprintf("<%d>", sent), a.at("susie"), b.at("dirk"))
		}
		// Now some are on their way.
		a.await("a delivery", func() bool { return a.log.count("starting delivery ") > 2*round })
		if round%2 == 0 {
			b.crash()
			b.up()
		} else {
			a.crash()
			a.start()
		}
	}
	a.awaitOut()
	b.awaitOut()
	for i := range sent {
		if b.count("dirk", fmt.Sprintf("Subject: <%d>\n", i+1)) == 0 {
			t.Errorf("message %d is lost", i+1)
		}
	}
	t.Logf("%d messages arrived, of which %d twice", len(b.mail("dirk")), len(b.mail("dirk"))-sent)
}
