package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"goqmail/lib/control"
)

//go:embed page.html
var pageText string

// view is what the page shows.
type view struct {
	Host                 string
	Now                  time.Time
	Trouble              []string
	InQueue, Unprocessed int
	Looked               bool
	Running, Limit       [2]uint64
	Charts               []chart
	Reasons              []reasonRow
	Events               []eventRow
	Totals               [results]uint64
	Counters             *counters
}

type reasonRow struct {
	Why, Meaning, Result, Channel string
	Count                         uint64
}

type eventRow struct {
	Program, What string
	Count         uint64
}

// page is the page for people: one file, which needs no other.
func (c *counters) page(q queueSize, now time.Time) []byte {
	host, err := control.LineOr("me", "this host")
	if err != nil {
		host = "this host"
	}
	v := view{
		Host: host, Now: now, InQueue: q.messages, Unprocessed: q.unprocessed, Looked: q.looked,
		Running: c.Running, Limit: c.Limit, Counters: c, Trouble: c.trouble(now),
		Charts: []chart{
			newChart("The last hour", "minute", "15:04", c.Minutes.all(now), now),
			newChart("The last day", "hour", "Mon 15:04", c.Hours.all(now), now),
		},
		Reasons: reasonsOf(c.Hours.all(now)),
		Events:  eventsOf(c.Events),
	}
	for _, of := range c.Results {
		for i, n := range of {
			v.Totals[i] += n
		}
	}
	var b bytes.Buffer
	if err := template.Must(template.New("page").Parse(pageText)).Execute(&b, v); err != nil {
		panic(err) // the page does not fit what it shows
	}
	return b.Bytes()
}

// silence is how long a log may say nothing before that is worth a word.
const silence = 6 * time.Hour

// trouble is what to look at first.
func (c *counters) trouble(now time.Time) (list []string) {
	last, ok := c.Last[send]
	at := func(t time.Time) string { return t.In(now.Location()).Format("Mon 2 January 15:04") }
	switch {
	case !ok:
		list = append(list, "The log has not told anything of qmail-send yet.")
	case c.Exited:
		list = append(list, "qmail-send ended on "+at(last.At)+".")
	case now.Sub(last.At) > silence:
		list = append(list, "The log has told nothing of qmail-send since "+at(last.At)+".")
	}
	if now.Sub(c.LastAlertAt) < 24*time.Hour {
		list = append(list, at(c.LastAlertAt)+": "+c.LastAlert)
	}
	return list
}

// reasonsOf adds the reasons of slots up, the most frequent first.
func reasonsOf(list []*slot) (rows []reasonRow) {
	sum := map[string]uint64{}
	for _, s := range list {
		for key, n := range s.Reasons {
			sum[key] += n
		}
	}
	for _, key := range slices.Sorted(maps.Keys(sum)) {
		result, channel, why := splitReason(key)
		rows = append(rows, reasonRow{why, meaning(why), result, channel, sum[key]})
	}
	slices.SortStableFunc(rows, func(a, b reasonRow) int { return cmp.Compare(b.Count, a.Count) })
	return rows
}

func eventsOf(events map[string]uint64) (rows []eventRow) {
	for _, key := range slices.Sorted(maps.Keys(events)) {
		program, what, _ := strings.Cut(key, " ")
		rows = append(rows, eventRow{"qmail-" + program, strings.ReplaceAll(what, "_", " "), events[key]})
	}
	return rows
}

// chart is a picture of deliveries by time, and the same in numbers.
type chart struct {
	Title, Unit, From string
	New, Top          uint64
	Results           [results]uint64
	Width             int
	Bars              []bar
	Rows              []row // of those in which something happened, the last first
}

type bar struct {
	Class               string
	X, Y, Width, Height string
}

type row struct {
	Time    string
	New     uint64
	Results [results]uint64
}

// newChart draws bars in a field that is 10 wide for each slot, and 100 high.
func newChart(title, unit, clock string, list []*slot, now time.Time) chart {
	ch := chart{Title: title, Unit: unit, From: list[0].Start.In(now.Location()).Format(clock), Width: 10 * len(list)}
	for _, s := range list {
		ch.Top = max(ch.Top, s.Results[succeeded]+s.Results[deferred]+s.Results[failed])
	}
	for i, s := range list {
		bottom := 100.0
		for result, n := range s.Results {
			ch.Results[result] += n
			if n == 0 {
				continue
			}
			height := 98 * float64(n) / float64(ch.Top)
			bottom -= height
			ch.Bars = append(ch.Bars, bar{resultNames[result], fmt.Sprint(10*i + 1), fmt.Sprintf("%.2f", bottom), "8", fmt.Sprintf("%.2f", height)})
		}
		ch.New += s.New
		if s.New > 0 || s.Results != [results]uint64{} {
			ch.Rows = append(ch.Rows, row{s.Start.In(now.Location()).Format(clock), s.New, s.Results})
		}
	}
	slices.Reverse(ch.Rows)
	return ch
}
