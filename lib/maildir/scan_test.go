package maildir

import (
	"math/rand"
	"os"
	"slices"
	"testing"
	"time"
)

// touch makes a file that was last read and changed some time ago.
func touch(t *testing.T, name string, read, changed time.Duration) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := os.Chtimes(name, now.Add(-read), now.Add(-changed)); err != nil {
		t.Fatal(err)
	}
}

func TestClean(t *testing.T) {
	dir := empty(t)
	touch(t, dir+"/tmp/old", 37*time.Hour, time.Hour)
	touch(t, dir+"/tmp/.old", 37*time.Hour, time.Hour)
	touch(t, dir+"/tmp/young", 35*time.Hour, 99*time.Hour)
	touch(t, dir+"/new/old", 99*time.Hour, 99*time.Hour)
	Clean(dir)
	if got, want := names(t, dir+"/tmp"), []string{".old", "young"}; !slices.Equal(got, want) {
		t.Errorf("left in tmp: %q, want %q", got, want)
	}
	if got := names(t, dir+"/new"); len(got) != 1 {
		t.Error("a message was removed")
	}
	Clean(dir + "/missing") // nothing to do, nothing to say
}

func TestScan(t *testing.T) {
	dir := empty(t)
	touch(t, dir+"/new/b", 0, 3*time.Hour)
	touch(t, dir+"/cur/a:2,S", 0, 4*time.Hour)
	touch(t, dir+"/new/c", 0, 2*time.Hour)
	touch(t, dir+"/cur/d:2,", 0, 2*time.Second)
	touch(t, dir+"/new/.hidden", 0, time.Hour)
	touch(t, dir+"/new/from the future", 0, -time.Hour)
	for _, row := range []struct{ subdirs, want []string }{
		{[]string{"new", "cur"}, []string{"cur/a:2,S", "new/b", "new/c", "cur/d:2,"}},
		{[]string{"new"}, []string{"new/b", "new/c"}},
		{nil, nil},
	} {
		messages, err := Scan(dir, row.subdirs...)
		var got []string
		for _, m := range messages {
			got = append(got, m.Name)
		}
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("Scan %q: got %q, %v, want %q", row.subdirs, got, err, row.want)
		}
	}
}

func TestScanFails(t *testing.T) {
	dir := empty(t)
	os.Remove(dir + "/cur")
	const want = "unable to scan $MAILDIR/cur: file does not exist"
	if got, err := Scan(dir, "new", "cur"); err == nil || err.Error() != want || got != nil {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
}

func TestQueueOrders(t *testing.T) {
	for n := range 40 {
		var q queue
		for range n {
			q.insert(Message{Arrived: int64(rand.Intn(20))})
		}
		got := q.drain()
		if len(got) != n || !slices.IsSortedFunc(got, func(a, b Message) int { return int(a.Arrived - b.Arrived) }) {
			t.Errorf("%d messages: %v", n, got)
		}
	}
}
