// Qmail-tcpto prints qmail-remote's notes on hosts that timed out.
//
//	qmail-tcpto
//
// It prints one line for each address, and exits 111 when it cannot, with the
// reason on descriptor 1 as well. See lib/tcpto.
package main

import (
	"os"
	"strconv"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/ip"
	"goqmail/lib/tcpto"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	table, err := load()
	if err != nil {
		c.Out().WriteString("fatal: " + err.Error() + "\n")
		return exit.Code(err)
	}
	table.Close()
	now := time.Now()
	var list []byte
	for i := range table.Records {
		if r := &table.Records[i]; r.Count() >= 1 {
			list = appendLine(list, r, now)
		}
	}
	c.Out().Write(list)
	return exit.OK
}

func load() (*tcpto.Table, error) {
	for _, dir := range []string{auto.Home, "queue/lock"} {
		if err := os.Chdir(dir); err != nil {
			return nil, exit.Defer("unable to chdir", err)
		}
	}
	return tcpto.Load("tcpto")
}

func appendLine(b []byte, r *tcpto.Record, now time.Time) []byte {
	quad := r.IP()
	b = append(b, ip.V4(quad[0], quad[1], quad[2], quad[3]).String()...)
	b = append(b, " timed out "...)
	b = strconv.AppendUint(b, uint64(r.Age(now)), 10)
	b = append(b, " seconds ago; # recent timeouts: "...)
	b = strconv.AppendInt(b, int64(r.Count()), 10)
	return append(b, '\n')
}
