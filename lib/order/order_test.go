package order

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"goqmail/lib/digest"
)

// tableOf makes a table of messages that are written "id subject < ref ref @ date", all of
// it optional; the dates grow if they are not given. A subject that starts with Re: is a
// reply.
func tableOf(t testing.TB, messages ...string) (*Table, []Item) {
	t.Helper()
	table := NewTable()
	var items []Item
	for i, text := range messages {
		g := &digest.Digest{}
		items = append(items, Item{UID: uint32(i + 1), Number: uint32(i + 1), Date: int64(i + 1)})
		text, date, _ := strings.Cut(text, "@")
		if date = strings.TrimSpace(date); date != "" {
			n, err := strconv.Atoi(date)
			if err != nil {
				t.Fatal(err)
			}
			g.Date = int64(n)
		}
		text, refs, _ := strings.Cut(text, "<")
		g.References = strings.Fields(refs)
		id, subject, _ := strings.Cut(strings.TrimSpace(text), " ")
		g.MessageID = strings.TrimPrefix(id, "-")
		g.Subject, g.Reply = digest.BaseSubject(subject)
		table.Add(uint32(i+1), g)
	}
	return table, items
}

func TestReferences(t *testing.T) {
	for _, row := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"none", nil, ""},
		{"alone", []string{"a", "b"}, "(1)(2)"},
		{"a reply to each", []string{"a", "b < a", "c < a b"}, "(1 2 3)"},
		{"two replies", []string{"a", "b < a", "c < a", "d < a b"}, "(1 (2 4)(3))"},
		{"the first is missing", []string{"a < x", "b < x"}, "((1)(2))"},
		{"the first is missing, one reply", []string{"a < x"}, "(1)"},
		{"all between are missing", []string{"a", "b < a x y"}, "(1 2)"},
		{"a dummy below a dummy", []string{"a < x y", "b < x z"}, "((1)(2))"},
		{"replies come before", []string{"b < a @ 1", "a @ 2"}, "(2 1)"},
		{"sorted by date", []string{"a @ 9", "b @ 3", "c < a @ 2", "d < a @ 1"}, "(2)(1 (4)(3))"},
		{"dummies by their first reply", []string{"a < x @ 9", "b < x @ 3", "c @ 5"}, "((2)(1))(3)"},
		{"a loop", []string{"a < b", "b < a"}, "(2 1)"},
		{"a reply to itself", []string{"a < a"}, "(1)"},
		{"a loop of references", []string{"a < x y x y"}, "(1)"},
		{"an id twice", []string{"a", "a"}, "(1)(2)"},
		{"its own references count", []string{"a", "c < a b", "b"}, "(1)(3 2)"},
		{"the second of an id", []string{"a", "b < a", "c < b", "b < a"}, "(1 (2 3)(4))"},
		{"no ids", []string{"- < x", "- < x", "-"}, "((1)(2))(3)"},
		{"the same subject", []string{"a one", "b one"}, "((1)(2))"},
		{"a reply by subject", []string{"a one", "b Re: one"}, "(1 2)"},
		{"an older reply by subject", []string{"a Re: one", "b one"}, "(2 1)"},
		{"two replies by subject", []string{"a Re: one", "b Re: one"}, "((1)(2))"},
		{"subject of a dummy", []string{"a one < x", "b one < x", "c one"}, "((1)(2)(3))"},
		{"two dummies", []string{"a one < x", "b one < x", "c one < y", "d one < y"}, "((1)(2)(3)(4))"},
		{"no subject is no reason", []string{"a ", "b "}, "(1)(2)"},
		{"three alike", []string{"a one", "b one", "c one"}, "((1)(2)(3))"},
		{"branches", []string{"a", "b", "c", "d < c", "e < c d", "f < c", "g < c f", "h < c f g"}, "(1)(2)(3 (4 5)(6 7 8))"},
	} {
		table, items := tableOf(t, row.messages...)
		if got := string(table.References(nil, items)); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestOrderedSubject(t *testing.T) {
	for _, row := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"none", nil, ""},
		{"replies", []string{"- a", "- b", "- Re: a", "- c", "- fwd: b", "- b"}, "(1 3)(2 (5)(6))(4)"},
		{"no subject", []string{"-", "- a", "-"}, "(1 3)(2)"},
		{"by date", []string{"- a @ 9", "- b @ 8", "- a @ 7", "- b @ 6"}, "(4 2)(3 1)"},
	} {
		table, items := tableOf(t, row.messages...)
		if got := string(table.OrderedSubject(nil, items)); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestSort(t *testing.T) {
	table := NewTable()
	var items []Item
	for i, g := range []digest.Digest{
		{Date: 5, Subject: "B", From: "X", To: "", Cc: "Q"},
		{Date: 3, Subject: "A", From: "Y", To: "T", Cc: "P"},
		{Date: 0, Subject: "", From: "X", To: "T", Cc: "P"}, // INTERNALDATE is 4
		{Date: 3, Subject: "B", From: "", To: "S", Cc: "P"},
	} {
		table.Add(uint32(10*i+10), &g)
		items = append(items, Item{UID: uint32(10*i + 10), Number: uint32(i + 1), Date: []int64{2, 1, 4, 1}[i], Size: []uint32{7, 8, 7, 9}[i]})
	}
	for _, row := range []struct {
		criteria []Criterion
		want     []uint32
	}{
		{[]Criterion{{By: Arrival}}, []uint32{2, 4, 1, 3}},
		{[]Criterion{{By: Arrival, Reverse: true}}, []uint32{3, 1, 2, 4}},
		{[]Criterion{{By: Date}}, []uint32{2, 4, 3, 1}},
		{[]Criterion{{By: Size}, {By: Date}}, []uint32{3, 1, 2, 4}},
		{[]Criterion{{By: Subject}}, []uint32{3, 2, 1, 4}},
		{[]Criterion{{By: Subject}, {By: From}}, []uint32{3, 2, 4, 1}},
		{[]Criterion{{By: From}}, []uint32{4, 1, 3, 2}},
		{[]Criterion{{By: To, Reverse: true}}, []uint32{2, 3, 4, 1}},
		{[]Criterion{{By: Cc}, {By: To}, {By: Subject, Reverse: true}}, []uint32{4, 2, 3, 1}},
	} {
		if got := table.Sort(items, row.criteria); !slices.Equal(got, row.want) {
			t.Errorf("%v: %v, want %v", row.criteria, got, row.want)
		}
	}
	if got := table.Sort(append(items[:2:2], Item{UID: 25, Number: 9}), []Criterion{{By: Date}}); !slices.Equal(got, []uint32{2, 1}) {
		t.Errorf("with one that is gone: %v", got)
	}
}

// Long chains of replies are no trouble, whichever way they come.
func TestChains(t *testing.T) {
	const n = 200000
	table, items := NewTable(), make([]Item, n)
	for i := range n {
		id := func(i int) string { return strconv.Itoa(i) }
		g := &digest.Digest{MessageID: id(i), Date: int64(n - i)}
		switch {
		case i < n/2: // each is the reply to the next one
			g.References = []string{id(i + 1)}
		case i%2 == 0: // two for each
			g.References = []string{id(i - 1)}
		default:
			g.References = []string{id(i - 2), id(i - 1)}
		}
		table.Add(uint32(i+1), g)
		items[i] = Item{UID: uint32(i + 1), Number: uint32(i + 1)}
	}
	if got := numbers(string(table.References(nil, items))); len(got) != n {
		t.Errorf("%d messages of %d", len(got), n)
	}
}

func numbers(threads string) []string {
	return strings.FieldsFunc(threads, func(r rune) bool { return r == '(' || r == ')' || r == ' ' })
}

// FuzzThreads: whatever messages refer to, each is in one thread, at one place, and the
// parentheses are in order.
func FuzzThreads(f *testing.F) {
	f.Add(uint64(1), 10, 3)
	f.Add(uint64(2), 40, 10)
	f.Fuzz(func(t *testing.T, seed uint64, n, ids int) {
		if n < 0 || n > 60 || ids < 1 || ids > 60 {
			return
		}
		random := rand.New(rand.NewPCG(seed, 0))
		var messages, want []string
		for i := range n {
			subject := []string{"", "a", "Re: a", "b", "Re: b"}[random.IntN(5)]
			m := fmt.Sprintf("%d %s <", random.IntN(ids), subject)
			for range random.IntN(4) {
				m += fmt.Sprintf(" %d", random.IntN(ids))
			}
			messages = append(messages, fmt.Sprintf("%s @ %d", m, random.IntN(5)))
			want = append(want, strconv.Itoa(i+1))
		}
		slices.Sort(want)
		table, items := tableOf(t, messages...)
		for _, threads := range []string{string(table.References(nil, items)), string(table.OrderedSubject(nil, items))} {
			got := numbers(threads)
			slices.Sort(got)
			depth := 0
			for _, c := range threads {
				switch c {
				case '(':
					depth++
				case ')':
					depth--
				}
				if depth < 0 || depth == 0 && c != ')' {
					t.Fatalf("%s of %q", threads, messages)
				}
			}
			if !slices.Equal(got, want) || depth != 0 || strings.Contains(threads, "()") {
				t.Fatalf("%s of %q", threads, messages)
			}
		}
	})
}

// benchmarked is a table like that of a real mailbox.
func benchmarked() (*Table, []Item) {
	const n = 100000
	random := rand.New(rand.NewPCG(1, 1))
	table, items := NewTable(), make([]Item, n)
	for i := range n {
		g := &digest.Digest{
			MessageID: fmt.Sprintf("%d.%d@example.org", i, i*7919), Date: int64(1e9 + random.IntN(1e8)),
			Subject: fmt.Sprintf("SUBJECT NUMBER %d", random.IntN(n)), From: fmt.Sprintf("USER%d", random.IntN(500)),
		}
		if i > 0 && random.IntN(3) > 0 {
			to := random.IntN(i)
			g.References = []string{fmt.Sprintf("%d.%d@example.org", to, to*7919)}
		}
		table.Add(uint32(i+1), g)
		items[i] = Item{UID: uint32(i + 1), Number: uint32(i + 1), Date: g.Date}
	}
	return table, items
}

func BenchmarkSort(b *testing.B) {
	table, items := benchmarked()
	for name, by := range map[string]By{"date": Date, "subject": Subject} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				table.Sort(items, []Criterion{{By: by}})
			}
		})
	}
}

func BenchmarkReferences(b *testing.B) {
	table, items := benchmarked()
	for b.Loop() {
		table.References(nil, items)
	}
}
