package smtp

import (
	"os"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
)

// mfCheck is whether DNS must know the domains of senders: 0 for no; above 1 the
// log tells whom it does not know, above 2 also whom it does.
type mfCheck int

// heed has MFCHECK count before mfcheck, and MFDNSCHECK, which is for clients
// without RELAYCLIENT.
func (m *mfCheck) heed(env call.Env) {
	if value, ok := env.Lookup("MFCHECK"); ok {
		*m = mfCheck(leadingNumber(value))
	}
	_, wanted := env.Lookup("MFDNSCHECK")
	_, relays := env.Lookup("RELAYCLIENT")
	if wanted && !relays {
		*m = max(*m, 1)
	}
	*m = max(*m, 0)
}

// unknownDomain is the reply to a sender whose domain DNS does not know, "" for
// all others: bounces among them, single and double.
func (s *session) unknownDomain(sender string) (reply string) {
	if s.mfCheck == 0 || sender == "" || sender == "#@[]" {
		return ""
	}
	domain := sender[strings.LastIndexByte(sender, '@')+1:]
	what, reply := "pass", ""
	switch {
	case domain == "" || domain == sender || strings.Contains(domain, "\x00"):
		what, reply = "invalid", replyNoDomain
	default:
		switch s.lookUp(domain) {
		case exit.OK:
		case exit.Perm:
			what, reply = "fail", replyNoDomain
		default:
			what, reply = "fail", replyDNS
		}
	}
	if s.mfCheck > 2 || s.mfCheck > 1 && reply != "" {
		s.note("MFCHECK " + what + " [" + s.hop.RemoteIP + "] " + domain)
	}
	return reply
}

// lookUpLimit is how long a client waits for what DNS says of its domain.
const lookUpLimit = 60 * time.Second

// lookUp is the exit code of dnsmxip(8), which is big enough for DNS.
func (s *session) lookUp(domain string) int {
	s.out.Flush() // this may take a while
	cmd := child.Cmd{
		Path: auto.Home + "/bin/dnsmxip", Args: []string{"dnsmxip", domain}, Env: s.call.Env, Dir: auto.Home,
		Files: make([]*os.File, 3), Large: true,
	}
	pid, err := cmd.Start()
	if err != nil {
		return exit.Temp
	}
	limit := time.AfterFunc(lookUpLimit, func() { syscall.Kill(pid, syscall.SIGKILL) })
	status, err := child.Wait(pid)
	limit.Stop()
	if err != nil || status.Signaled() {
		return exit.Temp
	}
	return status.ExitStatus()
}
