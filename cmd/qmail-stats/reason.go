package main

import "strings"

// reason is under what a failure or deferral is counted, so that there are few: the
// status code of RFC 3463, if the report has one, or else a reply code of SMTP, or
// else the words, without those that name a host, an address or a number.
func reason(report string) string {
	report = strings.NewReplacer("_", " ", "/", " ").Replace(report)
	if _, said, ok := strings.Cut(report, "Remote host said: "); ok {
		if len(said) >= 3 && digits(said[:3]) {
			if code := statusAt(said[3:], " ", "-"); code != "" {
				return code
			}
			return "SMTP " + said[:3]
		}
	}
	if at := strings.LastIndex(report, "(#"); at >= 0 {
		if code := statusAt(report[at:], "(#"); code != "" {
			return code
		}
	}
	return plain(report)
}

// statusAt returns the status code behind one of the given beginnings, "" if none is.
func statusAt(text string, after ...string) string {
	for _, before := range after {
		text, ok := strings.CutPrefix(text, before)
		if !ok {
			continue
		}
		end := 0
		for end < len(text) && (text[end] == '.' || digits(text[end:end+1])) {
			end++
		}
		// A code may also be the end of a sentence.
		code := strings.TrimSuffix(text[:end], ".")
		parts := strings.Split(code, ".")
		if len(parts) == 3 && (parts[0] == "4" || parts[0] == "5") && number(parts[1]) && number(parts[2]) {
			return code
		}
	}
	return ""
}

func number(s string) bool { return len(s) > 0 && len(s) <= 3 && digits(s) }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// maxReason is how many bytes of words tell reasons apart.
const maxReason = 60

// plain is the words of a report.
func plain(report string) string {
	var b strings.Builder
	for _, word := range strings.Fields(report) {
		if strings.ContainsAny(word, "0123456789@<>") || strings.Contains(strings.TrimRight(word, "."), ".") {
			word = "*"
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		if b.Len() > maxReason {
			break
		}
	}
	if b.Len() == 0 {
		return "no reason"
	}
	return printable(b.String(), maxReason)
}

// maxAlert is how much is kept of an alert.
const maxAlert = 200

// printable is the start of a text, at most so many bytes, without those that no log has.
func printable(text string, most int) string {
	b := []byte(text[:min(len(text), most)])
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// meaning is what a status code says, in the words of its registry or shorter ones.
func meaning(code string) string {
	if len(code) < 5 || code[1] != '.' {
		return ""
	}
	switch code[2:] {
	case "1.0":
		return "trouble with the address"
	case "1.1":
		return "no such mailbox"
	case "1.2":
		return "no such host"
	case "1.3":
		return "bad address"
	case "1.6":
		return "mailbox has moved"
	case "1.8":
		return "sender's host does not exist"
	case "2.0", "2.1":
		return "mailbox cannot be used"
	case "2.2":
		return "mailbox full"
	case "2.3":
		return "message too long for the mailbox"
	case "3.0":
		return "trouble of the mail system"
	case "3.1":
		return "disk full"
	case "3.2":
		return "system takes no mail"
	case "3.3":
		return "system cannot do this"
	case "3.4":
		return "message too big"
	case "3.5":
		return "system not configured for this"
	case "4.1":
		return "host does not answer"
	case "4.2":
		return "connection died"
	case "4.3":
		return "name server trouble"
	case "4.4":
		return "no way to the host"
	case "4.5":
		return "system too busy"
	case "4.6":
		return "mail loop"
	case "4.7":
		return "too old"
	case "5.0", "5.1", "5.2":
		return "protocol trouble"
	case "5.3":
		return "too many recipients"
	case "6.0":
		return "trouble with the content"
	case "7.0", "7.1":
		return "refused by policy"
	case "7.8":
		return "wrong password"
	case "7.26", "7.27":
		return "sender not authenticated"
	}
	return ""
}
