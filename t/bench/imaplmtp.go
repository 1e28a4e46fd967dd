//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
)

// lmtps brings messages into INBOX, counts them there and removes them.
func (r *imapRun) lmtps() {
	if r.lmtp == "" {
		return
	}
	c := r.login()
	defer c.logout()
	for _, k := range []int{1, imapParallel} {
		before := c.do("EXISTS", "SELECT INBOX")
		r.time(fmt.Sprintf("%d messages by LMTP, %d connections", imapArrivals, k), func() {
			parallel(k, func(who int) { r.deliver(who, k) })
		})
		expect(c.do("EXISTS", "SELECT INBOX"), before+imapArrivals, "SELECT after LMTP")
		c.do("", `STORE 1:* +FLAGS.SILENT (\Deleted)`)
		c.do("", "EXPUNGE")
	}
}

// deliver brings every k-th message by one connection.
func (r *imapRun) deliver(first, k int) {
	conn, err := net.Dial("tcp", r.lmtp)
	must(err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(text, want string) {
		_, err := conn.Write([]byte(text))
		must(err)
		code, err := reply(in)
		must(err)
		if code[:1] != want {
			panic("LMTP: " + code)
		}
	}
	say("", "2")
	say("LHLO bench.test\r\n", "2")
	for i := first; i < imapArrivals; i += k {
		say("MAIL FROM:<sender@bench.test>\r\n", "2")
		say("RCPT TO:<"+r.user+">\r\n", "2")
		say("DATA\r\n", "3")
		say(string(arrival(i))+".\r\n", "2")
	}
	say("QUIT\r\n", "2")
}
