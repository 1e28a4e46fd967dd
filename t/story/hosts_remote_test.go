//go:build linux

package story

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNoMoreDeliveriesThanConcurrencyremote(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.control("concurrencyremote", "2\n")
	a.start()
	p := b.peer(addrB, nil)
	sent, answer := make(chan bool), make(chan bool)
	p.atEnd(func() { sent <- true; <-answer })
	a.enqueue("five", a.at("susie"), b.at("u1"), b.at("u2"), b.at("u3"), b.at("u4"), b.at("u5"))
	for range 5 {
		a.await("a message to be sent", came(sent))
		answer <- true
	}
	a.awaitEmpty()
	if n := len(p.messages()); n != 5 {
		t.Errorf("%d messages arrived, want 5", n)
	}
	if !a.log.has(" remote 2/2\n") || a.log.has(" remote 3/2\n") {
		t.Error("there were not two deliveries at a time at most")
	}
}

func TestAKilledQmailRemoteDefersItsDeliveries(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	p := b.peer(addrB, nil)
	sent, never := make(chan bool), make(chan bool)
	t.Cleanup(func() { close(never) })
	p.atEnd(func() { sent <- true; <-never })
	a.enqueue("two", a.at("susie"), b.at("dirk"), b.at("olaf"))
	a.await("one message to be sent", came(sent))
	a.await("another", came(sent))
	p.atEnd(nil)
	for _, pid := range a.Pids("qmail-remote") {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	a.await("both to be deferred", func() bool { return a.log.count("deferral: qmail-remote_crashed./") == 2 })
	a.alarm()
	a.await("both to arrive", func() bool { return len(p.messages()) == 2 })
	a.awaitEmpty()
}

// Messages for the same host share connections where one process sends them, and
// the log tells the same of either.
func TestMessagesForOneHostShareConnections(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"warm": true, "classic": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHosts(t, "", addrA, addrB)
			a, b := h[0], h[1]
			a.needOurs("warm programs")
			if !shared {
				a.run("sed", "-i", "s/env - /env - QMAILWARM= /", home+"/rc")
			}
			a.control("concurrencyremote", "2\n")
			a.start()
			p := b.peer(addrB, nil)
			const n = 20
			var recipients []string
			for i := range n {
				recipients = append(recipients, b.at(fmt.Sprint("u", i)))
			}
			// Two are always under way.
			sent, answer := make(chan bool), make(chan bool)
			p.atEnd(func() { sent <- true; <-answer })
			a.enqueue("many", a.at("susie"), recipients...)
			a.await("a message to be sent", came(sent))
			for range n - 1 {
				a.await("another", came(sent))
				answer <- true
			}
			answer <- true
			a.awaitEmpty()
			if got := p.connections(); shared != (got < n) || len(p.messages()) != n {
				t.Errorf("%d connections for %d messages", got, len(p.messages()))
			}
			if got := a.log.count(": success: " + addrB + "_accepted_message./Remote_host_said:_250_ok/"); got != n {
				t.Errorf("%d times success in the log", got)
			}
		})
	}
}

// A message is bytes in lines, and nothing on its way knows better.
func TestAMessageArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.up()
	body := odd(2 << 20)
	send := func(subject string) {
		t.Helper()
		message := "Subject: " + subject + "\n\n" + body
		if out, err := a.try("susie", message, nil, "qmail-inject", "-f"+a.at("susie"), b.at("dirk")); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		if _, got, _ := strings.Cut(b.awaitMail("dirk", "Subject: "+subject+"\n"), "\n\n"); got != body {
			t.Errorf("%s: another body of %d bytes arrived, want %d", subject, len(got), len(body))
		}
	}
	send("in clear")
	if !a.ours() {
		return
	}
	for _, h := range h {
		h.control("extensions", "smtp-tls\n")
	}
	b.key(newAuthority(t, "authority.example").vouch(b.name, time.Now().Add(time.Hour)))
	send("by TLS")
}

// odd makes lines of any bytes but CR, long ones and dots among them.
func odd(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := []byte(".\n..\n.x\n\n.\n" + strings.Repeat("long", 50000) + "\nFrom here\n")
	for len(b) < size {
		switch c := byte(random.Uint32()); c {
		case '\r':
		case '\n':
			b = append(b, "\n."...)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '\n'))
}
