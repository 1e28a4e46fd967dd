//go:build linux

package peers

import (
	"os"
	"strconv"
	"testing"

	"goqmail/t/site"
)

// The run scripts for users' mail, with checkers of Debian in their line for it.
func TestUsersSendAndFetchByTheRunScripts(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "swaks swaks", "fetchmail fetchmail", "checkpw checkpw", "cvm-checkpassword cvm", "openssl openssl", "softlimit daemontools")
	m.control("extensions", "smtp-tls\nsmtp-auth\n")
	m.certificate(home+"/control/servercert.pem", site.Me, "qmailp")
	m.password("olaf", "secret")
	m.start()

	// One that looks at what a user has must be root's for qmaild to run it; one with
	// passwords of its own need not.
	m.run("root", "", "sh", "-c", "cp $(which checkpw) /tmp/checkpw && chmod 4755 /tmp/checkpw")
	own := users.Account("qmaild")
	m.write("/tmp/accounts", "pamela:hidden:"+strconv.Itoa(own.Uid)+":"+strconv.Itoa(own.Gid)+"::/:/bin/sh\n", "qmaild")
	m.in(func() error { return os.Chmod("/tmp/accounts", 0o600) })
	const cvm = "env CVM_PWFILE_PATH=/tmp/accounts CVM_ACCOUNT_SPLIT_CHARS= cvm-checkpassword /usr/bin/cvm-pwfile /bin/true"
	for _, script := range []struct{ name, checker, port string }{
		{"qmail-submission", "/tmp/checkpw /bin/true", "587"},
		{"qmail-smtpsd", cvm, "465"},
		{"qmail-pop3d", "checkpw", "110"},
		{"qmail-pop3ds", "checkpw", "995"},
	} {
		m.run("root", "", "sh", "-c", "sed \"s|^CHECKPASSWORD=.*|CHECKPASSWORD='"+script.checker+"' \\\\\\\\|\" "+home+"/boot/daemontools/"+script.name+"/run >/tmp/"+script.name)
		m.background(script.name, nil, "sh", "/tmp/"+script.name)
		m.awaitPort("127.0.0.1:" + script.port)
	}

	for _, row := range []struct{ name, options, says string }{
		{"by 587", "-tls -p 587 -a PLAIN --auth-user olaf --auth-password secret", "<~  250 ok "},
		{"by 465", "-tlsc -p 465 -a LOGIN --auth-user pamela --auth-password hidden", "<~  250 ok "},
	} {
		out, _ := m.try("olaf", "", "sh", "-c", "swaks -s 127.0.0.1 -f olaf@"+site.Me+" -t olaf@"+site.Me+" --header 'Subject: "+row.name+"' "+row.options)
		wants(t, row.name, out, row.says)
	}
	wants(t, "the message", m.awaitMail("olaf", "Subject: by 587\n"), " with ESMTPSA (TLS_", "(olaf@127.0.0.1)")
	wants(t, "the message", m.awaitMail("olaf", "Subject: by 465\n"), " with ESMTPSA (TLS_", "(pamela@127.0.0.1)")
	m.run("root", "", "sh", "-c", "touch -d '1 minute ago' /home/olaf/Maildir/new/*") // or it is listed in a second only

	for _, row := range []struct{ name, port, ssl, says, exit string }{
		{"by 110", "", "sslproto 'auto'", "POP3> STLS", "exit 0\n"},
		{"by 995", "port 995", "ssl", "POP3< +OK 2 ", "exit 0\n"},
		{"in the clear", "", "sslproto ''", "POP3< -ERR TLS required: STLS first", "exit 3\n"},
	} {
		m.write("/home/susie/.fetchmailrc", "set no syslog\npoll 127.0.0.1 proto pop3 uidl "+row.port+"\n\tuser olaf password secret is susie here keep no sslcertck "+row.ssl+
			"\n\tmda \"/usr/sbin/sendmail -i -f %F -- %T\"\n", "susie")
		m.in(func() error { return os.Chmod("/home/susie/.fetchmailrc", 0o600) })
		out, _ := m.try("susie", "", "sh", "-c", "fetchmail -v -N --nodetach --idfile /dev/null 2>&1; echo exit $?")
		wants(t, row.name, out, row.says, row.exit)
	}
	m.awaitMail("susie", "Subject: by 465")
}
