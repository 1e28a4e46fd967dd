package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"goqmail/lib/digest"
	"goqmail/lib/mailstore"
)

// fill puts many small messages into john's INBOX, without having each synced before.
func fill(t testing.TB, s *server, n int, text func(i int) string) {
	t.Helper()
	box, err := s.store.OpenMailbox("user.john")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	dir := t.TempDir()
	var batch []mailstore.Incoming
	for i := range n {
		text := text(i)
		d, err := digest.Read(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("%s/%d", dir, i)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		batch = append(batch, mailstore.Incoming{Path: path, Size: uint32(len(text)), Digest: d, Date: int64(1e9 + i)})
		if len(batch) == 5000 || i == n-1 {
			if _, err := box.Append(batch...); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

// usual returns a message such as people get, one of n.
func usual(random *rand.Rand, i, n int) string {
	refers := ""
	if i > 0 && random.IntN(3) > 0 {
		refers = fmt.Sprintf("References: <%d@example.org>\r\n", random.IntN(i))
	}
	return fmt.Sprintf("Return-Path: <user%d@example.org>\r\nReceived: from a.example.org (a.example.org [192.0.2.1])\r\n\tby b.example.org with ESMTP id %d\r\n\tfor <john@example.org>; Mon, 2 Feb 2026 10:00:00 +0100\r\n"+
		"From: User %d <user%d@example.org>\r\nTo: John <john@example.org>\r\nSubject: Message about subject %d\r\nDate: %d Feb 2026 %02d:%02d:00 +0100\r\n"+
		"Message-ID: <%d@example.org>\r\n%sMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\nword%d\r\n",
		i%500, i, i%500, i%500, random.IntN(n), random.IntN(28)+1, random.IntN(24), random.IntN(60), i, refers,
		strings.Repeat("Some text that stands in the message\r\n", 8), i)
}

func BenchmarkSearch(b *testing.B) {
	s := newServer(b)
	random := rand.New(rand.NewPCG(1, 2))
	fill(b, s, 100000, func(i int) string { return usual(random, i, 100000) })
	c := login(b, s, "john")
	c.talk("> s SELECT INBOX\n< ...\n< s OK …")
	for _, command := range []string{
		"SEARCH ALL", "UID SEARCH UNSEEN", "SEARCH SEEN", "SEARCH SUBJECT \"subject 12345\"", "SEARCH FROM user77@", "SEARCH TEXT word9999", "SEARCH BODY word9999", "SEARCH SENTON 7-Feb-2026",
		"SORT (DATE) UTF-8 ALL", "SORT (SUBJECT) UTF-8 ALL", "SORT (FROM REVERSE DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL",
	} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				c.talk("> a " + command + "\n< ...\n< a OK …")
			}
		})
	}
}
