package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"runtime"
)

// The layout of a record in utmp(5). Its fields from ut_session on are longer
// on a few machines, for which it was laid out late.
const (
	typeAt      = 0
	lineAt      = 8
	lineLen     = 32
	userAt      = 44
	userLen     = 32
	userProcess = 7
)

func recordLen() int {
	switch runtime.GOARCH {
	case "arm64", "riscv64", "loong64":
		return 400
	}
	return 384
}

// terminals returns the lines, names in /dev, on which user is logged in.
func terminals(user string) (lines []string) {
	f, err := os.Open("/var/run/utmp")
	if err != nil || len(user) > userLen {
		return nil
	}
	defer f.Close()
	record := make([]byte, recordLen())
	for {
		if _, err := io.ReadFull(f, record); err != nil {
			return lines
		}
		if binary.NativeEndian.Uint16(record[typeAt:]) == userProcess && field(record[userAt:], userLen) == user {
			lines = append(lines, field(record[lineAt:], lineLen))
		}
	}
}

// field is a string of at most n bytes, shorter if there is a NUL.
func field(b []byte, n int) string {
	s, _, _ := bytes.Cut(b[:n], []byte{0})
	return string(s)
}
