//go:build linux

package replay

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"goqmail/t/lab"
)

// normal replaces what varies from run to run: times, process ids and queue
// numbers. A time is replaced only when it lies within the run, so that a
// wrong one stays visible.
type normal struct {
	start, end int64             // seconds; two more on either side are allowed
	labels     map[string]string // queue number, in digits, to <N1>, <N2>, ...
	challenges []string          // rule cram: those seen, in order
}

// allRules are those of a case that names none.
var allRules = []string{"date822", "ctime", "stamp14", "epoch", "tai64n", "qp", "pid", "msgnum"}

// normalise applies the named rules, nil for those of allRules, to all of a result.
func normalise(result map[string]any, names []string, start, end int64, declared []uint64) (map[string]any, error) {
	if names == nil {
		names = allRules
	}
	n := &normal{start: start, end: end, labels: label(result, declared)}
	if records, ok := result["syslog"].([]any); ok && slices.Contains(names, "epoch") {
		n.syslog(records)
	}
	_, err := n.walk(result, names)
	return result, err
}

// walk applies the rules, in place and always in the same order, to every
// string of x but those that say what kind of file or process something is.
func (n *normal) walk(x any, names []string) (any, error) {
	var err error
	switch x := x.(type) {
	case string:
		for _, name := range names {
			if x, err = n.rule(name, x); err != nil {
				return nil, err
			}
		}
		return x, nil
	case []any:
		for i := range x {
			if x[i], err = n.walk(x[i], names); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			switch key {
			case "type", "mode", "owner", "group", "ids":
				continue
			}
			if x[key], err = n.walk(x[key], names); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

func (n *normal) rule(name, s string) (string, error) {
	switch name {
	case "date822":
		return n.date822(s), nil
	case "ctime":
		return n.ctime(s), nil
	case "stamp14":
		return n.stamp14(s), nil
	case "epoch":
		return n.epoch(s), nil
	case "tai64n":
		return n.tai64n(s), nil
	case "qp":
		return qp(s), nil
	case "pid":
		return n.pid(s), nil
	case "msgnum":
		return n.msgnum(s), nil
	case "cram":
		return n.cram(s), nil
	case "tls":
		return tlsTexts(s), nil
	case "dkim":
		return dkimPattern.ReplaceAllString(s, "$1<SIG>"), nil
	case "smtpdpid":
		return replace(s, smtpdPattern, wordStart, nil, func(m []string) string { return "qmail-smtpd[<PID>]" }), nil
	}
	return "", fmt.Errorf("no rule is called %s", name)
}

// label numbers the messages: those that the case declares in their order,
// then those found in the captured queue, rising.
func label(result map[string]any, declared []uint64) map[string]string {
	labels := map[string]string{}
	for i, num := range declared {
		if key := strconv.FormatUint(num, 10); labels[key] == "" {
			labels[key] = fmt.Sprintf("<N%d>", i+1)
		}
	}
	tree, _ := result["tree"].([]any)
	var found []uint64
	for _, x := range tree {
		e := x.(map[string]any)
		m := queuePath.FindStringSubmatch(e["path"].(string))
		if m == nil || e["type"] == "d" {
			continue
		}
		num, err := strconv.ParseUint(m[1], 10, 64)
		if err == nil && !slices.Contains(declared, num) && !slices.Contains(found, num) {
			found = append(found, num)
		}
	}
	slices.Sort(found)
	for _, num := range found {
		labels[strconv.FormatUint(num, 10)] = fmt.Sprintf("<N%d>", len(labels)+1)
	}
	return labels
}

const monthNames = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"

var (
	queuePath      = regexp.MustCompile(`^/var/qmail/queue/(?:mess|info|local|remote|todo|intd|bounce)/(?:\d+/)?(\d+)$`)
	date822Pattern = regexp.MustCompile(`(\d{1,2}) (` + monthNames + `) (\d{4}) (\d\d):(\d\d):(\d\d) ([-+]\d{4})`)
	ctimePattern   = regexp.MustCompile(`(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) (` + monthNames + `) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})`)
	stamp14Pattern = regexp.MustCompile(`(20\d{12})\.\d+\.`)
	epochPattern   = regexp.MustCompile(`([12]\d{9})(\.\d+\.|[^0-9]|$)`)
	tai64nPattern  = regexp.MustCompile(`@([0-9a-f]{16})[0-9a-f]{8}`)
	qpPattern      = regexp.MustCompile(`qp \d+`)
	qmtpPattern    = regexp.MustCompile(`(\d+):(Kok <EPOCH> qp )(\d+),`)
	invokedPattern = regexp.MustCompile(`\(qmail \d+ invoked`)
	pidPathPattern = regexp.MustCompile(`(/queue/pid/)\d+\.(\d+|<EPOCH>)\.(\d+)`)
	todoPidPattern = regexp.MustCompile(`(^|\x00)(u\d+)\x00p\d+\x00`)
	msgPattern     = regexp.MustCompile(`msg (\d+)`)
	splitPattern   = regexp.MustCompile(`(mess|info|local|remote)/(\d+)/(\d+)`)
	bigtodoPattern = regexp.MustCompile(`(todo|intd)/(\d+)/(\d+)`)
	cleanPattern   = regexp.MustCompile(`(\d+)/(\d+)\x00`)
	foopPattern    = regexp.MustCompile(`#(\d+)`)
	flatPattern    = regexp.MustCompile(`(todo|intd|bounce|foop)/(\d+)`)
	headPattern    = regexp.MustCompile(`^(<\d+>)(\w{3} [ \d]\d \d\d:\d\d:\d\d) `)
	stampPattern   = regexp.MustCompile(`([12]\d{9})\.\d{6}`)
)

// A border tells whether a match may have c on its left or right; c is 0 at an
// end of the text, which no border objects to.
type border func(c byte) bool

func wordStart(c byte) bool { return !isWord(c) }
func notDigit(c byte) bool  { return c < '0' || c > '9' }

// isWord is the recording's idea of a letter or digit: that of Latin-1.
func isWord(c byte) bool {
	switch {
	case c < 0x80:
		return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	case c >= 0xc0:
		return c != 0xd7 && c != 0xf7
	}
	return strings.IndexByte("\xaa\xb2\xb3\xb5\xb9\xba\xbc\xbd\xbe", c) >= 0
}

// replace puts f's text in place of each match of pattern that has the borders
// it needs; a nil border needs nothing.
func replace(s string, pattern *regexp.Regexp, left, right border, f func(m []string) string) string {
	var out strings.Builder
	done, from := 0, 0
	for from <= len(s) {
		at := pattern.FindStringSubmatchIndex(s[from:])
		if at == nil {
			break
		}
		i, j := from+at[0], from+at[1]
		if left != nil && i > 0 && !left(s[i-1]) || right != nil && j < len(s) && !right(s[j]) {
			from = i + 1
			continue
		}
		m := make([]string, len(at)/2)
		for k := range m {
			if at[2*k] >= 0 {
				m[k] = s[from+at[2*k] : from+at[2*k+1]]
			}
		}
		out.WriteString(s[done:i])
		out.WriteString(f(m))
		done, from = j, max(j, i+1)
	}
	out.WriteString(s[done:])
	return out.String()
}

func (n *normal) near(t int64) bool { return n.start-2 <= t && t <= n.end+2 }

// when is the time of a date in UTC, whether or not there is such a date.
func when(year, month, day, hour, minute, second string) int64 {
	number := func(s string) int { k, _ := strconv.Atoi(strings.TrimSpace(s)); return k }
	m := strings.Index(monthNames, month)/4 + 1
	return time.Date(number(year), time.Month(m), number(day), number(hour), number(minute), number(second), 0, time.UTC).Unix()
}

func (n *normal) date822(s string) string {
	return replace(s, date822Pattern, wordStart, nil, func(m []string) string {
		t := when(m[3], m[2], m[1], m[4], m[5], m[6])
		hours, _ := strconv.ParseInt(m[7][1:3], 10, 64)
		minutes, _ := strconv.ParseInt(m[7][3:5], 10, 64)
		offset := hours*3600 + minutes*60
		if m[7][0] == '+' {
			offset = -offset
		}
		if !n.near(t + offset) {
			return m[0]
		}
		return "<DATE822> " + m[7]
	})
}

func (n *normal) ctime(s string) string {
	return replace(s, ctimePattern, wordStart, nil, func(m []string) string {
		if !n.near(when(m[6], m[1], m[2], m[3], m[4], m[5])) {
			return m[0]
		}
		return "<CTIME>"
	})
}

// stamp14 is the start of a Message-ID.
func (n *normal) stamp14(s string) string {
	return replace(s, stamp14Pattern, wordStart, nil, func(m []string) string {
		t, err := time.Parse("20060102150405", m[1])
		if err != nil || !n.near(t.Unix()) {
			return m[0]
		}
		return "<STAMP>.<PID>."
	})
}

// epoch is a time in seconds, or the start of a name in a Maildir.
func (n *normal) epoch(s string) string {
	return replace(s, epochPattern, notDigit, nil, func(m []string) string {
		t, _ := strconv.ParseInt(m[1], 10, 64)
		switch {
		case !n.near(t):
			return m[0]
		case len(m[2]) > 1 && m[2][0] == '.':
			return "<EPOCH>.<PID>."
		}
		return "<EPOCH>" + m[2]
	})
}

func (n *normal) tai64n(s string) string {
	return replace(s, tai64nPattern, nil, wordStart, func(m []string) string {
		t, err := strconv.ParseUint(m[1], 16, 64)
		if err != nil || !n.near(int64(t-1<<62-10)) {
			return m[0]
		}
		return "@<TAI64N>"
	})
}

// qp replaces a process id, which in a netstring counts as one digit, as in the
// recordings.
func qp(s string) string {
	s = replace(s, qmtpPattern, notDigit, nil, func(m []string) string {
		size, _ := strconv.Atoi(m[1])
		return fmt.Sprintf("%d:%s<PID>,", size-len(m[3])+1, m[2])
	})
	return replace(s, qpPattern, wordStart, nil, func(m []string) string { return "qp <PID>" })
}

func (n *normal) pid(s string) string {
	s = invokedPattern.ReplaceAllString(s, "(qmail <PID> invoked")
	s = pidPathPattern.ReplaceAllString(s, "${1}<PID>.$2.$3")
	return todoPidPattern.ReplaceAllString(s, "$1$2\x00p<PID>\x00")
}

func (n *normal) msgnum(s string) string {
	s = replace(s, msgPattern, wordStart, nil, func(m []string) string { return "msg " + n.label(m[1], "<N?>") })
	s = replace(s, splitPattern, wordStart, nil, func(m []string) string {
		dir := m[2]
		if remainder(m[3]) == canonical(m[2]) {
			dir = "<S>"
		}
		return m[1] + "/" + dir + "/" + n.label(m[3], "<N?>")
	})
	s = replace(s, bigtodoPattern, wordStart, nil, func(m []string) string {
		if !n.known(m[2], m[3]) {
			return m[0]
		}
		return m[1] + "/<S>/" + n.label(m[3], "")
	})
	s = replace(s, cleanPattern, func(c byte) bool { return !isWord(c) && c != '/' && c != '.' }, nil, func(m []string) string {
		if !n.known(m[1], m[2]) {
			return m[0]
		}
		return "<S>/" + n.label(m[2], "") + "\x00"
	})
	s = replace(s, foopPattern, nil, wordStart, func(m []string) string { return "#" + n.label(m[1], m[1]) })
	return replace(s, flatPattern, wordStart, nil, func(m []string) string { return m[1] + "/" + n.label(m[2], "<N?>") })
}

func (n *normal) label(digits, unknown string) string {
	if l, ok := n.labels[canonical(digits)]; ok {
		return l
	}
	return unknown
}

// known tells whether digits are a labelled number in its own split directory.
func (n *normal) known(dir, digits string) bool {
	return n.label(digits, "") != "" && remainder(digits) == canonical(dir)
}

// canonical are digits without leading zeros.
func canonical(digits string) string {
	if s := strings.TrimLeft(digits, "0"); s != "" {
		return s
	}
	return "0"
}

// remainder is the split directory of a number of any length.
func remainder(digits string) string {
	r := 0
	for _, c := range []byte(digits) {
		r = (r*10 + int(c-'0')) % lab.Split
	}
	return strconv.Itoa(r)
}

// syslog replaces, in place, the time at the start of records and splogger's
// own, of which equal ones get equal names.
func (n *normal) syslog(records []any) {
	seen := map[string]string{}
	for i, record := range records {
		s := replace(record.(string), headPattern, nil, nil, n.head)
		records[i] = replace(s, stampPattern, notDigit, notDigit, func(m []string) string {
			t, _ := strconv.ParseInt(m[1], 10, 64)
			if !n.near(t) {
				return m[0]
			}
			if seen[m[0]] == "" {
				seen[m[0]] = fmt.Sprintf("<STAMP%d>", len(seen)+1)
			}
			return seen[m[0]]
		})
	}
}

// head replaces the time of a record, which has no year and no zone.
func (n *normal) head(m []string) string {
	for _, year := range []int{time.Unix(n.start, 0).Year(), time.Unix(n.end, 0).Year()} {
		for _, zone := range []*time.Location{time.UTC, time.Local} {
			t, err := time.ParseInLocation("2006 Jan _2 15:04:05", fmt.Sprintf("%d %s", year, m[2]), zone)
			if err == nil && n.near(t.Unix()) {
				return m[1] + "<SYSTIME> "
			}
		}
	}
	return m[0]
}
