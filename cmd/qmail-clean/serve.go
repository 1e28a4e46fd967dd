package main

import (
	"bytes"
	"strings"
	"syscall"

	"goqmail/lib/queue"
)

// Requests have one of these lengths, with the NUL.
const minRequest, maxRequest = 7, 100

// serve does as a request asks and returns the answer, normally one byte. A
// byte that is no digit where the number should be gets an x of its own, but
// does not invalidate the digits before it.
func serve(layout queue.Layout, request []byte) string {
	if len(request) < minRequest || len(request) > maxRequest {
		return "x"
	}
	kind, number := request[:5], request[5:len(request)-1]
	if layout.SplitTodo {
		// Such a queue's names have the split directory before the number.
		number = number[bytes.LastIndexByte(number, '/')+1:]
	}
	digits, junk := leadingDigits(number)
	answer := strings.Repeat("x", junk)
	n, ok := queue.ParseNum(string(digits))
	switch {
	case !ok:
		return answer + "x"
	case string(kind) == "foop/":
		return answer + remove(layout.Intd(n), layout.Mess(n))
	case string(kind[:4]) == "todo":
		// todo last: until it is gone, qmail-send would start over.
		return answer + remove(layout.Intd(n), layout.Todo(n))
	}
	return answer + "x"
}

// leadingDigits returns the digits at the start of s and how many bytes in all
// of s are no digits.
func leadingDigits(s []byte) (digits []byte, others int) {
	digits = s
	for i, c := range s {
		if c < '0' || c > '9' {
			if others == 0 {
				digits = s[:i]
			}
			others++
		}
	}
	return digits, others
}

// remove removes files in order, as far as it can. That one is not there is fine.
func remove(files ...queue.Name) string {
	for _, file := range files {
		if err := syscall.Unlink(file.Path()); err != nil && err != syscall.ENOENT {
			return "!"
		}
	}
	return "+"
}
