//go:build linux

package story

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"goqmail/t/lab"
)

// A host without a queue: all its mail goes to another's by QMQP.
func TestAHostWithoutAQueueUsesAnothers(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	b.up()
	b.serve("qmqpd", "628", "qmail-qmqpd")
	c.up()
	// The first server is down, and is passed over.
	a.control("qmqpservers", addrC+"\n"+addrB+"\n")
	send := func() (string, error) {
		return a.try("susie", "Subject: no queue\n\nbody\n", []string{"QMAILQUEUE=bin/qmail-qmqpc"},
			"qmail-inject", "-f"+a.at("susie"), b.at("dirk"), c.at("olaf"))
	}
	b.awaitPort("628")
	if out, err := send(); err != nil {
		t.Fatalf("qmail-inject: %v %s", err, out)
	}
	for user, at := range map[string]*host{"dirk": b, "olaf": c} {
		got := at.awaitMail(user, "Subject: no queue\n")
		if want := "Received: from a.example (192.0.2.1)\n  by b.example with QMQP; "; !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if n := len(a.queued()); n != 0 {
		t.Errorf("the queue has %d files", n)
	}
	// Without a server the user learns that there is none.
	a.control("qmqpservers", addrC+"\n")
	if out, err := send(); err == nil || out != "qmail-inject: fatal: connection to mail server rejected (#4.4.1)\n" {
		t.Errorf("qmail-inject: %v %s", err, out)
	}
}

func TestQMTPTellsOfEachRecipient(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	b.start()
	b.serve("qmtpd", "209", "qmail-qmtpd")
	b.awaitPort("209")
	conn := a.connect(addrB, "209")
	if conn == nil {
		t.Fatal("no connection")
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(lab.Patience))
	// Two messages on one connection, the second with the line ends of DOS.
	recipients := []string{b.at("dirk"), "olaf@far.example", b.at("olaf")}
	mail := qmtp("\nSubject: one\n\nbody\n", a.at("susie"), recipients...) + qmtp("\rSubject: two\r\n\r\nbody\r\n", "", b.at("dirk"))
	if _, err := io.WriteString(conn, mail); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, want := range []string{"Kok ", "Dsorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "Kok ", "Kok "} {
		length, err := in.ReadString(':')
		n, _ := strconv.Atoi(strings.TrimSuffix(length, ":"))
		answer := make([]byte, n+len(","))
		if err == nil {
			_, err = io.ReadFull(in, answer)
		}
		if err != nil || !strings.HasPrefix(string(answer), want) {
			t.Fatalf("got %q, %v; want %s", answer, err, want)
		}
	}
	for _, user := range []string{"dirk", "olaf"} {
		got := b.awaitMail(user, "Subject: one\n\nbody\n")
		if want := "Received: from a.example (192.0.2.1)\n  by b.example with QMTP; "; !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	b.awaitMail("dirk", "Subject: two\n\nbody\n")
	b.awaitEmpty()
}

// qmtp is a message as QMTP has it.
func qmtp(message, sender string, recipients ...string) string {
	list := ""
	for _, to := range recipients {
		list += netstring(to)
	}
	return netstring(message) + netstring(sender) + netstring(list)
}
