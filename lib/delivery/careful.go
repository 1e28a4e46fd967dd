package delivery

import (
	"bytes"
	"errors"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/duplicates"
	"goqmail/lib/mailstore"
)

// recent is how many of the last messages of a mailbox a careful agent looks at.
const recent = 100

// isThere tells whether one of the last messages of a mailbox has an id and, but for
// what we put on top, the same header as a message.
func (a *Agent) isThere(m *Message, mailbox string) bool {
	if m.key == (duplicates.ID{}) {
		return false
	}
	st, err := a.Store.Status(mailbox)
	if err != nil {
		return false
	}
	box, err := a.Store.OpenMailbox(mailbox)
	if err != nil {
		return false
	}
	defer box.Close()
	var last imap.UIDSet
	last.AddRange(imap.UID(max(st.UIDNext, recent+1)-recent), imap.UID(st.UIDNext))
	own := below(m.staged.Digest.Header)
	err = box.Columns(last, []mailstore.Column{mailstore.Header}, func(_ uint32, values [][]byte) error {
		if bytes.Equal(below(values[0]), own) {
			return errFound
		}
		return nil
	})
	return errors.Is(err, errFound)
}

var errFound = errors.New("found")

// below returns what of a header follows Return-Path and Received.
func below(header []byte) []byte {
	for fields := 0; len(header) > 0; {
		if header[0] != '\t' {
			if fields++; fields > 2 {
				break
			}
		}
		_, header, _ = bytes.Cut(header, []byte("\n"))
	}
	return header
}
