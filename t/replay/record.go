//go:build linux

package replay

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// readRecords reads what the stand-ins wrote down, in order of their start.
func readRecords() ([]any, error) {
	out := []any{}
	for n := 0; ; n++ {
		data, err := os.ReadFile(fmt.Sprintf("%s/rec/%d", harness, n))
		if err != nil {
			return out, nil // the last was the one before
		}
		out = append(out, parseRecord(data))
	}
}

// parseRecord parses "KEY LENGTH:BYTES\n" and so on. A stand-in that was killed
// may have left a part.
func parseRecord(data []byte) any {
	e := map[string]any{"name": ""}
	args, env, fds := []any{}, []any{}, map[string]any{}
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte(":"))
		key, digits, ok2 := strings.Cut(string(head), " ")
		n, err := strconv.Atoi(digits)
		if !ok || !ok2 || err != nil {
			break
		}
		value := string(rest[:min(n, len(rest))])
		data = rest[min(n+1, len(rest)):]
		switch {
		case key == "arg":
			args = append(args, value)
		case key == "env":
			env = append(env, value)
		case strings.HasPrefix(key, "fd"):
			fds[key[2:]] = value
		default:
			e[key] = value
		}
	}
	e["argv"], e["fds"] = args, fds
	if len(env) > 0 {
		e["env"] = env
	}
	return e
}

// unread tells whether a server's kernel has bytes that the server has not
// read yet, or a connection that the client has ended and the server has not.
func unread() bool {
	data, err := os.ReadFile("/proc/1/net/tcp")
	if err != nil {
		return false
	}
	const established, closeWait = "01", "08"
	for i, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		if i == 0 || len(f) < 5 {
			continue
		}
		_, queued, _ := strings.Cut(f[4], ":")
		if f[3] == closeWait || f[3] == established && queued != "00000000" {
			return true
		}
	}
	return false
}

// appendSorted appends the text that records are sorted by: JSON in ASCII with
// sorted keys and a space after each comma and colon.
func appendSorted(b []byte, x any) []byte {
	switch x := x.(type) {
	case string:
		return appendQuoted(b, x)
	case []any:
		b = append(b, '[')
		for i, v := range x {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendSorted(b, v)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendQuoted(b, k), ": "...)
			b = appendSorted(b, x[k])
		}
		return append(b, '}')
	}
	return fmt.Append(b, x)
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case ' ' <= c && c <= '~':
			b = append(b, c)
		case strings.IndexByte("\b\t\n\f\r", c) >= 0:
			b = append(b, '\\', "btn?fr"[c-8])
		default:
			b = fmt.Appendf(b, "\\u%04x", c)
		}
	}
	return append(b, '"')
}
