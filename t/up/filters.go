//go:build linux

package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// What finders of viruses and of spam know for tests. Each is in two parts, lest one
// finds it here.
const (
	eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-" + "STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
)

// filters are the programs of others that look at mail, as far as they are there.
type filters struct{ clamd, procmail, spamassassin bool }

// findFilters looks for them in the host it is called in. left says what is left out for
// want of one, a line each.
func findFilters() (f filters, left []string) {
	for _, p := range []struct {
		program, pkg, use string
		there             *bool
	}{
		{"clamd", "clamav-daemon", "virus scanning", &f.clamd},
		{"procmail", "procmail", "sorting, with the sanitizer", &f.procmail},
		{"spamassassin", "spamassassin", "finding spam", &f.spamassassin},
	} {
		if *p.there = lab.Lacks(p.program, p.pkg) == ""; !*p.there {
			left = append(left, fmt.Sprintf("left out    %s: apt-get install --no-install-recommends %s, or scripts/test-peers install", p.use, p.pkg))
		}
	}
	return f, left
}

// layScanner has qmail-scan ask a clamd that knows only the test's virus, for each message
// from the network.
func layScanner() error {
	const conf, socket = "/tmp/clamd.conf", "/tmp/clamd.ctl"
	err := errors.Join(
		os.Mkdir("/tmp/viruses", 0o755),
		os.WriteFile("/tmp/viruses/test.ndb", []byte("Eicar-Test-Signature:0:*:"+hex.EncodeToString([]byte(eicar))+"\n"), 0o644),
		os.WriteFile(conf, []byte("DatabaseDirectory /tmp/viruses\nLocalSocket "+socket+"\nForeground yes\nSelfCheck 0\n"), 0o644),
		start("/var/log/clamd", "clamd", "-c", conf),
	)
	if err == nil {
		err = await("clamd", func() bool { _, err := os.Stat(socket); return err == nil })
	}
	if err == nil {
		err = output("sh", "-ec", "cd /var/qmail/control; echo "+socket+" >clamd; echo ':allow,QMAILQUEUE=\"bin/qmail-scan\"' >smtp; ../bin/tcprules smtp.cdb smtp.tmp <smtp")
	}
	return err
}

// laySorter has procmail filter and sort a user's mail, as skel.example does.
func laySorter(users lab.Users, user string) error {
	tree := lab.Tree()
	recipe, err := fs.ReadFile(tree, "skel.example/user/.procmailrc")
	if err != nil {
		return err
	}
	conf, err := fs.ReadFile(tree, "anomy.example/anomy.conf")
	if err != nil {
		return err
	}
	rc := filepath.Join("/home", user, ".procmailrc")
	return errors.Join(
		os.WriteFile(rc, bytes.ReplaceAll(recipe, []byte("<user>"), []byte(user)), 0o600),
		lab.Own(rc, users.Uid(user), users.PrimaryGid(user), 0o600),
		lab.Tmpfs("/usr/anomy", "755"),
		os.Mkdir("/usr/anomy/bin", 0o755),
		os.Symlink("/var/qmail/bin/sanitizer", "/usr/anomy/bin/sanitizer.pl"),
		os.WriteFile("/usr/anomy/anomy.conf", conf, 0o644),
		os.MkdirAll("/etc/spamassassin", 0o755), // it may not be installed
		os.WriteFile("/etc/spamassassin/local.cf", []byte("dns_available no\nuse_bayes 0\n"), 0o644),
	)
}

// program is a message that carries one, for the sanitizer.
const program = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=part\r\n\r\n" +
	"--part\r\n\r\nLook at this.\r\n" +
	"--part\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"holiday.exe\"\r\nContent-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAAEAAAA\r\n--part--\r\n"

// showFilters sends what the filters are there for, and shows what they say to it. The
// mail store shows where the rest ends.
func (s *system) showFilters() error {
	to := site.Admin + "@linuxfromsource.org"
	if s.filters.clamd {
		fmt.Printf("\n-> %s by SMTP, with a virus\n", to)
		err := s.send(trial{to: to, subject: "a virus", body: "\r\n" + eicar + "\r\n"}, "virus")
		if err == nil {
			return errors.New("a virus was not refused")
		}
		fmt.Println("<-", err)
		if !strings.HasPrefix(err.Error(), "554 ") {
			return errors.New("that is no refusal of a virus")
		}
	}
	if !s.filters.procmail {
		return nil
	}
	fmt.Printf("\n-> %s by SMTP, with a program\n", to)
	if err := s.send(trial{to: to, subject: "with a program", body: program}, "program"); err != nil {
		return fmt.Errorf("SMTP: %w", err)
	}
	return nil
}
