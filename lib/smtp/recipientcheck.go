package smtp

import (
	"os"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/child"
	"goqmail/lib/exit"
)

// How the program in RCPTCHECK answers; see qmail-smtpd(8). Other codes accept.
const (
	checkRefuses = exit.Perm
	checkUnsure  = exit.Temp
	checkBroken  = 120
)

// exists asks the program that RCPTCHECK names, by its path, whether mail for
// recipient is to be accepted. A program that cannot tell ends the dialogue:
// a client must not take a refusal for an answer.
func (s *session) exists(recipient string) (bool, error) {
	check := child.Cmd{
		Path: s.rcptCheck, Args: []string{s.rcptCheck}, Dir: auto.Home,
		Env:   s.call.Env.With("SENDER", s.mail.sender).With("RECIPIENT", recipient),
		Files: []*os.File{s.conn.in, s.conn.out, s.call.Err()},
	}
	pid, err := check.Start()
	if err == syscall.EAGAIN || err == syscall.ENOMEM {
		return false, hangUp(replyNoFork)
	}
	if err != nil {
		return false, hangUp(replyNoCheck)
	}
	status, err := child.Wait(pid)
	if err != nil || status.Signaled() {
		return false, hangUp(replyNoCheck)
	}
	switch status.ExitStatus() {
	case checkRefuses:
		return false, nil
	case checkUnsure:
		return false, hangUp(replyUnsure)
	case checkBroken:
		return false, hangUp(replyNoCheck)
	}
	return true, nil
}
