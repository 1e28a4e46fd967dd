package tcpto

import (
	"os"
	"time"

	"goqmail/lib/ip"
)

// Notes are the notes as one delivery sees them. The zero value is ready.
type Notes struct{ known bool }

// Dead tells whether a connection to a should not even be tried: the last
// two attempts or more timed out, the last of them within the hour or so. How
// long exactly depends on the process, lest all come back at once.
func (n *Notes) Dead(a ip.Addr) bool {
	return n.dead(family(a).Path(), a, time.Now(), os.Getpid())
}

func (n *Notes) dead(path string, a ip.Addr, now time.Time, pid int) bool {
	n.known = false
	table, err := family(a).Load(path)
	if err != nil {
		return false
	}
	table.Close()
	i := table.find(a)
	if i < 0 {
		return false
	}
	n.known = true
	r := table.Records[i]
	return r.Count() >= 2 && r.Age(now) < int64(60+pid&31)<<6
}

// TimedOut notes that a connection to a timed out. Attempts within two minutes
// of each other count as one.
func (n *Notes) TimedOut(a ip.Addr) { timedOut(family(a).Path(), a, time.Now()) }

func timedOut(path string, a ip.Addr, now time.Time) {
	table, err := family(a).Load(path)
	if err != nil {
		return
	}
	defer table.Close()
	if len(table.Records) == 0 {
		return
	}
	i := table.find(a)
	if i < 0 {
		i = table.room(now)
		table.Records[i].name(a)
		table.Records[i].set(1, now)
	} else {
		r := table.Records[i]
		if r.Count() != 0 && r.Age(now) < 120 {
			return
		}
		r.set(min(r.Count()+1, 10), now)
	}
	table.write(i)
}

// Answered notes that a has answered. Call Dead for a before it: where that
// found no note there is none to take back.
func (n *Notes) Answered(a ip.Addr) {
	if n.known {
		answered(family(a).Path(), a)
	}
}

func answered(path string, a ip.Addr) {
	table, err := family(a).Load(path)
	if err != nil {
		return
	}
	defer table.Close()
	if i := table.find(a); i >= 0 {
		table.Records[i].note()[0] = 0
		table.write(i)
	}
}

// find returns the index of the first record with an address, free or not, or
// -1.
func (t *Table) find(a ip.Addr) int {
	for i, r := range t.Records {
		if r.Addr() == a {
			return i
		}
	}
	return -1
}

// room returns the index of a record to use for another address: a free one, or
// else the oldest, where each timeout makes a record younger by 1024 seconds.
func (t *Table) room(now time.Time) int {
	oldest := 0
	for i, r := range t.Records {
		if r.Count() == 0 {
			return i
		}
		if t.Records[oldest].rank(now) < r.rank(now) {
			oldest = i
		}
	}
	return oldest
}

func (r Record) rank(now time.Time) int64 { return r.Age(now) - int64(r.Count())<<10 }
