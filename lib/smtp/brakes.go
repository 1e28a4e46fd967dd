package smtp

import (
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/timeout"
)

// tarpit makes those wait who name many recipients.
type tarpit struct {
	count int           // from this recipient of a message on; 0: never
	delay time.Duration // before the reply to each
}

// readTarpit reads tarpitcount and tarpitdelay.
func readTarpit() (t tarpit, err error) {
	if t.count, err = control.Int("tarpitcount", 0); err != nil {
		return t, err
	}
	seconds, err := control.Int("tarpitdelay", 5)
	t.delay = time.Duration(max(seconds, 0)) * time.Second
	return t, err
}

// heed has the variables of the same names in capitals count before the files.
func (t *tarpit) heed(env call.Env) {
	if value, ok := env.Lookup("TARPITCOUNT"); ok {
		t.count = leadingNumber(value)
	}
	if value, ok := env.Lookup("TARPITDELAY"); ok {
		t.delay = time.Duration(leadingNumber(value)) * time.Second
	}
}

// hold waits if a message has that many recipients.
func (t tarpit) hold(recipients int) {
	if t.count > 0 && recipients >= t.count {
		time.Sleep(t.delay)
	}
}

// greetDelay makes clients wait for the greeting. Those that send spam often do not.
type greetDelay struct {
	delay time.Duration
	drop  bool // who does not wait is turned away
}

// readGreetDelay takes SMTPD_GREETDELAY or GREETDELAY, in seconds, and
// DROP_PRE_GREET. Clients with RELAYCLIENT are not delayed.
func readGreetDelay(env call.Env) greetDelay {
	value, ok := env.Lookup("SMTPD_GREETDELAY")
	if !ok {
		value = env.Get("GREETDELAY")
	}
	if _, relays := env.Lookup("RELAYCLIENT"); relays {
		value = ""
	}
	return greetDelay{time.Duration(leadingNumber(value)) * time.Second, leadingNumber(env.Get("DROP_PRE_GREET")) > 0}
}

// hold waits. The error is one for a client that has spoken before.
func (g greetDelay) hold(in *os.File) error {
	if g.delay == 0 {
		return nil
	}
	end := time.Now().Add(g.delay)
	raw, err := in.SyscallConn()
	if err != nil {
		return err
	}
	var early bool
	raw.Control(func(fd uintptr) { early = timeout.Poll(int(fd), unix.POLLIN, g.delay) == nil })
	if early && g.drop {
		return hangUp(replyTooEarly)
	}
	time.Sleep(time.Until(end))
	return nil
}

// leadingNumber is the number at the start of s, 0 if there is none, and at
// most what 31 bits hold.
func leadingNumber(s string) int {
	n := 0
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = min(n*10+int(s[i]-'0'), math.MaxInt32)
	}
	return n
}
