package queue

import "strings"

// BounceText is what a file in bounce says on one failure: the recipient, the
// report, an empty line. No other line is empty, so that the text can be taken apart.
func BounceText(recipient, report string) []byte {
	b := []byte("<" + strings.ReplaceAll(recipient, "\n", "_") + ">:\n" + report)
	if report != "" && report[len(report)-1] != '\n' {
		b = append(b, '\n')
	}
	for i := len(b) - 2; i > 0; i-- {
		if b[i] == '\n' && b[i-1] == '\n' {
			b[i] = '/'
		}
	}
	return append(b, '\n')
}
