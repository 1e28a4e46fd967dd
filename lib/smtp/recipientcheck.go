package smtp

import (
	"os"
	"strings"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/control"
	"goqmail/lib/exit"
)

// recipientCheck is the programs that decide which recipients there are; see
// qmail-smtpd(8).
type recipientCheck struct {
	lists  string // qmail-rcptcheck, if there is anything for it to look at
	own    string // what RCPTCHECK names
	relays bool   // RCPTCHECKRELAYCLIENT: ask it about recipients of relay clients, too
}

// readRecipientCheck reads RCPTCHECK, and lets qmail-rcptcheck look where there
// are lists of recipients. Set but empty, RCPTCHECK switches both off for this
// client.
func readRecipientCheck(env call.Env, lists bool) recipientCheck {
	own, set := env.Lookup("RCPTCHECK")
	if set && own == "" {
		return recipientCheck{}
	}
	r := recipientCheck{own: own, relays: leadingNumber(env.Get("RCPTCHECKRELAYCLIENT")) > 0}
	if (lists || namesLists(env)) && !repliesItself(own) {
		r.lists = auto.Home + "/bin/qmail-rcptcheck"
	}
	return r
}

// repliesItself tells whether a program is qmail-rcptcheck, which may write a
// reply to descriptor 4. Others want that descriptor as it ever was.
func repliesItself(program string) bool { return strings.HasSuffix(program, "/qmail-rcptcheck") }

// namesLists tells whether variables name something for qmail-rcptcheck to look at.
func namesLists(env call.Env) bool {
	for _, name := range [...]string{"VALIDRCPTTO", "MOREVALIDRCPTTO_CDB", "VALIDRCPTTO_CDB"} {
		if env.Get(name) != "" {
			return true
		}
	}
	return false
}

// listsRecipients tells whether there are such control files. One that we cannot
// see may be there.
func listsRecipients() bool {
	for _, name := range [...]string{
		"rcptchecks", "validrcptto", "morevalidrcptto.cdb", "goodrcptto", "moregoodrcptto.cdb", "recipients",
	} {
		if syscall.Access(control.Path(name), 0) != syscall.ENOENT {
			return true
		}
	}
	return false
}

// refuses asks the programs about a recipient and returns the reply of the one
// that refuses it, or "".
func (s *session) refuses(recipient string) (reply string, err error) {
	if s.rcptCheck.lists != "" && s.relayClient == nil {
		reply, err = s.consult(s.rcptCheck.lists, recipient)
	}
	if reply == "" && err == nil && s.rcptCheck.own != "" && (s.relayClient == nil || s.rcptCheck.relays) {
		reply, err = s.consult(s.rcptCheck.own, recipient)
	}
	return reply, err
}

// How such a program answers; see qmail-smtpd(8). Other codes accept.
const (
	checkRefuses = exit.Perm
	checkUnsure  = exit.Temp
	checkBroken  = 120
)

// consult asks one program whether mail for recipient is to be accepted. One that
// cannot tell ends the dialogue: a client must not take a refusal for an answer.
func (s *session) consult(program, recipient string) (reply string, err error) {
	cmd := child.Cmd{
		Path: program, Args: []string{program}, Dir: auto.Home,
		Env:   s.call.Env.With("SENDER", s.mail.sender).With("RECIPIENT", recipient),
		Files: []*os.File{s.conn.in, s.conn.out, s.call.Err()},
	}
	var r, w *os.File // for its reply
	if _, wants := s.call.Env.Lookup("USE_FD4"); wants || repliesItself(program) {
		if r, w, err = child.Pipe(); err != nil {
			return "", hangUp(replyNoCheck)
		}
		defer r.Close()
		cmd.Env = cmd.Env.With("USE_FD4", "1")
		cmd.Files, cmd.Keep = append(cmd.Files, nil, w), true
	}
	pid, err := cmd.Start()
	w.Close()
	if child.ForkFailed(err) {
		return "", hangUp(replyNoFork)
	}
	if err != nil {
		return "", hangUp(replyNoCheck)
	}
	status, err := child.Wait(pid)
	if err != nil || status.Signaled() {
		return "", hangUp(replyNoCheck)
	}
	switch status.ExitStatus() {
	case checkRefuses:
		if r == nil {
			return replyNoMailbox, nil
		}
		return ownReply(r)
	case checkUnsure:
		return "", hangUp(replyUnsure)
	case checkBroken:
		return "", hangUp(replyNoCheck)
	}
	return "", nil
}

// ownReply is the reply that a program which refuses has written to descriptor
// 4, or else the usual one. A reply of 421 ends the dialogue. What stays open in
// other processes does not keep us, and more than a line is not heard.
func ownReply(r *os.File) (reply string, err error) {
	var said [512]byte
	n := 0
	if raw, err := r.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			if syscall.SetNonblock(int(fd), true) == nil {
				n, _ = syscall.Read(int(fd), said[:])
			}
		})
	}
	line := string(said[:max(n, 0)])
	if end := strings.IndexFunc(line, func(c rune) bool { return c < ' ' }); end >= 0 {
		line = line[:end]
	}
	switch code := leadingNumber(line); {
	case code < 400 || code > 599 || len(line) < 4 || line[3] != ' ':
		return replyNoMailbox, nil
	case code == 421:
		return "", hangUp(line)
	}
	return line, nil
}
