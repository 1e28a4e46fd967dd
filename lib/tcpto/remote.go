package tcpto

import (
	"os"
	"time"
)

// Notes are the notes as one delivery sees them. The zero value is ready.
type Notes struct{ known bool }

// Dead tells whether a connection to ip should not even be tried: the last
// two attempts or more timed out, the last of them within the hour or so. How
// long exactly depends on the process, lest all come back at once.
func (n *Notes) Dead(ip [4]byte) bool { return n.dead(Path(), ip, time.Now(), os.Getpid()) }

func (n *Notes) dead(path string, ip [4]byte, now time.Time, pid int) bool {
	n.known = false
	table, err := Load(path)
	if err != nil {
		return false
	}
	table.Close()
	i := table.find(ip)
	if i < 0 {
		return false
	}
	n.known = true
	r := &table.Records[i]
	return r.Count() >= 2 && r.Age(now) < int64(60+pid&31)<<6
}

// TimedOut notes that a connection to ip timed out. Attempts within two minutes
// of each other count as one.
func (n *Notes) TimedOut(ip [4]byte) { timedOut(Path(), ip, time.Now()) }

func timedOut(path string, ip [4]byte, now time.Time) {
	table, err := Load(path)
	if err != nil {
		return
	}
	defer table.Close()
	if len(table.Records) == 0 {
		return
	}
	i := table.find(ip)
	if i < 0 {
		i = table.room(now)
		copy(table.Records[i][:], ip[:])
		table.Records[i].set(1, now)
	} else {
		r := &table.Records[i]
		if r.Count() != 0 && r.Age(now) < 120 {
			return
		}
		r.set(min(r.Count()+1, 10), now)
	}
	table.write(i)
}

// Answered notes that ip has answered. Call Dead for ip before it: where that
// found no note there is none to take back.
func (n *Notes) Answered(ip [4]byte) {
	if n.known {
		answered(Path(), ip)
	}
}

func answered(path string, ip [4]byte) {
	table, err := Load(path)
	if err != nil {
		return
	}
	defer table.Close()
	if i := table.find(ip); i >= 0 {
		table.Records[i][4] = 0
		table.write(i)
	}
}

// find returns the index of the first record with an address, free or not, or
// -1.
func (t *Table) find(ip [4]byte) int {
	for i := range t.Records {
		if t.Records[i].IP() == ip {
			return i
		}
	}
	return -1
}

// room returns the index of a record to use for another address: a free one, or
// else the oldest, where each timeout makes a record younger by 1024 seconds.
func (t *Table) room(now time.Time) int {
	oldest := 0
	for i := range t.Records {
		r := &t.Records[i]
		if r.Count() == 0 {
			return i
		}
		if t.Records[oldest].rank(now) < r.rank(now) {
			oldest = i
		}
	}
	return oldest
}

func (r *Record) rank(now time.Time) int64 { return r.Age(now) - int64(r.Count())<<10 }
