//go:build linux

package peers

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// sink starts Postfix's sink on the other address with options. It keeps what
// it gets in files of their own in /tmp/sink.
func (m *machine) sink(options ...string) {
	m.t.Helper()
	m.control("smtproutes", "sink.example:["+other+"]\n")
	m.in(func() error {
		return errors.Join(lab.Up(other), os.Mkdir("/tmp/sink", 0o777), os.Chmod("/tmp/sink", 0o777))
	})
	args := append([]string{"env", "-C", "/tmp/sink", "smtp-sink", "-u", "nobody", "-d", "%d"}, options...)
	m.background("sink", nil, append(args, other+":25", "50")...)
	m.awaitPort(other + ":25")
}

// sunk gives what the sink has.
func (m *machine) sunk() []string { return m.files("/tmp/sink/*") }

func TestSmtpSinkGetsEveryByte(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "smtp-sink postfix")
	m.sink()
	m.start()
	m.run("susie", "Subject: sunk\n\n"+awkward, "sendmail", "-f", "susie@"+site.Me, "a@sink.example", "b@sink.example")
	m.await("two messages", func() bool { return len(m.sunk()) == 2 })
	m.awaitEmpty()
	want := regexp.MustCompile(`^X-Client-Addr: 127\.0\.0\.2\nX-Client-Proto: SMTP\nX-Helo-Args: ` + site.Me +
		`\nX-Mail-Args: <susie@` + site.Me + `>\nX-Rcpt-Args: <[ab]@sink\.example>\nReceived: (?s:.*)\n\tby smtp-sink (?s:.*)\nReceived: \(qmail \d+ invoked by uid 3003\); (?s:.*)\nSubject: sunk\n\n`)
	for _, got := range m.sunk() {
		got = strings.TrimSuffix(got, "\n") // its own
		if !want.MatchString(got) || !strings.HasSuffix(got, "\n\n"+awkward) {
			t.Errorf("got %q, want %v and %q", got, want, awkward)
		}
	}
}

func TestSmtpSinkRefusesAndQmailTellsWhy(t *testing.T) {
	t.Parallel()
	const (
		hard  = "Remote_host_said:_500_5.3.0_Error:_command_failed/"
		soft  = "Remote_host_said:_450_4.3.0_Error:_command_failed/"
		close = "Remote_host_said:_421_4.0.0_Server_closing_connection/"
	)
	for _, row := range []struct {
		name, option, command string
		log                   string // of delivery 1
	}{
		{"greeting for good", "-f", "CONNECT", "deferral: Connected_to_" + other + "_but_greeting_failed./" + hard},
		{"sender for good", "-f", "MAIL", "failure: Connected_to_" + other + "_but_sender_was_rejected./" + hard},
		{"sender for now", "-r", "MAIL", "deferral: Connected_to_" + other + "_but_sender_was_rejected./" + soft},
		{"recipient for good", "-f", "RCPT", "failure: " + other + "_does_not_like_recipient./" + hard + "Giving_up_on_" + other + "./"},
		{"recipient for now", "-r", "RCPT", "deferral: " + other + "_does_not_like_recipient./" + soft + "Giving_up_on_" + other + "./"},
		{"data for good", "-f", "DATA", "failure: " + other + "_failed_on_DATA_command./" + hard},
		{"data for now", "-r", "DATA", "deferral: " + other + "_failed_on_DATA_command./" + soft},
		{"message for good", "-f", ".", "failure: " + other + "_failed_after_I_sent_the_message./" + hard},
		{"message for now", "-r", ".", "deferral: " + other + "_failed_after_I_sent_the_message./" + soft},
		{"gone at the greeting", "-q", "CONNECT", "deferral: Connected_to_" + other + "_but_connection_died._(#4.4.2)/"},
		{"gone at the sender", "-q", "MAIL", "deferral: Connected_to_" + other + "_but_connection_died._(#4.4.2)/"},
		{"gone after the message", "-q", ".", "deferral: Connected_to_" + other + "_but_connection_died._Possible_duplicate!_(#4.4.2)/"},
		{"closing at the recipient", "-Q", "RCPT", "deferral: " + other + "_does_not_like_recipient./" + close + "Giving_up_on_" + other + "./"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "smtp-sink postfix")
			m.sink(row.option, row.command)
			m.start()
			m.send("susie", "refused", "a@sink.example")
			wants(t, "the log", m.awaitFile("/var/log/qmail", "\ndelivery 1: "), "\ndelivery 1: "+row.log+"\n")
		})
	}
}

func TestQmqpSourceIsServed(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "qmqp-source postfix")
	m.start()
	m.serve("qmaild", "127.0.0.1:628", nil, "qmail-qmqpd")
	m.run("olaf", "", "qmqp-source", "-s", "4", "-m", "20", "-l", "20000", "-f", "olaf@"+far, "-t", "susie@"+site.Me, "127.0.0.1:628")
	m.await("20 messages", func() bool { return len(m.mail("/home/susie/Maildir")) == 20 })
	wants(t, "a message", m.mail("/home/susie/Maildir")[0], "Return-Path: <olaf@"+far+">\nDelivered-To: susie@"+site.Me+"\nReceived: (qmail ",
		" invoked from network); ", "Received: from unknown (127.0.0.1)\n  by "+site.Me+" with QMQP; ")
	m.awaitEmpty()
}

func TestQmqpSinkTakesWhatQmailQmqpcSends(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "qmqp-sink postfix")
	m.control("qmqpservers", "127.0.0.1\n")
	m.background("sink", nil, "qmqp-sink", "-v", "127.0.0.1:628", "50")
	m.awaitPort("127.0.0.1:628")
	m.run("susie", "Subject: by QMQP\n\n"+strings.Repeat(awkward, 100), "env", "QMAILQUEUE=/var/qmail/bin/qmail-qmqpc", "sendmail", "a@sink.example")
}
