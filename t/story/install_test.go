//go:build linux

package story

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// install takes the home away and has scripts/install lay it.
func (m *machine) install() {
	m.t.Helper()
	if !m.ours() {
		m.t.Skip("the reference is installed by itself")
	}
	m.in(func() error {
		for _, dir := range []string{"scripts", "cmd", "lib", "control.example", "alias.example", "skel.example", "imap.example", "anomy.example"} {
			part, err := fs.Sub(lab.Tree(), dir)
			if err != nil {
				return err
			}
			if err := os.CopyFS("/tmp/tree/"+dir, part); err != nil {
				return err
			}
		}
		readme, err := fs.ReadFile(lab.Tree(), "README.md")
		if err != nil {
			return err
		}
		return os.WriteFile("/tmp/tree/README.md", readme, 0o644)
	})
	m.run("sh", "-c", `cd /tmp/tree && cp -R /var/qmail/bin . && cp -R /var/qmail/boot bin`)
	m.in(func() error {
		if err := unix.Unmount(home, unix.MNT_DETACH); err != nil {
			return os.NewSyscallError("unmount", err)
		}
		return lab.Tmpfs(home, "755")
	})
	m.run("sh", "-c", "cd /tmp/tree && sh scripts/install")
}

func TestAnInstalledHomeIsAsItShouldBeAndWorks(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.install()
	if said := m.run("sh", "-c", "cd /tmp/tree && sh scripts/instcheck 2>&1"); said != "" {
		t.Errorf("instcheck says %q", said)
	}
	m.in(func() error {
		for _, e := range lab.Hier() {
			if strings.IndexByte("dzpc", e.Type) < 0 {
				continue
			}
			var st unix.Stat_t
			if err := unix.Lstat(home+"/"+e.Path, &st); err != nil {
				t.Errorf("%s: %v", e.Path, err)
				continue
			}
			if os.FileMode(st.Mode&0o7777) != e.Mode || int(st.Uid) != users.Uid(e.Owner) || int(st.Gid) != users.Gid(e.Group) {
				t.Errorf("%s has mode %o, owner %d, group %d; want %+v", e.Path, st.Mode, st.Uid, st.Gid, e)
			}
		}
		return nil
	})
	m.run("sh", "-c", "cp "+home+"/doc/control.example/* "+home+"/control/ && cp "+home+"/doc/alias.example/.qmail* "+home+"/alias/ && cp "+home+"/boot/rc "+home+"/rc")
	m.start()
	m.listen()
	m.smtpSend("installed", "visitor@elsewhere.example", "john@linuxfromsource.org")
	m.awaitMail("john", "Subject: installed")
	m.send("susie", "from here", "postmaster@"+site.Me)
	m.awaitMail("john", "Subject: from here")
	m.awaitEmpty()
}

func TestThePairIsInstalledAsItShouldBe(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.install()
	const variables = "export DESTDIR=/tmp/dest CYRUSBIN=/opt/imap/bin; cd /tmp/tree; "
	m.run("sh", "-c", variables+"rm -rf bin/imap; cp -R scripts/imap bin/; sh scripts/install pair")
	if said := m.run("sh", "-c", variables+"sh scripts/instcheck pair 2>&1"); said != "" {
		t.Errorf("instcheck says %q", said)
	}
	m.in(func() error {
		for path, want := range map[string]struct {
			mode  os.FileMode
			owner string
		}{
			"/opt/imap/bin/deliver": {0o4755, "cyrus"}, "/opt/imap/bin/master": {0o755, "root"}, "/usr/cyrus": {0o755, "cyrus"},
			"/usr/bin/cyradm": {0o755, "root"}, "/usr/sbin/saslpasswd2": {0o755, "root"}, "/usr/cyrus/tools/mkimap": {0o755, "root"},
			"/usr/cyrus/imap.example/cyrus.conf": {0o644, "root"}, "/usr/cyrus/boot/init": {0o755, "root"},
			"/usr/anomy/bin/sanitizer": {0o755, "root"}, "/usr/anomy/bin/sanitizer.pl": {0o755, "root"}, "/usr/anomy/anomy.example/anomy.conf": {0o644, "root"},
			"/usr/share/man/man1/sanitizer.1": {0o644, "root"}, "/usr/share/man/man5/anomy.conf.5": {0o644, "root"},
			"/usr/share/man/man8/imapd.8": {0o644, "root"}, "/usr/share/man/man5/imapd.conf.5": {0o644, "root"},
		} {
			var st unix.Stat_t
			if err := unix.Stat("/tmp/dest"+path, &st); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if os.FileMode(st.Mode&0o7777) != want.mode || int(st.Uid) != users.Uid(want.owner) {
				t.Errorf("%s has mode %o, owner %d; want %+v", path, st.Mode, st.Uid, want)
			}
		}
		for _, path := range []string{"/tmp/dest/etc", "/tmp/dest/var", home + "/man/man8/imapd.8"} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is there", path)
			}
		}
		return nil
	})
	if said := m.run("sh", "-c", variables+"chmod 755 /tmp/dest/opt/imap/bin/deliver; sh scripts/instcheck pair 2>&1; true"); said != "instcheck: warning: /tmp/dest/opt/imap/bin/deliver has wrong permissions\n" {
		t.Errorf("instcheck says %q", said)
	}
}

func TestInstallingOverARunningSystemTouchesNoMailAndNoControlFile(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.install()
	m.control("me", site.Me+"\n")
	m.control("locals", "only.example\n")
	m.run("cp", home+"/boot/rc", home+"/rc")
	m.start()
	m.replace("qmail-remote", "cat >/dev/null; printf 's\\0Znot now\\n\\0'")
	m.send("susie", "waits", "somebody@far.example")
	m.awaitLog("deferral: not_now/")
	m.run("umount", home+"/bin/qmail-remote")
	before := m.queued()
	m.run("sh", "-c", "cd /tmp/tree && sh scripts/install && sh scripts/instcheck")
	if after := m.queued(); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("the queue has %v, had %v", after, before)
	}
	if locals, _ := m.read(home + "/control/locals"); locals != "only.example\n" {
		t.Errorf("control/locals is %q", locals)
	}
	m.send("susie", "goes", "dirk@only.example")
	m.awaitMail("dirk", "Subject: goes")
}

func TestTheInitScriptStartsStopsAndRestarts(t *testing.T) {
	t.Parallel()
	need(t, "pkill", "procps")
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference has no init script")
	}
	init := func(word string) string {
		t.Helper()
		return m.run("sh", home+"/boot/init", word)
	}
	m.run("sh", "-c", "rm "+home+"/rc; cp "+home+"/boot/rc "+home+"/rc")
	// The script leaves the system in the background, with its output.
	m.run("sh", "-c", "sh "+home+"/boot/init start >/dev/null 2>&1 </dev/null")
	m.await("qmail-send to start", func() bool { return m.log.has("status: local 0/") })
	if said := init("start"); said != "qmail is already running\n" {
		t.Errorf("a second start says %q", said)
	}
	m.send("susie", "one", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: one")
	m.control("locals", site.Me+"\nnew.example\n")
	init("restart")
	m.await("the new local domain", func() bool {
		m.send("susie", "two", "dirk@new.example")
		return m.log.has("to local dirk@new.example")
	})
	if said := init("status"); !strings.HasPrefix(said, "qmail is running\nmessages in queue: ") {
		t.Errorf("status says %q", said)
	}
	init("stop")
	m.awaitGone()
	if said, err := m.try("root", "", nil, "sh", home+"/boot/init", "status"); said != "qmail is not running\n" || err == nil {
		t.Errorf("status says %q, %v", said, err)
	}
}
