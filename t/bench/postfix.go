//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"goqmail/t/lab"
)

// postfixHome, in place of a home, stands for Debian's Postfix as it comes, with
// the Maildirs of the users and without DNS. It has figures for what begins with
// SMTP and ends in a mailbox: smtp1live, smtp20live, fanout.
const postfixHome = "postfix"

// postfixIDs are those of its accounts.
const postfixIDs = 60200

func (e *Env) isPostfix() bool { return e.c.Home == postfixHome }

// postfixAccounts are its lines in /etc/passwd and /etc/group.
func postfixAccounts() (passwd, group string) {
	return fmt.Sprintf("postfix:x:%d:%[1]d::/nonexistent:/bin/false\n", postfixIDs),
		fmt.Sprintf("postfix:x:%d:\npostdrop:x:%d:\n", postfixIDs, postfixIDs+1)
}

// layPostfix configures it below dir.
func (e *Env) layPostfix(dir string) {
	must(lab.LayPeersAt("/usr"))
	must(lab.LayPeersAt("/etc"))
	if lacks := lab.Lacks("postfix", "postfix"); lacks != "" {
		panic("skipped: " + lacks)
	}
	for _, d := range []string{dir, dir + "/spool", dir + "/data"} {
		must(os.Mkdir(d, 0755))
	}
	must(os.Chown(dir+"/data", postfixIDs, postfixIDs))
	cp("/etc/postfix", dir+"/etc")
	master, err := os.ReadFile("/usr/share/postfix/master.cf.dist")
	must(err)
	must(os.WriteFile(dir+"/etc/master.cf", []byte(strings.Replace(string(master), "\nsmtp      inet", "\n"+smtpAddr+" inet", 1)), 0644))
	must(os.WriteFile(dir+"/etc/main.cf", []byte(strings.Join([]string{
		"compatibility_level = 3.6",
		"queue_directory = " + dir + "/spool",
		"data_directory = " + dir + "/data",
		"maillog_file = " + e.c.Work + "/log",
		"maillog_file_prefixes = " + e.c.Work,
		"myhostname = " + domain,
		"mydestination = " + domain,
		"inet_protocols = ipv4",
		"disable_dns_lookups = yes",
		"alias_maps =",
		"recipient_delimiter = -",
		"home_mailbox = Maildir/",
	}, "\n")+"\n"), 0644))
}

func (e *Env) startPostfix() {
	etc := e.c.Work + "/postfix/etc"
	if b, err := exec.Command("postconf", "-c", etc, "-F", "*/*/chroot=n").CombinedOutput(); err != nil {
		panic(fmt.Errorf("postconf: %s", b))
	}
	start := exec.Command("postfix", "-c", etc, "start")
	start.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: e.cgfd}
	if b, err := start.CombinedOutput(); err != nil {
		panic(fmt.Errorf("postfix: %s", b))
	}
}
