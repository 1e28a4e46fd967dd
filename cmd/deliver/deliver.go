package main

import (
	"os"

	"goqmail/lib/child"
	"goqmail/lib/socket"
)

// delivery is a message and the ways to deliver it.
type delivery struct {
	socket   string // of lmtpd
	lmtpd    string // the program
	config   string // its configuration
	limits   limits
	report   *os.File // where an lmtpd of our own says what is wrong
	envelope envelope
	message  *message
}

// deliver hands the message to lmtpd, and what that does not answer for to an lmtpd of
// its own: the same checks, the same files. A recipient for whom lmtpd has delivered, but
// not said so, gets no second copy because lmtpd knows what it has delivered. The error
// is that of lmtpd when nothing came of either.
func (d *delivery) deliver(to []*recipient) error {
	down := d.byServer(to)
	if down == nil {
		return nil
	}
	d.byOwn(unanswered(to)) // what it could not do is seen in the replies
	left := unanswered(to)
	if len(left) == len(to) {
		return down
	}
	for _, r := range left {
		r.reply = "421 4.3.0 lmtpd does not answer"
	}
	return nil
}

// unanswered returns those of whom nothing is known.
func unanswered(to []*recipient) (all []*recipient) {
	for _, r := range to {
		if r.reply == "" {
			all = append(all, r)
		}
	}
	return all
}

func (d *delivery) byServer(to []*recipient) error {
	conn, err := socket.ConnectUnix(d.socket, d.limits.connect)
	if err != nil {
		return err
	}
	defer conn.Close()
	return newSession(conn, d.limits).send(d.envelope, d.message, to)
}

// byOwn starts lmtpd with a connection. Nothing of the caller's environment goes there.
func (d *delivery) byOwn(to []*recipient) error {
	ours, theirs, err := socket.Pair()
	if err != nil {
		return err
	}
	cmd := child.Cmd{
		Path: d.lmtpd, Args: []string{"lmtpd", "-C", d.config}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/",
		Files: []*os.File{theirs, nil, d.report}, Large: true,
	}
	pid, err := cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return err
	}
	err = newSession(ours, d.limits).send(d.envelope, d.message, to)
	ours.Close()
	child.Wait(pid)
	return err
}
