package smtp

import (
	"errors"
	"strconv"

	"goqmail/lib/dnsbl"
)

// blocklists are lists of hosts that are told by DNS.
type blocklists struct {
	on      bool           // there is a dnsbllist
	verdict *dnsbl.Verdict // nil: they were not asked yet
}

// blocked is the reply to a recipient from a client that lists of hosts do not
// let send, "" for all others. The lists are asked once, for the first recipient
// that nothing else refuses.
//
// The client may go on and be refused again, rather than be hung up on: it hears
// what is the matter with each of its recipients, and may log in.
func (s *session) blocked() (reply string, err error) {
	if !s.blocklists.on {
		return "", nil
	}
	_, skip := s.call.Env.Lookup("DNSBLSKIP")
	if skip || s.relayClient != nil {
		s.call.Env = s.call.Env.Without("RBLRESULT")
		return "", nil
	}
	if s.blocklists.verdict == nil {
		if s.blocklists.verdict, err = s.askBlocklists(); err != nil {
			s.note("fatal: " + err.Error())
			return "", errors.Join(hangUp(replyNoBlocklist), err)
		}
		s.noteVerdict()
	}
	s.call.Env = s.call.Env.With("RBLRESULT", string(s.blocklists.verdict.Result))
	switch s.blocklists.verdict.Result {
	case dnsbl.Delay:
		return "451 " + s.blocklists.verdict.Text, nil
	case dnsbl.Reject:
		return "553 " + s.blocklists.verdict.Text, nil
	}
	return "", nil
}

func (s *session) askBlocklists() (*dnsbl.Verdict, error) {
	if v, ok := dnsbl.FromEnv(s.call.Env); ok {
		return &v, nil
	}
	s.out.Flush() // this may take a while
	v, err := dnsbl.Ask(s.hop.RemoteIP, s.call.Env, s.call.Err())
	return &v, err
}

// noteVerdict tells the log whom the lists refuse: in the words of rblsmtpd, which
// logwatch counts, and in those of a patch to qmail-smtpd, by which fail2ban
// knows clients. There, 421 is no reply but part of the words.
func (s *session) noteVerdict() {
	code := ""
	switch s.blocklists.verdict.Result {
	case dnsbl.Delay:
		code = "451"
	case dnsbl.Reject:
		code = "553"
	default:
		return
	}
	s.call.Err().WriteString("rblsmtpd: " + dnsbl.Line(s.hop.RemoteIP) + " pid " + strconv.Itoa(s.call.Pid) + ": " + code + " " + s.blocklists.verdict.Text + "\n")
	s.note("421 badiprbl: ip " + s.hop.RemoteIP + " rbl: " + s.blocklists.verdict.Zone)
}
