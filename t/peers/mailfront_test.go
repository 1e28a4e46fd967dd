//go:build linux

package peers

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"goqmail/t/site"
)

// Its servers have another idea of what to accept, and hand it to qmail-queue.
func TestMailfrontQueuesWithQmail(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "smtpfront-qmail mailfront")
	m.start()
	mess := "Subject: for susie\n\n.dot\n"
	for _, row := range []struct{ program, input, reply, with string }{
		{"smtpfront-qmail", "EHLO front.example\r\nMAIL FROM:<olaf@" + far + ">\r\nRCPT TO:<john@linuxfromsource.org>\r\nRCPT TO:<a@far.example>\r\nDATA\r\n" +
			strings.ReplaceAll(strings.ReplaceAll(mess, "\n.", "\n.."), "\n", "\r\n") + ".\r\nQUIT\r\n",
			"\n250 2.6.0 Accepted message qp ", "with ESMTP via TCP; "},
		{"qmtpfront-qmail", netstring("\n"+mess) + netstring("olaf@"+far) + netstring(netstring("john@linuxfromsource.org")), ":K2.6.0 Accepted message qp ", "with QMTP via TCP; "},
		{"qmqpfront-qmail", netstring(netstring(mess) + netstring("olaf@"+far) + netstring("john@linuxfromsource.org")), ":K2.6.0 Accepted message qp ", "with QMQP via TCP; "},
	} {
		out, err := m.try("qmaild", row.input, "env", "PROTO=TCP", "TCPREMOTEIP=192.0.2.9", "TCPLOCALIP=192.0.2.1", row.program)
		if err != nil {
			t.Errorf("%s: %v", row.program, err)
		}
		wants(t, row.program, out, row.reply)
		got := m.awaitMail("john", row.with)
		wants(t, row.program, got, "Return-Path: <olaf@"+far+">\n", "\nDelivered-To: source-john@linuxfromsource.org\nReceived: (qmail ", " invoked from network); ", "\n"+mess)
	}
	m.awaitEmpty()
}

// Where qmail-queue fails, its exit code tells mailfront what to say.
func TestMailfrontKnowsQmailQueuesExitCodes(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "smtpfront-qmail mailfront")
	for _, row := range []struct {
		code            int
		breaks, repairs string // sh code, in the home
		sender          string
		reply           string
	}{
		{11, "", "", strings.Repeat("x", 1100) + "@" + far, "554 5.1.3 Address too long."},
		{53, "ulimit -f 8", "", "", "451 4.3.0 Write error (queue full?)."},
		{62, "mv queue queue.not", "mv queue.not queue", "", "451 4.3.0 Problem with the qmail queue directory."},
		{63, "mv queue/pid queue/pid.not", "mv queue/pid.not queue/pid", "", "451 4.3.0 Problem with queue/pid."},
		{64, "mv queue/mess queue/mess.not", "mv queue/mess.not queue/mess", "", "451 4.3.0 Problem with queue/mess."},
		{65, "mv queue/intd queue/intd.not", "mv queue/intd.not queue/intd", "", "451 4.3.0 Problem with queue/intd."},
		{66, "mv queue/todo queue/todo.not", "mv queue/todo.not queue/todo", "", "451 4.3.0 Problem with queue/todo."},
	} {
		t.Run(fmt.Sprint(row.code), func(t *testing.T) {
			script := "cd " + home + "; " + row.breaks + "\nsetuidgid qmaild smtpfront-qmail 2>/dev/null\n" + row.repairs
			out := m.run("root", "HELO front.example\r\nMAIL FROM:<"+row.sender+">\r\nRCPT TO:<john@linuxfromsource.org>\r\nDATA\r\nSubject: x\r\n\r\n"+
				strings.Repeat("x\r\n", 10000)+".\r\nQUIT\r\n", "sh", "-c", script)
			wants(t, "the dialogue", out, "\r\n354 ", "\r\n"+row.reply+"\r\n")
		})
	}
}

// It relays for those who log in.
func TestQmailLogsInAtMailfront(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "smtpfront-qmail mailfront", "cvm-pwfile cvm")
	m.password("olaf", "secret")
	m.run("root", "", "chown", "qmaild", "/tmp/passwd")
	m.write("/tmp/store", "#!/bin/sh\ncat >/tmp/mess && tr '\\0' '\\n' <&1 >/tmp/envelope\n", "root")
	m.in(func() error { return os.Chmod("/tmp/store", 0o755) })
	m.serve("qmaild", other+":25", []string{"QMAILQUEUE=/tmp/store", "CVM_SASL_PLAIN=/usr/bin/cvm-pwfile", "CVM_PWFILE_PATH=/tmp/passwd", "CVM_ACCOUNT_SPLIT_CHARS="}, "smtpfront-qmail")
	m.control("extensions", "smtp-auth\n")
	m.control("smtproutes", "far.example:["+other+"]|olaf|secret\nguess.example:["+other+"]|olaf|wrong\nnone.example:["+other+"]\n")
	m.start()
	m.send("susie", "relayed", "a@far.example")
	m.awaitLog("qmail", "success: "+other+"_accepted_message./Remote_host_said:_250_2.6.0_Accepted_message_qp_")
	wants(t, "the envelope", m.read("/tmp/envelope"), "Fsusie@"+site.Me+"\nTa@far.example\n")
	wants(t, "the message", m.read("/tmp/mess"), "Received: from 127.0.0.1 (", "\nSubject: relayed\n\nbody\n")
	m.send("susie", "not relayed", "a@none.example")
	m.awaitLog("qmail", "failure: "+other+"_does_not_like_recipient./")
	m.send("susie", "not known", "a@guess.example")
	m.awaitLog("qmail", "deferral: Connected_to_"+other+"_but_authentication_was_rejected_(plain)../Remote_host_said:_501_")
}

func netstring(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }
