//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"goqmail/lib/sasldb"
	"goqmail/t/lab"
	"goqmail/t/site"
)

// password is that of the users who read their mail by IMAP.
const password = "secret"

const (
	imapdConf = "configdirectory: /var/imap\npartition-default: /var/spool/imap\nadmins: cyrus\nsasl_sasldb_path: /var/imap/sasldb2\nallowplaintext: yes\n"
	cyrusConf = `START {
  recover cmd="ctl_cyrusdb -r"
}
SERVICES {
  imap cmd="imapd" listen="127.0.0.1:imap"
  pop3 cmd="pop3d" listen="127.0.0.1:pop3"
  lmtpunix cmd="lmtpd" listen="/var/imap/socket/lmtp"
}
`
)

// layStore lays and starts the mail store in the host it is called in. John's mail goes
// there as well as to his Maildir, sorted if there is procmail.
func layStore(users lab.Users, sorted bool) error {
	if err := lab.LayPair(users); err != nil {
		return err
	}
	err := errors.Join(
		os.WriteFile("/etc/imapd.conf", []byte(imapdConf), 0o644),
		os.WriteFile("/etc/cyrus.conf", []byte(cyrusConf), 0o644),
		output("/usr/cyrus/bin/mkimap"),
	)
	if err != nil {
		return err
	}
	err = sasldb.Update("/var/imap/sasldb2", func([]sasldb.Record) (all []sasldb.Record) {
		for _, user := range []string{"cyrus", site.Admin} {
			host, _ := os.Hostname()
			all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: host, Property: sasldb.Password}, Value: password})
		}
		return all
	})
	if err == nil {
		err = lab.Own("/var/imap/sasldb2", users.Uid("cyrus"), users.Gid("mail"), 0o640)
	}
	if err == nil {
		err = start("/var/log/master", "/usr/cyrus/bin/master", "-D")
	}
	if err == nil {
		err = listening("127.0.0.1:143", "* OK ")
	}
	if err == nil {
		err = output("/var/qmail/bin/cyradm", "--user", "cyrus", "--password", password, "--auth", "login",
			"-e", "cm user."+site.Admin, "-e", "cm user."+site.Admin+".SPAM", "localhost")
	}
	if err != nil {
		return err
	}
	command := "| preline -f /usr/cyrus/bin/deliver -a " + site.Admin + " -m user." + site.Admin
	if sorted {
		if err := laySorter(users, site.Admin); err != nil {
			return err
		}
		command = "| preline /usr/bin/procmail"
	}
	path := "/home/" + site.Admin + "/.qmail"
	return errors.Join(
		os.WriteFile(path, []byte("./Maildir/\n"+command+"\n"), 0o600),
		lab.Own(path, users.Uid(site.Admin), users.PrimaryGid(site.Admin), 0o600),
	)
}

// output runs a program, whose output matters only if it fails.
func output(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w %s", name, err, out)
	}
	return nil
}

// showStore shows John's mailboxes by IMAP, once the messages are there.
func (s *system) showStore() error {
	const look = "FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT X-SPAM-STATUS X-VIRUS-STATUS)] BODY.PEEK[TEXT]<0.500>)"
	var replies []string
	err := await("the messages in the mail store", func() bool {
		var err error
		replies, err = s.converse(
			"LOGIN "+site.Admin+" "+password, `LIST "" *`, "SELECT INBOX", look, "SELECT INBOX.SPAM", look, "LOGOUT")
		all := strings.Join(replies, "\n")
		return err == nil && strings.Contains(all, "Subject: for a user of a virtual domain") && strings.Contains(all, "Subject: for the SPAM folder") &&
			(!s.filters.procmail || strings.Contains(all, "holiday.exe was deleted"))
	})
	if err != nil {
		return err
	}
	fmt.Printf("\n<- IMAP at %s\n", s.imap)
	for _, line := range replies {
		fmt.Println("   |", line)
	}
	return nil
}

// converse logs in by IMAP and returns what is said.
func (s *system) converse(commands ...string) (said []string, err error) {
	conn, err := net.Dial("tcp", s.imap)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(lab.Patience))
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('\n'); err != nil { // the greeting
		return nil, err
	}
	for i, command := range commands {
		tag := fmt.Sprintf("a%d ", i)
		said = append(said, tag+command)
		if _, err := fmt.Fprintf(conn, "%s%s\r\n", tag, command); err != nil {
			return nil, err
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return nil, err
			}
			said = append(said, strings.TrimRight(line, "\r\n"))
			if strings.HasPrefix(line, tag) {
				break
			}
		}
	}
	return said, nil
}
