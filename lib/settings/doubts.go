package settings

import (
	"slices"
	"strings"

	"goqmail/lib/badlist"
	"goqmail/lib/ciphers"
	"goqmail/lib/dnsbl"
	"goqmail/lib/ere"
	"goqmail/lib/extensions"
	"goqmail/lib/ipme"
	"goqmail/lib/skip"
)

// Doubts are what is wrong with the lines of a file, where the extensions are on.
func Doubts(name string, lines []string, on extensions.Set) (problems []string) {
	switch {
	case name == "tlsserverciphers" || name == "tlsclientciphers":
		_, unknown := ciphers.Parse(strings.Join(lines, ":"))
		for _, cipher := range unknown {
			problems = append(problems, "No such cipher here: "+cipher)
		}
	case name == "moreipme" || name == "notipme":
		for _, line := range lines {
			if !ipme.IsNetwork(line) {
				problems = append(problems, "No address or network: "+line)
			}
		}
	case name == "scanskip" || name == "spamskip":
		if _, err := skip.Parse(lines); err != nil {
			problems = strings.Split(err.Error(), "\n")
		}
	case name == "dnsbllist":
		for _, line := range lines {
			if _, err := dnsbl.ParseList(line); err != nil {
				problems = append(problems, err.Error())
			}
		}
	case slices.Contains(badlist.Names(), name) && (name != "badmailfrom" || on.Has(extensions.QRegex)):
		for _, line := range lines {
			if _, err := ere.Compile(strings.TrimPrefix(line, "!")); err != nil {
				problems = append(problems, line+": "+err.Error())
			}
		}
	}
	return problems
}
