package main

import (
	"bytes"

	"goqmail/lib/spawn"
)

// outputMax is how much of qmail-remote's output is looked at, far more than
// it should ever say.
const outputMax = 1 << 20

// report turns the end of a delivery into a report. What qmail-remote prints,
// see qmail-remote(8), is a series of texts that each end with NUL: one on the
// recipient, with r (accepted), s (not now) or h (never) in front, and one on
// the message, with K, Z or D.
func report(e spawn.Ended) string {
	switch {
	case e.Crashed:
		return "Zqmail-remote crashed.\n"
	case e.Code == 111:
		return "ZUnable to run qmail-remote.\n"
	case e.Code != 0:
		return "DUnable to run qmail-remote.\n"
	}
	// What looks like a success before all reports is none.
	notice := ""
	output, ok := bytes.CutPrefix(e.Output, []byte(spawn.NoLogin+"\x00"))
	if ok {
		notice = spawn.NoLogin[1:]
	}
	if len(output) == 0 {
		return "Zqmail-remote produced no output.\n"
	}
	message := verdict(output)
	recipient := message
	switch output[0] {
	case 's':
		recipient = deferred
	case 'h':
		recipient = failed
	}
	return recipient.letter() + notice + text(output, message <= recipient)
}

// result is what became of a message or recipient. Better is greater.
type result int

const (
	failed   result = -1
	deferred result = 0
	accepted result = 1
)

func (r result) letter() string {
	switch r {
	case accepted:
		return "K"
	case deferred:
		return "Z"
	}
	return "D"
}

// verdict is what the first text on the message says. A program that says
// nothing has failed.
func verdict(output []byte) result {
	for {
		text, rest, ended := bytes.Cut(output, []byte{0})
		if !ended {
			return failed
		}
		switch first(text) {
		case 'K':
			return accepted
		case 'Z':
			return deferred
		case 'D':
			return failed
		}
		output = rest
	}
}

// text is the text on the recipient and, if wanted and there at once, that on
// the message, which is of no interest to a recipient who fared worse. A text
// without an end is none if it is the first.
func text(output []byte, both bool) string {
	// An empty first text counts as the letter of the next one.
	on, rest, ended := bytes.Cut(output[1:], []byte{0})
	if !ended {
		return ""
	}
	if both {
		switch first(rest) {
		case 'K', 'Z', 'D':
			message, _, _ := bytes.Cut(rest[1:], []byte{0})
			return string(on) + string(message)
		}
	}
	return string(on)
}

func first(text []byte) byte {
	if len(text) == 0 {
		return 0
	}
	return text[0]
}
