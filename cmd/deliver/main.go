// Deliver puts a message into mailboxes.
//
//	deliver [ options ] [ recipient ... ]
//
// It reads the message from descriptor 0 and hands it to lmtpd by LMTP or, when that
// does not answer, to an lmtpd of its own. It may run setuid cyrus, so that users can
// deliver without lmtpd: settle shows what they may then. See deliver(8).
package main

import (
	"io"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/imapconf"
	"goqmail/lib/socket"
)

func main() { call.Main(run) }

// Exit codes, of sysexits.h.
const (
	exitUsage    = 64
	exitData     = 65 // some recipients cannot get the message
	exitTempFail = 75
	exitConfig   = 78 // Cyrus's for "couldn't connect to lmtpd"
)

func run(c *call.Call) int {
	o, problem := parse(c.Args)
	if problem != "" {
		io.WriteString(c.Err(), problem+usage)
		return exitUsage
	}
	caller, err := settle(o.config != imapconf.Default || o.pipe)
	if err != nil {
		return fail(c, exitTempFail, err.Error())
	}
	conf, err := imapconf.Read(o.config)
	if err == nil {
		err = conf.Check()
	}
	if err != nil {
		return fail(c, exitTempFail, err.Error())
	}
	d := delivery{
		socket: conf.String("lmtpsocket", conf.String("configdirectory", "")+"/socket/lmtp"),
		lmtpd:  auto.Cyrus + "/lmtpd",
		config: o.config,
		limits: limits{connect: 10 * time.Second, reply: time.Minute, done: 10 * time.Minute},
		report: c.Err(),
	}
	unavailable := exitTempFail
	if conf.Int("deliver_unavailable_code", 0) == exitConfig {
		unavailable = exitConfig
	}
	if o.pipe {
		return d.pipe(c, unavailable)
	}
	message, err := read(c.In())
	if err != nil {
		return fail(c, exitTempFail, "unable to read message: "+err.Error())
	}
	defer message.close()
	d.envelope = o.envelope(caller)
	d.message = message
	recipients := o.recipients()
	if err := d.deliver(recipients); err != nil {
		io.WriteString(c.Err(), "couldn't connect to lmtpd: "+err.Error()+"\n")
		return fail(c, unavailable, "couldn't connect to lmtpd")
	}
	return result(recipients, c.Out(), c.Err())
}

// fail says why nothing was delivered, as a reply of LMTP.
func fail(c *call.Call, code int, why string) int {
	io.WriteString(c.Out(), "421 4.3.0 deliver: "+why+"\r\n")
	return code
}

// result says what became of the recipients, and returns the exit code.
func result(recipients []*recipient, out, report io.Writer) (code int) {
	for _, r := range recipients {
		switch {
		case r.reply.good():
		case r.reply.temporary():
			io.WriteString(report, r.address+": "+r.reply.text()+"\n")
			code = exitTempFail
		default:
			io.WriteString(out, r.address+": "+r.reply.text()+"\n")
			if code == 0 {
				code = exitData
			}
		}
	}
	return code
}

// pipe copies between descriptors 0 and 1 and lmtpd.
func (d *delivery) pipe(c *call.Call, unavailable int) int {
	conn, err := socket.ConnectUnix(d.socket, d.limits.connect)
	if err != nil {
		io.WriteString(c.Err(), "couldn't connect to lmtpd: "+err.Error()+"\n")
		return fail(c, unavailable, "couldn't connect to lmtpd")
	}
	defer conn.Close()
	go func() {
		io.Copy(conn, c.In())
		socket.CloseWrite(conn) // lmtpd ends, and so do we
	}()
	if _, err := io.Copy(c.Out(), conn); err != nil {
		return exitTempFail
	}
	return 0
}
