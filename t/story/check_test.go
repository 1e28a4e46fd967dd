//go:build linux

package story

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// check runs qmail-check as a user, and returns its exit code and what it says.
func (m *machine) check(user string, parts ...string) (code int, out string) {
	m.t.Helper()
	out, err := m.try(user, "", nil, append([]string{home + "/bin/qmail-check"}, parts...)...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), out
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return 0, out
}

// An installed system is fine. What is then broken is found, and the commands that
// qmail-check names mend it.
func TestACheckFindsWhatIsWrongAndSaysHowToMendIt(t *testing.T) {
	t.Parallel()
	const zone = "v.example MX 10 a.example\n"
	h := newHosts(t, zone, addrA, addrB)[0] // a host alone has no address
	h.needOurs("qmail-check")
	h.install()
	h.run("sh", "-c", "cp /tmp/tree/alias.example/.qmail-* "+home+"/alias/ && cp /tmp/tree/scripts/rc "+home+"/rc && sed -i s,QMAIL,"+home+", "+home+"/rc")
	for _, name := range []string{"me", "locals", "rcpthosts"} {
		h.control(name, h.name+"\n")
	}
	h.control("rcpthosts", h.name+"\nv.example\n")
	h.control("virtualdomains", "v.example:susie\n")
	h.write("/home/susie/.qmail-default", "./Maildir/\n", "susie")
	if code, out := h.check("root"); code != 2 || out != "error: daemons: qmail-send does not run, and so nothing is delivered. Type: "+home+"/rc &\n" {
		t.Fatalf("before it starts: %d\n%s", code, out)
	}
	// What qmail-check finds in a queue that was damaged, qmail-q fix mends.
	h.run("sh", "-c", "cd "+home+"/queue && cp /etc/passwd mess/1/1000001 && cp lock/tcpto todo/77 && cp lock/tcpto remote/2/stray && : >bounce/5")
	if code, out := h.check("root", "queue"); code != 2 || strings.Count(out, ". Type: "+home+"/bin/qmail-q fix\n") < 4 {
		t.Errorf("a damaged queue: %d\n%s", code, out)
	}
	h.run(home+"/bin/qmail-q", "fix", "-y")
	if code, out := h.check("root", "queue"); code != 0 || out != "" {
		t.Errorf("a mended queue: %d\n%s", code, out)
	}
	h.run("mount", "-t", "tmpfs", "-o", "size=8m", "none", home+"/queue")
	if code, out := h.check("root", "disk"); code != 2 || !strings.HasPrefix(out, "error: queue: the disk is full: 8 MB are left. Type: df -h ") {
		t.Errorf("a full disk: %d\n%s", code, out)
	}
	h.run("umount", home+"/queue")
	h.start()
	if code, out := h.check("root"); code != 0 || out != "" {
		t.Fatalf("a good system: %d\n%s", code, out)
	}
	// Without root's rights less is seen, and said.
	code, out := h.check("susie")
	if code != 0 || !strings.Contains(out, "unseen: daemons: access denied. Type: sudo "+home+"/bin/qmail-check\n") || strings.Contains(out, "error: ") || strings.Contains(out, "warning: ") {
		t.Errorf("for susie: %d\n%s", code, out)
	}

	h.run("sh", "-c", "cd "+home+` && sed -i 's/$/\r/' control/locals && printf 'x.example:susie' >>control/virtualdomains && mv control/me control/em &&
		chmod 755 bin/qmail-queue && chown root queue/mess/3 && rm queue/lock/trigger && mkfifo queue/lock/trigger && rm -r queue/bounce &&
		echo '=joe:susie:1:1:/home/susie:::' >users/assign && chmod 666 alias/.qmail-root`)
	code, out = h.check("root")
	for _, want := range []string{
		"warning: control/em: no program reads a file of this name; me is one. Type: mv ",
		"error: control/locals: lines end in CR LF",
		"warning: control/virtualdomains: the last line lacks its newline",
		"warning: users/assign: is not in force: there is no users/cdb. Type: ",
		"error: users/assign: lacks the line with a dot",
		"error: bin/qmail-queue: has mode 755, not 4711. Type: chmod 4711 " + home + "/bin/qmail-queue\n",
		"error: queue/mess/3: belongs to 0:",
		"error: queue/lock/trigger: belongs to 0:0, not to qmails:qmail. Type: chown qmails:qmail ",
		"error: queue/bounce: does not exist. Type: make setup\n",
		"error: alias/.qmail-root: everybody may write it",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code != 2 {
		t.Errorf("exit code %d", code)
	}
	// As an administrator does, until there is nothing more to type.
	for range 3 {
		typed := map[string]bool{}
		for line := range strings.Lines(out) {
			_, command, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ". Type: ")
			if !ok || typed[command] || strings.HasPrefix(command, "echo x.example") || strings.HasSuffix(command, "&") || strings.HasPrefix(command, "dns") {
				continue
			}
			typed[command] = true
			h.try("root", "", nil, "sh", "-c", strings.ReplaceAll(command, "make setup", "cd /tmp/tree && sh scripts/install"))
		}
		_, out = h.check("root")
	}
	// The trigger is another's now, and x.example is nobody's.
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "x.example") && !strings.HasPrefix(line, "error: daemons: ") && !strings.HasPrefix(line, "error: control/rcpthosts") {
			t.Errorf("still: %s", line)
		}
	}

	// What others see of this host.
	h.control("virtualdomains", "v.example:susie\n")
	h.setNames("a.example A 192.0.2.9\nv.example MX 5 b.example\nb.example A 192.0.2.7\n")
	want := "warning: control/me: a.example is 192.0.2.9 in the DNS, which is neither an address of this host nor in control/moreipme. Type: ipmeprint\n" +
		"warning: dns: a.example is one of ours, but its mail is sent to 192.0.2.9, and that is not this host. Type: dnsmxip a.example\n" +
		"warning: dns: v.example is one of ours, but its mail is sent to 192.0.2.7, and that is not this host. Type: dnsmxip v.example\n"
	if code, out := h.check("root", "dns"); code != 1 || out != want {
		t.Errorf("dns: %d\n%s", code, out)
	}
	h.setNames("a.example A 192.0.2.1\n1.2.0.192.in-addr.arpa PTR other.example\n")
	want = "warning: dns: 192.0.2.1 of a.example is called other.example. Type: dnsptr 192.0.2.1\n" +
		"warning: dns: v.example is one of ours, and is not in the DNS: nobody can send to it. Type: dnsmxip v.example\n"
	if code, out := h.check("root", "dns"); code != 1 || out != want {
		t.Errorf("reverse: %d\n%s", code, out)
	}
	h.resolvConf("nameserver 127.0.0.9\noptions timeout:1 attempts:1\n")
	if code, out := h.check("root", "dns"); code != 0 || !strings.HasPrefix(out, "unseen: dns: there is no answer: ") {
		t.Errorf("no name server: %d\n%s", code, out)
	}
}
