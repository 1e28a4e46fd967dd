//go:build linux

package peers

import (
	"errors"
	"os"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// The other host of these tests is another loopback address.
const (
	other = "127.0.0.2"
	far   = "postfix.example"
)

// postfix starts Postfix on the other address, as the host far: it delivers to
// Postfix/ in home directories, and sends all else to qmail.
func (m *machine) postfix(parameters ...string) {
	m.t.Helper()
	const etc = "/tmp/postfix/etc"
	m.in(func() error {
		return errors.Join(
			lab.Up(other),
			os.Mkdir("/tmp/postfix", 0o755),
			os.Mkdir("/tmp/postfix/spool", 0o755),
			os.Mkdir("/tmp/postfix/data", 0o755),
			os.Chown("/tmp/postfix/data", users.Uid("postfix"), users.Gid("postfix")),
		)
	})
	m.run("root", "", "cp", "-r", "/etc/postfix", etc)
	m.run("root", "", "cp", "/usr/share/postfix/master.cf.dist", etc+"/master.cf")
	m.write(etc+"/main.cf", strings.Join(append([]string{
		"compatibility_level = 3.6",
		"queue_directory = /tmp/postfix/spool",
		"data_directory = /tmp/postfix/data",
		"maillog_file = /var/log/postfix",
		"myhostname = " + far,
		"mydestination = " + far,
		"mynetworks = 127.0.0.0/8",
		"inet_interfaces = " + other,
		"inet_protocols = ipv4",
		"disable_dns_lookups = yes",
		"smtp_host_lookup = native",
		"relayhost = [127.0.0.1]",
		"alias_maps =",
		"home_mailbox = Postfix/",
	}, parameters...), "\n")+"\n", "root")
	m.run("root", "", "postconf", "-c", etc, "-F", "*/*/chroot=n")
	m.run("root", "", "postfix", "-c", etc, "start")
	m.awaitPort(other + ":25")
}

// awkward is a body with what tends to get lost on the way: dots, trailing
// blanks, bytes above 127, a long line, empty lines at the end.
var awkward = ".\n..\n.dot\ntrailing \t \nna\xefve caf\u00e9\n" + strings.Repeat("long ", 190) + "\nFrom here\n\n\n"

func TestPostfixTakesAndGivesMail(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "postfix postfix")
	m.control("smtproutes", ":["+other+"]\n")
	m.start()
	m.smtpd(nil)
	m.postfix()

	// To it.
	m.run("susie", "Subject: to Postfix\n\n"+awkward, "sendmail", "-f", "susie@"+site.Me, "olaf@"+far)
	got := m.awaitIn("/home/olaf/Postfix", "Subject: to Postfix")
	wants(t, "what Postfix stored", got, "Return-Path: <susie@"+site.Me+">\n", "Delivered-To: olaf@"+far+"\n",
		"Received: from "+site.Me+" (", "\nReceived: (qmail ")
	if !strings.HasSuffix(got, "\n\n"+awkward) {
		t.Errorf("the body arrived as %q", got[strings.Index(got, "\n\n")+2:])
	}
	m.awaitLog("qmail", "success: "+other+"_accepted_message./Remote_host_said:_250_2.0.0_Ok:_queued_as_")

	// From it.
	m.run("olaf", "", "smtp-source", "-f", "olaf@"+far, "-t", "susie@"+site.Me, "-S", "from Postfix", other+":25")
	wants(t, "what Postfix sent", m.awaitMail("susie", "Subject: from Postfix"),
		"Return-Path: <olaf@"+far+">\nDelivered-To: susie@"+site.Me+"\nReceived: (qmail ",
		"Received: from unknown (HELO "+far+") (127.0.0.1)\n  by "+site.Me+" with SMTP; ",
		"\nReceived: from "+site.Me+" (")

	// What it refuses bounces here, what is refused here bounces there.
	m.send("susie", "refused there", "nobody-there@"+far)
	wants(t, "bounce", m.awaitMail("susie", "Hi. This is the qmail-send program at "+site.Me),
		"\n<nobody-there@"+far+">:\n"+other+" does not like recipient.\nRemote host said: 550 5.1.1 <nobody-there@"+far+">: Recipient address rejected: User unknown in local recipient table\nGiving up on "+other+".\n")
	m.run("olaf", "", "smtp-source", "-f", "olaf@"+far, "-t", "somebody@far.example", other+":25")
	wants(t, "Postfix's bounce", strings.ReplaceAll(m.awaitIn("/home/olaf/Postfix", "Undelivered Mail"), "\n    ", " "),
		"<somebody@far.example>: host 127.0.0.1[127.0.0.1] said: 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)")
	m.awaitEmpty()
}

