package imap

import (
	"strconv"
)

// AppendString appends s as a quoted string if it can be one, else as a literal.
func AppendString(b []byte, s string) []byte {
	if !quotable(s) {
		b = append(b, '{')
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(b, "}\r\n"...)
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// AppendNstring appends s as AppendString does, NIL if it is empty.
func AppendNstring(b []byte, s string) []byte {
	if s == "" {
		return append(b, "NIL"...)
	}
	return AppendString(b, s)
}

// AppendAstring appends s as an atom if it can be one, else as a string.
func AppendAstring(b []byte, s string) []byte {
	if s == "" {
		return append(b, `""`...)
	}
	for i := range len(s) {
		if !isAstring(s[i]) {
			return AppendString(b, s)
		}
	}
	if isNil(s) {
		return AppendString(b, s)
	}
	return append(b, s...)
}

func isNil(s string) bool {
	return len(s) == 3 && s[0]|0x20 == 'n' && s[1]|0x20 == 'i' && s[2]|0x20 == 'l'
}

// maxQuoted is the longest quoted string: some clients read lines of bounded length.
const maxQuoted = 1000

func quotable(s string) bool {
	if len(s) > maxQuoted {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c == 0 || c == '\r' || c == '\n' || c >= 0x80 {
			return false
		}
	}
	return true
}
