//go:build linux

package replay

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// These rules apply only to cases that name them: their texts are part of
// extensions, not of plain mail.

var (
	challengePattern = regexp.MustCompile(`334 ([A-Za-z0-9+/]+={0,2})(\r?\n)`)
	msgidPattern     = regexp.MustCompile(`^<[!-?A-~]+@([!-~]+)>$`)
	dkimPattern      = regexp.MustCompile(`(?m)(^DKIM-Signature:(?:[^\n]|\n[ \t])*?;\s*b=)(?:[A-Za-z0-9+/=]|\n?[ \t]+)+`)
	smtpdPattern     = regexp.MustCompile(`qmail-smtpd\[\d+\]`)
	alertPattern     = regexp.MustCompile(`(?s)\x15\x03[\x00-\x04]\x00\x02[\x01\x02].`)
	tlsErrorPattern  = regexp.MustCompile(`(TLS connect failed|TLS connection failed|TLS missing certificate|TLS no valid RSA private key` +
		`|TLS unable to (?:verify|load) [^:\n]*|valid cert for gatewaying): ([^\n]*?)(; connect(?:ed|ing) to | \(#)`)
	tlsDiedPattern   = regexp.MustCompile(`(?m)^(ZConnected to [0-9.]+ but connection died\. \(#4\.4\.2\)|Z)(?:error:[^\n]*|<TLSERROR>) Connected`)
	tls13NamePattern = regexp.MustCompile(`\(TLS_[A-Z0-9_]+ encrypted\)`)
)

// cram replaces the challenges of CRAM-MD5, which are random, where the server
// sends them and, the same text, where the checker gets them.
func (n *normal) cram(s string) string {
	s = replace(s, challengePattern, wordStart, nil, func(m []string) string {
		challenge, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil || !msgidPattern.Match(challenge) {
			return m[0]
		}
		n.challenges = append(n.challenges, string(challenge))
		return "334 " + n.challenge(len(n.challenges)-1) + m[2]
	})
	for i, challenge := range n.challenges {
		s = strings.ReplaceAll(s, challenge, n.challenge(i))
	}
	return s
}

func (n *normal) challenge(i int) string {
	return fmt.Sprintf("<CHALLENGE%d@%s>", i+1, msgidPattern.FindStringSubmatch(n.challenges[i])[1])
}

// tlsTexts replaces what is a TLS library's own, and not of the program: the
// texts of errors, but those in ownTexts, the names of suites of TLS 1.3, and
// alerts in clear text.
func tlsTexts(s string) string {
	ownTexts := []string{"email address", "contains no", "received certificate", "certificate contains", "no certificate provided"}
	s = alertPattern.ReplaceAllString(s, "")
	s = replace(s, tlsErrorPattern, nil, nil, func(m []string) string {
		if slices.ContainsFunc(ownTexts, func(own string) bool { return strings.HasPrefix(m[2], own) }) {
			return m[0]
		}
		return m[1] + ": <TLSERROR>" + m[3]
	})
	s = tlsDiedPattern.ReplaceAllString(s, "${1}Connected")
	return tls13NamePattern.ReplaceAllString(s, "(<TLS13SUITE> encrypted)")
}