// Its recipients are numbered, and so are wanted in a domain that takes all.
func TestSmtpSourceSendsInParallel(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "smtp-source postfix")
	m.write("/home/source/.qmail-default", "./Maildir/\n", "source")
	m.start()
	m.smtpd(nil)
	for _, options := range []string{"", "-d"} { // -d sends many messages in a session
		m.run("olaf", "", "sh", "-c", "smtp-source "+options+" -s 4 -m 20 -l 20000 -r 2 -f olaf@"+far+" -t box@linuxfromsource.org 127.0.0.1:25")
	}
	m.await("80 messages", func() bool { return len(m.mail("/home/source/Maildir")) == 80 })
	m.awaitEmpty()
}

// Refusals of one kind and another in one session, as Postfix pipelines its
// recipients.
func TestPostfixLearnsWhatQmailRefuses(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "postfix postfix", "swaks swaks")
	m.control("extensions", "smtp-auth\n") // which tells of SIZE
	m.control("databytes", "100000\n")
	m.control("maxrcpt", "4\n")
	m.control("badmailfrom", "@bad.example\n")
	m.start()
	m.smtpd(nil)
	m.postfix("minimal_backoff_time = 1s", "queue_run_delay = 1s")
	swaks := func(options string) {
		t.Helper()
		m.run("olaf", "", "sh", "-c", "swaks -s "+other+" "+options)
	}
	bounce := func(text string) {
		t.Helper()
		m.await("Postfix to bounce: "+text, func() bool {
			return strings.Contains(strings.ReplaceAll(strings.Join(m.mail("/home/olaf/Postfix"), ""), "\n    ", " "), text)
		})
	}
	const from = "-f olaf@" + far
	swaks(from + " -t pamela@linuxfrombinary.org,a@far.example,jennifer@linuxfrombinary.org --header 'Subject: to three'")
	m.awaitMail("pamela", "Subject: to three")
	m.awaitMail("jennifer", "Subject: to three")
	bounce("<a@far.example>: host 127.0.0.1[127.0.0.1] said: 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)")

	m.run("root", "", "sh", "-c", "seq 30000 >/tmp/long")
	swaks(from + " -t john@linuxfromsource.org --header 'Subject: long' --body @/tmp/long")
	bounce("<john@linuxfromsource.org>: message size ")

	swaks("-f olaf@bad.example -t john@linuxfromsource.org")
	m.awaitLog("postfix", "said: 553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)")

	// Too many at once come again later.
	swaks(from + " -t john@linuxfromsource.org,susie@linuxfromsource.org,dirk@linuxfromsource.org,olaf@linuxfrombinary.org,jennifer@linuxfrombinary.org,pamela@linuxfrombinary.org --header 'Subject: to six'")
	for _, user := range []string{"john", "susie", "dirk", "olaf", "jennifer", "pamela"} {
		m.awaitMail(user, "Subject: to six")
	}
	m.awaitEmpty()
}

// certificate makes a certificate for a name, which is its own authority, and
// its key, in one file for a user, and in path.ca without the key.
func (m *machine) certificate(path, name, owner string) {
	m.t.Helper()
	m.run("root", "", "sh", "-ec", `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$1" -out "$1.ca" \
		-subj "/CN=$2" -addext "subjectAltName=DNS:$2" 2>/dev/null
		cat "$1.ca" >>"$1"; chown "$3" "$1"; chmod 400 "$1"`, "sh", path, name, owner)
}

