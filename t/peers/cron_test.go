//go:build linux

package peers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/t/lab"
)

// What the table for cron and the timers of systemd say is understood, is the same, and
// works.
func TestJobsOfCronAndTimers(t *testing.T) {
	t.Parallel()
	m := newMailStore(t, "systemd-analyze systemd", "freshclam clamav-freshclam")
	m.master()
	m.copyIn("scripts/systemd", "/tmp/units")
	jobs := map[string]string{}
	var table strings.Builder
	for line := range strings.Lines(m.read(home + "/boot/cron")) {
		times, job, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			table.WriteString(line)
			continue
		}
		user, job, _ := strings.Cut(job, "\t")
		if user != "root" && user != "clamav" {
			t.Errorf("%s is nobody", user)
		}
		job = strings.ReplaceAll(job, `\%`, "%")
		name := strings.Fields(strings.TrimPrefix(job, "exec "))[0]
		if out, err := m.try("root", "", "sh", "-c", "command -v "+name); err != nil {
			t.Errorf("there is no %s: %s", name, out)
		}
		jobs[filepath.Base(name)] = job
		table.WriteString(times + "\t" + job + "\n") // a user's own table has no user in it
	}
	clock := newMachine(t, "crontab cron")
	clock.in(func() error {
		return errors.Join(lab.Tmpfs("/var/spool", "755"), os.MkdirAll("/var/spool/cron/crontabs", 0o755))
	})
	clock.run("root", "", "sh", "-c", "echo crontab:x:8003: >>/etc/group")
	clock.write("/tmp/table", table.String(), "root")
	if out, err := clock.try("root", "", "crontab", "-n", "/tmp/table"); err != nil || !strings.Contains(out, "syntax") {
		t.Errorf("crontab: %v, %s", err, out)
	}
	// As cron mails what a job says.
	clock.start()
	clock.run("root", "To: root\nSubject: Cron\n\nsaid\n", "/usr/sbin/sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root")
	wants(t, "mail by cron", clock.awaitMail("john", "Subject: Cron\n"), "\n\nsaid\n")

	var timers []string
	m.Do(func() { timers, _ = filepath.Glob("/tmp/units/*.timer") })
	if len(jobs) != 4 || len(timers) != len(jobs) {
		t.Fatalf("%d jobs, timers %q", len(jobs), timers)
	}
	m.run("root", "", "mkdir", "-p", "/run/systemd")
	if out, err := m.try("root", "", append([]string{"systemd-analyze", "verify", "--man=no", "--recursive-errors=no"}, timers...)...); err != nil || out != "" {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
	for _, timer := range timers {
		start := m.unit(strings.TrimSuffix(timer, "timer") + "service")["ExecStart"][0]
		if command, ok := strings.CutPrefix(start, `/bin/sh -c "`); ok {
			start = strings.NewReplacer("$$", "$", "%%", "%").Replace(strings.TrimSuffix(command, `"`))
		}
		program, rest, _ := strings.Cut(strings.TrimPrefix(start, "exec "), " ")
		if _, of, _ := strings.Cut(strings.TrimPrefix(jobs[filepath.Base(program)], "exec "), " "); of != rest {
			t.Errorf("%s starts %q, cron %q", timer, start, jobs[filepath.Base(program)])
		}
	}

	m.run("root", "", "sh", "-ec", `
		touch -d '3 days ago' /home/john/Maildir/tmp/old /home/john/Maildir/new/old /home/victim
		touch /home/john/Maildir/tmp/young
		mkdir -p /tmp/elsewhere/tmp; touch -d '3 days ago' /tmp/elsewhere/tmp/old; rm -r /home/dirk/Maildir; ln -s /tmp/elsewhere /home/dirk/Maildir`)
	m.in(func() error { return lab.Tmpfs("/var/backups", "700") })
	for _, name := range []string{"backup", "cyr_expire", "find"} {
		if out := m.run("root", "", "sh", "-c", jobs[name]); out != "" {
			t.Errorf("%s says %q", name, out)
		}
	}
	m.run("root", "", "sh", "-ec", "test ! -e /home/john/Maildir/tmp/old; test -e /home/john/Maildir/new/old; test -e /home/john/Maildir/tmp/young; test -e /tmp/elsewhere/tmp/old; tar -tzf /var/backups/mail-[1-7].tar.gz >/tmp/list; grep mailboxes.txt /tmp/list")
}
