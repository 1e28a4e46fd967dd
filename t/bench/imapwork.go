//go:build linux

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The mailboxes of a run. Each round makes them anew.
const (
	imapBox  = "INBOX.bench"
	imapCopy = "INBOX.copy"
)

// imapParallel is how many connections do the same at a time, and imapArrivals how many
// messages they bring.
const (
	imapParallel = 10
	imapArrivals = 1000
)

type imapWork struct {
	name string
	run  func(*imapRun)
}

// imapWorks returns load and the works of these names; of none, all.
func imapWorks(names []string) ([]imapWork, error) {
	works := []imapWork{
		{"idle", (*imapRun).idle}, // while no server has had other work to do
		{"load", (*imapRun).load}, {"login", (*imapRun).logins}, {"select", (*imapRun).selects},
		{"fetch", (*imapRun).fetch}, {"search", (*imapRun).search}, {"sort", (*imapRun).sort},
		{"store", (*imapRun).store}, {"append", (*imapRun).appends}, {"copy", (*imapRun).copies},
		{"lmtp", (*imapRun).lmtps},
	}
	if len(names) == 0 {
		return works, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(works, func(w imapWork) bool { return w.name == name }) {
			return nil, fmt.Errorf("unknown work of imap: %s", name)
		}
	}
	return slices.DeleteFunc(works, func(w imapWork) bool {
		return w.name != "load" && !slices.Contains(names, w.name)
	}), nil
}

// imapRun is one work on one server.
type imapRun struct {
	imapServer
	n    int // messages in imapBox
	wait int // connections that do nothing
	figs []Fig
}

// do works; what it has measured is in figs even if it fails.
func (r *imapRun) do(w imapWork) (err error) {
	defer caught(&err)
	w.run(r)
	return nil
}

func caught(err *error) {
	if what := recover(); what != nil {
		*err = fmt.Errorf("%v", what)
	}
}

// parallel does f for 0 to k-1 at the same time.
func parallel(k int, f func(i int)) {
	errs := make([]error, k)
	var all sync.WaitGroup
	for i := range k {
		all.Go(func() {
			defer caught(&errs[i])
			f(i)
		})
	}
	all.Wait()
	for _, err := range errs {
		must(err)
	}
}

func (r *imapRun) fig(name string, value float64) {
	r.figs = append(r.figs, Fig{Name: name, Value: value, Better: "-"})
}

// time measures f.
func (r *imapRun) time(name string, f func()) {
	t0 := time.Now()
	f()
	r.fig(name+" ms", time.Since(t0).Seconds()*1000)
}

// median measures f k times.
func (r *imapRun) median(name string, k int, f func()) {
	var ms []float64
	for range k {
		t0 := time.Now()
		f()
		ms = append(ms, time.Since(t0).Seconds()*1000)
	}
	r.fig(name+" ms", median(ms))
}

// command measures a command that must have so many responses of that name.
func (r *imapRun) command(c *imapConn, what string, want int, name, command string) {
	r.time(what, func() { expect(c.do(name, "%s", command), want, command) })
}

func expect(got, want int, what string) {
	if got != want {
		panic(fmt.Sprintf("%s: %d in the reply, not %d", what, got, want))
	}
}

// every is how many of the numbers below n leave that rest when divided by k.
func every(n, k, rest int) int { return (n + k - 1 - rest) / k }

// imapMessage is message i of imapBox, some 1,000 bytes.
func imapMessage(i int) []byte {
	sender, subject, word := fmt.Sprintf("writer%d", i%800), fmt.Sprintf("Report %d", i), "ordinary"
	if i%500 == 11 {
		sender = "seldom"
	}
	if i%1000 == 7 {
		subject = fmt.Sprintf("Uncommon report %d", i)
	}
	if i%997 == 13 {
		word = "extraordinary"
	}
	date := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i*7919%500000) * time.Minute)
	var b strings.Builder
	fmt.Fprintf(&b, "Received: from relay.bench.test ([192.0.2.%d]) by mx.bench.test with SMTP; %s\n", i%250, date.Format(time.RFC1123Z))
	fmt.Fprintf(&b, "Date: %s\nFrom: \"A %s\" <%[2]s@bench.test>\nTo: The Reader <reader@bench.test>\n", date.Format(time.RFC1123Z), sender)
	fmt.Fprintf(&b, "Subject: %s\nMessage-ID: <box.%d@bench.test>\n", subject, i)
	if i%3 > 0 { // threads of three
		fmt.Fprintf(&b, "In-Reply-To: <box.%d@bench.test>\nReferences: <box.%[1]d@bench.test>\n", i-1)
	}
	b.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n")
	fmt.Fprintf(&b, "Report %d is %s.\n", i, word)
	for j := range 7 {
		fmt.Fprintf(&b, "Item %d of it: everything went as it should, and took %d seconds.\n", j, i%60)
	}
	return crlf([]byte(b.String()))
}

