// Qmail-tcpto prints qmail-remote's notes on hosts that timed out.
//
//	qmail-tcpto
//
// It prints one line for each address, and exits 111 when it cannot, with the
// reason on descriptor 1 as well. See lib/tcpto.
package main

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/tcpto"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	list, err := notes(time.Now())
	if err != nil {
		c.Out().WriteString("fatal: " + err.Error() + "\n")
		return exit.Code(err)
	}
	c.Out().Write(list)
	return exit.OK
}

// notes lists the notes on both kinds of addresses. There may be no file for
// IPv6.
func notes(now time.Time) (list []byte, err error) {
	for _, dir := range []string{auto.Home, "queue/lock"} {
		if err := os.Chdir(dir); err != nil {
			return nil, exit.Defer("unable to chdir", err)
		}
	}
	for _, family := range []tcpto.Family{tcpto.IPv4, tcpto.IPv6} {
		table, err := family.Load(family.Name())
		if family == tcpto.IPv6 && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		table.Close()
		for _, r := range table.Records {
			if r.Count() >= 1 {
				list = appendLine(list, r, now)
			}
		}
	}
	return list, nil
}

func appendLine(b []byte, r tcpto.Record, now time.Time) []byte {
	b = append(b, r.Addr().String()...)
	b = append(b, " timed out "...)
	b = strconv.AppendUint(b, uint64(r.Age(now)), 10)
	b = append(b, " seconds ago; # recent timeouts: "...)
	b = strconv.AppendInt(b, int64(r.Count()), 10)
	return append(b, '\n')
}
