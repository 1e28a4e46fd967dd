package qmail

import "goqmail/lib/exit"

// The exit codes of qmail-queue and of programs that stand in for it. 11 to 40
// are permanent, all others temporary.
const (
	ExitLong     = 11 // an address is too long
	ExitRefused  = 31 // refused, for good
	ExitMemory   = 51
	ExitTimeout  = 52
	ExitWrite    = 53 // write error or disk full
	ExitRead     = 54 // read error, or the message or envelope ends early
	ExitConfig   = 55
	ExitNetwork  = 56
	ExitHome     = 61 // the home directory
	ExitQueue    = 62 // the queue directory
	ExitPid      = 63 // the file in queue/pid
	ExitMess     = 64 // the link in queue/mess
	ExitIntd     = 65 // the file in queue/intd
	ExitTodo     = 66 // the link in queue/todo
	ExitTry      = 71 // refused, for now
	ExitConnect  = 72 // 72 to 74: a queue on another machine
	ExitRejected = 73
	ExitLost     = 74
	ExitBug      = 81
	exitCustom   = 82  // the reason was written: D or Z and a text
	exitIndimail = 88  // the same in other programs
	ExitEnvelope = 91  // the envelope is not one
	exitCompat   = 115 // what 11 once was
	ExitNoExec   = 120 // there is no qmail-queue
)

// answer turns an exit code into the error that callers report; nil for 0.
func answer(code int) error {
	switch code {
	case 0:
		return nil
	case ExitLong, exitCompat:
		return exit.Reject("envelope address too long for qq (#5.1.3)", nil)
	case ExitRefused:
		return exit.Reject("mail server permanently rejected message (#5.3.0)", nil)
	case ExitMemory:
		return exit.Defer("qq out of memory (#4.3.0)", nil)
	case ExitTimeout:
		return exit.Defer("qq timeout (#4.3.0)", nil)
	case ExitWrite:
		return exit.Defer("qq write error or disk full (#4.3.0)", nil)
	case ExitRead:
		return exit.Defer("qq read error (#4.3.0)", nil)
	case ExitConfig:
		return exit.Defer("qq unable to read configuration (#4.3.0)", nil)
	case ExitNetwork:
		return exit.Defer("qq trouble making network connection (#4.3.0)", nil)
	case ExitHome:
		return exit.Defer("qq trouble in home directory (#4.3.0)", nil)
	case ExitQueue, ExitPid, ExitMess, ExitIntd, ExitTodo:
		return exit.Defer("qq trouble creating files in queue (#4.3.0)", nil)
	case ExitTry:
		return exit.Defer("mail server temporarily rejected message (#4.3.0)", nil)
	case ExitConnect:
		return exit.Defer("connection to mail server timed out (#4.4.1)", nil)
	case ExitRejected:
		return exit.Defer("connection to mail server rejected (#4.4.1)", nil)
	case ExitLost:
		return exit.Defer("communication with mail server failed (#4.4.2)", nil)
	case ExitBug, ExitEnvelope:
		return exit.Defer("qq internal bug (#4.3.0)", nil)
	case ExitNoExec:
		return exit.Defer("unable to exec qq (#4.3.0)", nil)
	}
	if 11 <= code && code <= 40 {
		return exit.Reject("qq permanent problem (#5.3.0)", nil)
	}
	return exit.Defer("qq temporary problem (#4.3.0)", nil)
}