// arrival is a message of 4 KB that no server has seen.
func arrival(i int) []byte {
	id := fmt.Appendf(nil, "%d.%d", time.Now().UnixNano(), i)
	return crlf(bytes.Replace(message(4096), []byte("1.2.3"), id, 1))
}

// remake makes a mailbox that is empty.
func (c *imapConn) remake(box string) {
	c.try("", "DELETE %s", box)
	c.do("", "CREATE %s", box)
}

// load fills imapBox: 500 messages by each command, or 50 commands at a time, or as it goes.
func (r *imapRun) load() {
	messages := make([][]byte, r.n)
	for i := range messages {
		messages[i] = imapMessage(i)
	}
	c := r.login()
	defer c.logout()
	c.remake(imapBox)
	batch, many := 1, c.has("MULTIAPPEND") && c.has("LITERAL+")
	switch {
	case many:
		batch = 500
	case c.has("LITERAL+"):
		batch = 50
	}
	r.time(fmt.Sprintf("load %d messages", r.n), func() {
		for first := 0; first < r.n; first += batch {
			var tag string
			for i := first; i < min(first+batch, r.n); i++ {
				if i == first || !many {
					tag = c.begin("APPEND %s", imapBox)
				}
				if i%2 == 0 {
					c.out.WriteString(` (\Seen)`)
				}
				c.literal(messages[i])
				if !many {
					c.out.WriteString("\r\n")
				}
			}
			if many {
				c.out.WriteString("\r\n")
			}
			if _, result := c.wait(tag, ""); !strings.HasPrefix(result, "OK") {
				panic("APPEND: " + result)
			}
		}
	})
}

func (r *imapRun) logins() {
	const n = 200
	one := func() {
		c := r.connect()
		c.do("", "LOGIN %s %s", r.user, r.password)
		c.logout()
	}
	one()
	for _, k := range []int{1, imapParallel} {
		r.time(fmt.Sprintf("%d logins, %d at a time", n, k), func() {
			parallel(k, func(int) {
				for range n / k {
					one()
				}
			})
		})
	}
}

func (r *imapRun) selects() {
	c := r.login()
	defer c.logout()
	command := "SELECT " + imapBox
	r.command(c, "SELECT first", r.n, "EXISTS", command)
	r.median("SELECT again", 9, func() { expect(c.do("EXISTS", "%s", command), r.n, command) })
	var others []*imapConn
	for range 5 {
		others = append(others, r.login())
	}
	r.median("SELECT, new connection", len(others), func() {
		expect(others[0].do("EXISTS", "%s", command), r.n, command)
		others[0].logout()
		others = others[1:]
	})
}

// inBox returns a connection that has imapBox selected.
func (r *imapRun) inBox() *imapConn {
	c := r.login()
	expect(c.do("EXISTS", "SELECT %s", imapBox), r.n, "SELECT")
	return c
}

func (r *imapRun) fetch() {
	c := r.inBox()
	defer c.logout()
	for _, items := range []string{"(UID FLAGS)", "(ENVELOPE)", "(BODYSTRUCTURE)", "(RFC822.SIZE INTERNALDATE)",
		"BODY.PEEK[HEADER.FIELDS (SUBJECT)]"} {
		r.command(c, "FETCH 1:* "+items, r.n, "FETCH", "FETCH 1:* "+items)
	}
	r.command(c, "FETCH 1:* (ENVELOPE) again", r.n, "FETCH", "FETCH 1:* (ENVELOPE)")
	k := min(10000, r.n)
	whole := fmt.Sprintf("FETCH 1:%d (BODY.PEEK[])", k)
	r.command(c, whole, k, "FETCH", whole)
	r.atRandom(c, "FETCH one (UID FLAGS BODY.PEEK[])", "FETCH %d (UID FLAGS BODY.PEEK[])")
}