func TestPostfixSpeaksTLSBothWays(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "postfix postfix", "openssl openssl")
	m.control("smtproutes", ":["+other+"]\n")
	m.control("extensions", "smtp-tls\n")
	m.certificate(home+"/control/servercert.pem", site.Me, "qmailp")
	m.certificate("/tmp/cert.pem", far, "root")
	m.start()
	m.smtpd(nil)
	m.postfix(
		"smtpd_tls_security_level = may",
		"smtpd_tls_chain_files = /tmp/cert.pem",
		"smtpd_tls_received_header = yes",
		"smtp_tls_security_level = verify",
		"smtp_tls_verify_cert_match = "+site.Me,
		"smtp_tls_CAfile = "+home+"/control/servercert.pem.ca",
		"smtp_tls_loglevel = 1",
	)
	m.send("susie", "to Postfix", "olaf@"+far)
	wants(t, "what Postfix stored", m.awaitIn("/home/olaf/Postfix", "Subject: to Postfix"), "(using TLSv1.3 with cipher TLS_", "with ESMTPS id ")
	for range 2 { // the second time it asks to resume
		m.run("olaf", "", "smtp-source", "-f", "olaf@"+far, "-t", "susie@"+site.Me, "-S", "from Postfix", other+":25")
	}
	m.await("two messages", func() bool { return len(m.mail("/home/susie/Maildir")) == 2 })
	wants(t, "what Postfix sent", m.awaitMail("susie", "Subject: from Postfix"), "Received: from unknown (HELO "+far+") (127.0.0.1)\n  by "+site.Me+" with ESMTPS (TLS_")
	m.awaitLog("postfix", "Verified TLS connection established to 127.0.0.1[127.0.0.1]:25: TLSv1.3 ")
	m.awaitEmpty()
}

func TestPostfixAndQmailUseAddressesBeyondASCII(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "postfix postfix", "swaks swaks", "smtp-sink postfix")
	m.control("smtproutes", "sink.example:["+other+"]:26\n:["+other+"]\n")
	m.control("extensions", "smtputf8\n")
	m.write("/home/source/.qmail-default", "./Maildir/\n", "source")
	m.start()
	m.smtpd(nil)
	m.postfix("smtputf8_enable = yes", "smtputf8_autodetect_classes = all", "virtual_alias_maps = inline:{{jürgen@"+far+" = olaf}}")
	m.background("sink", nil, "smtp-sink", "-u", "nobody", other+":26", "50")
	m.awaitPort(other + ":26")

	m.run("susie", "From: Süße Susie <susie@"+site.Me+">\nSubject: Grüße\n\nbody\n", "sendmail", "-f", "susie@"+site.Me, "jürgen@"+far)
	wants(t, "what Postfix stored", m.awaitIn("/home/olaf/Postfix", "Subject: Grüße"), "with UTF8SMTP id ", "X-Original-To: jürgen@"+far+"\n", "From: \"Süße\" Susie <susie@"+site.Me+">\nSubject: Grüße\n")

	m.run("olaf", "", "swaks", "-s", other, "-f", "jürgen@"+far, "-t", "käthe@linuxfromsource.org", "--header", "Subject: Grüße zurück")
	wants(t, "what Postfix sent", m.awaitIn("/home/source/Maildir", "Subject: Grüße zurück"), "Return-Path: <\"jürgen\"@"+far+">\nDelivered-To: source-käthe@linuxfromsource.org\n",
		"\n  by "+site.Me+" with UTF8SMTP; ")

	// The sink does not know such addresses.
	m.send("susie", "not for you", "jürgen@sink.example")
	m.awaitLog("qmail", "delivery 3: failure: Connected_to_"+other+"_but_server_does_not_support_internationalized_email_addresses./")
	m.awaitEmpty()
}
