//go:build linux

package story

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mtime is the time of change of a file, in seconds.
func (m *machine) mtime(path string) (seconds int64) {
	m.t.Helper()
	m.in(func() error {
		st, err := os.Stat(path)
		if err == nil {
			seconds = st.ModTime().Unix()
		}
		return err
	})
	return seconds
}

// deferring lets nothing through to olaf.
func (m *machine) deferring() {
	m.t.Helper()
	m.write("/home/olaf/.qmail", "|echo not now; exit 111\n", "olaf")
}

// TestRetriesComeLessAndLessOften: a message is tried next when the square root
// of its age, in seconds, is larger by 10 for local recipients, by 20 for
// remote ones. qmail-send tells when that is as it ends: in the times of the
// lists of recipients. Ages are those of messages that lie in the queue already.
func TestRetriesComeLessAndLessOften(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1] // where nobody listens
	a.deferring()
	ages := []int64{0, 100, 400, 900, 1600, 3600, 6400, 86400, 6 * 86400}
	var nums []uint64
	for _, age := range ages {
		nums = append(nums, a.layMessage(layout{}, time.Duration(age)*time.Second, map[string]string{
			"info": "F" + a.at("susie") + "\x00", "local": records(a.at("olaf")), "remote": records(b.at("dirk")),
		}))
	}
	began := time.Now().Unix()
	a.start()
	a.await("every message to be tried", func() bool { return a.log.count(": deferral: ") == 2*len(ages) })
	a.stop()
	ended := time.Now().Unix()
	for i, num := range nums {
		birth := a.mtime(layout{}.path("info", num))
		for channel, skip := range map[string]int64{"local": 10, "remote": 20} {
			first, last := retry(birth, began, skip), retry(birth, ended, skip)
			if got := a.mtime(layout{}.path(channel, num)); got < first || got > last {
				t.Errorf("%s, %d seconds old: next try after %d seconds, want %d to %d", channel, ages[i], got-birth, first-birth, last-birth)
			}
		}
	}

	// Those that are due are tried, and no others.
	due := layout{}.path("remote", nums[4])
	a.in(func() error { return os.Chtimes(due, time.Now(), time.Now()) })
	tried := a.log.count("starting delivery ")
	a.start()
	a.await("the one that is due", func() bool { return a.log.count("starting delivery ") == tried+1 })
	a.enqueue("after it", a.at("susie"), a.at("dirk"))
	a.awaitMail("dirk", "Subject: after it")
	a.stop()
	if n := a.log.count("starting delivery "); n != tried+2 {
		t.Errorf("%d deliveries, want 2", n-tried)
	}
	if now := time.Now().Unix(); a.mtime(due) <= now {
		t.Error("it is due again")
	}
}

// retry is when a message is tried next that arrived at birth and is tried now.
func retry(birth, now, skip int64) int64 {
	root := int64(math.Sqrt(float64(max(0, now-birth)))) + skip
	return birth + root*root
}

// Nothing but the clock wakes qmail-send.
func TestAMessageIsTriedWhenItIsDue(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	b.up()
	num := a.layMessage(layout{}, time.Hour, map[string]string{"info": "F" + a.at("susie") + "\x00", "remote": records(b.at("dirk"))})
	due := time.Now().Truncate(time.Second).Add(2 * time.Second)
	a.in(func() error { return os.Chtimes(layout{}.path("remote", num), due, due) })
	a.start()
	b.awaitMail("dirk", subject(num))
	if now := time.Now(); now.Before(due) {
		t.Errorf("it came %v early", due.Sub(now))
	}
	a.awaitEmpty()
}

func TestAMessageThatIsTooOldBounces(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.deferring()
	lay := func(age time.Duration) uint64 {
		return a.layMessage(layout{}, age, map[string]string{
			"info": "F" + a.at("susie") + "\x00", "local": records(a.at("olaf")), "remote": records(b.at("dirk")),
		})
	}
	const day = 24 * time.Hour
	young, old := lay(7*day-time.Hour), lay(7*day+time.Minute)
	a.start()
	bounce := a.awaitMail("susie", subject(old))
	for _, part := range []string{
		"\n<dirk@b.example>:\nSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.\n\n",
		"\n<olaf@a.example>:\nnot now\nI'm not going to try again; this message has been in the queue too long.\n\n",
	} {
		if !strings.Contains(bounce, part) {
			t.Errorf("no %q in the bounce %q", part, bounce)
		}
	}
	a.await("the young message to be tried", func() bool { return a.log.count(": deferral: ") == 2 })
	a.await("the old message to be gone", func() bool { return len(a.queued()) == 4 })
	for _, name := range a.queued() {
		if filepath.Base(name) != filepath.Base(layout{}.path("mess", young)) {
			t.Errorf("%s is in the queue", name)
		}
	}
}