// atRandom measures a command that concerns one message, for 1,000 of them. None comes
// twice: not every server tells of a flag that was there.
func (r *imapRun) atRandom(c *imapConn, name, command string) {
	n := min(1000, r.n)
	r.time(fmt.Sprintf("%d times %s", n, name), func() {
		for i := range n {
			expect(c.do("FETCH", command, 1+i*7919%r.n), 1, command)
		}
	})
}

func (r *imapRun) search() {
	c := r.inBox()
	defer c.logout()
	for _, s := range []struct {
		key  string
		want int
	}{
		{"ALL", r.n},
		{"UNSEEN", every(r.n, 2, 1)},
		{"SUBJECT uncommon", every(r.n, 1000, 7)},
		{"FROM seldom", every(r.n, 500, 11)},
		{"BODY extraordinary", every(r.n, 997, 13)},
	} {
		r.command(c, "SEARCH "+s.key, s.want, "SEARCH", "SEARCH "+s.key)
	}
	r.command(c, "SEARCH SUBJECT uncommon again", every(r.n, 1000, 7), "SEARCH", "SEARCH SUBJECT uncommon")
}

func (r *imapRun) sort() {
	c := r.inBox()
	defer c.logout()
	if c.has("SORT") {
		r.command(c, "SORT (DATE)", r.n, "SORT", "SORT (DATE) UTF-8 ALL")
		r.command(c, "SORT (SUBJECT)", r.n, "SORT", "SORT (SUBJECT) UTF-8 ALL")
	}
	if c.has("THREAD=REFERENCES") {
		r.command(c, "THREAD REFERENCES", r.n, "THREAD", "THREAD REFERENCES UTF-8 ALL")
	}
}

func (r *imapRun) store() {
	c := r.inBox()
	defer c.logout()
	r.command(c, `STORE 1:* +FLAGS`, r.n, "FETCH", `STORE 1:* +FLAGS (\Flagged)`)
	// Cyrus answers to it all the same.
	r.time("STORE 1:* -FLAGS.SILENT", func() { c.do("", `STORE 1:* -FLAGS.SILENT (\Flagged)`) })
	r.atRandom(c, "STORE one +FLAGS", `STORE %d +FLAGS (\Answered)`)
}

func (r *imapRun) appends() {
	c := r.login()
	defer c.logout()
	for _, k := range []int{1, imapParallel} {
		c.remake(imapCopy)
		var conns []*imapConn
		for range k {
			conns = append(conns, r.login())
		}
		r.time(fmt.Sprintf("%d times APPEND, %d connections", imapArrivals, k), func() {
			parallel(k, func(who int) {
				c := conns[who]
				for i := who; i < imapArrivals; i += k {
					tag := c.begin("APPEND %s", imapCopy)
					c.literal(arrival(i))
					c.out.WriteString("\r\n")
					if _, result := c.wait(tag, ""); !strings.HasPrefix(result, "OK") {
						panic("APPEND: " + result)
					}
				}
			})
		})
		for _, c := range conns {
			c.logout()
		}
		expect(c.do("EXISTS", "EXAMINE %s", imapCopy), imapArrivals, "EXAMINE after APPEND")
		c.do("", "CLOSE")
	}
}

func (r *imapRun) copies() {
	c := r.inBox()
	defer c.logout()
	c.remake(imapCopy)
	k := min(10000, r.n)
	r.time(fmt.Sprintf("COPY %d", k), func() { c.do("", "COPY 1:%d %s", k, imapCopy) })
	expect(c.do("EXISTS", "SELECT %s", imapCopy), k, "SELECT after COPY")
	c.do("", `STORE 1:* +FLAGS.SILENT (\Deleted)`)
	r.command(c, fmt.Sprintf("EXPUNGE %d", k), k, "EXPUNGE", "EXPUNGE")
}

// idle has connections wait in INBOX for what comes.
func (r *imapRun) idle() {
	before := memory(r.address)
	var conns []*imapConn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range r.wait {
		c := r.login()
		conns = append(conns, c)
		c.do("", "SELECT INBOX")
		c.begin("IDLE\r\n")
		c.expectMore()
	}
	if before > 0 { // else it is on another machine, or not for us to see
		time.Sleep(2 * time.Second) // what the logins needed is given back by and by
		after := memory(r.address)
		r.fig(fmt.Sprintf("kB more for each of %d idle", r.wait), (after-before)/float64(r.wait))
		r.fig(fmt.Sprintf("MB in all with %d idle", r.wait), after/1024)
	}
}
