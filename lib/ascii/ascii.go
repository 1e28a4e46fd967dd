// Package ascii compares names the way mail does: A to Z and a to z are alike,
// and every other byte is itself, whatever alphabet it belongs to.
package ascii

// Lower returns s with A to Z in lower case.
func Lower(s string) string {
	for i := 0; i < len(s); i++ {
		if upper(s[i]) {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

// Equal tells whether a and b differ at most in case.
func Equal(a, b string) bool { return len(a) == len(b) && HasPrefix(a, b) }

// HasPrefix tells whether s starts with prefix, but for case.
func HasPrefix(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lower(s[i]) != lower(prefix[i]) {
			return false
		}
	}
	return true
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

func lower(c byte) byte {
	if upper(c) {
		return c + 'a' - 'A'
	}
	return c
}
