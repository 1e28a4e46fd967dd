package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/errno"
	"goqmail/lib/extensions"
	"goqmail/lib/ip"
	"goqmail/lib/outgoingip"
	"goqmail/lib/settings"
	"goqmail/lib/spamd"
)

// control checks each control file, and what they say together.
func (c *checker) control() {
	entries, err := os.ReadDir(control.Path("."))
	if err != nil {
		c.wrong("control", "cannot be read: "+text(err), "make setup")
		return
	}
	for _, entry := range entries {
		c.known(entry.Name())
		if !entry.IsDir() {
			c.readable(entry)
		}
	}
	for _, s := range settings.Plain {
		c.setting(s)
	}
	for _, s := range []settings.Setting{settings.MoreAdds, {Name: "extensions", Kind: settings.List}} {
		c.setting(s)
	}
	for _, p := range settings.Patches {
		c.setting(p.Setting)
	}
	c.extensions()
	c.domains()
	c.databases()
}

// known checks that a program reads the file.
func (c *checker) known(name string) {
	if settings.Known(name, true) {
		return
	}
	what := "no program reads a file of this name"
	for _, ending := range []string{".cdb", ".tmp", "~", ".bak", ".old", ".orig"} {
		if base, ok := strings.CutSuffix(name, ending); ok && settings.Known(base, true) {
			if ending == ".cdb" || ending == ".tmp" {
				what += "; it is a remainder of " + base
			}
			c.doubt("control/"+name, what, "rm "+quoted(control.Path(name)))
			return
		}
	}
	if near := nearest(name); near != "" {
		c.doubt("control/"+name, what+"; "+near+" is one", "mv "+quoted(control.Path(name))+" "+control.Path(near))
		return
	}
	c.doubt("control/"+name, what, "")
}

// nearest is the file whose name differs in one letter, or by two that changed
// places.
func nearest(name string) string {
	for _, s := range settings.Plain {
		if oneOff(name, s.Name) {
			return s.Name
		}
	}
	for _, p := range settings.Patches {
		if oneOff(name, p.Name) {
			return p.Name
		}
	}
	return ""
}

func oneOff(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// secret tells whether a file is for fewer than all.
func (c *checker) secret(name string) bool {
	return strings.HasSuffix(name, ".pem") || name == "authsenders" || name == "smtproutes" && c.on.Has(extensions.SMTPAuth)
}

// readable checks who may read and write a file. Qmail-send, qmail-remote and what runs for
// clients all read these as users of their own.
func (c *checker) readable(entry fs.DirEntry) {
	st, err := os.Stat(control.Path(entry.Name()))
	if err != nil {
		c.wrong("control/"+entry.Name(), "cannot be looked at: "+text(err), "")
		return
	}
	where, path := "control/"+entry.Name(), quoted(control.Path(entry.Name()))
	switch mode := st.Mode().Perm(); {
	case mode&0o022 != 0:
		c.wrong(where, "others than its owner may write it", "chmod go-w "+path)
	case mode&0o004 == 0 && !c.secret(entry.Name()):
		c.wrong(where, "not all may read it, as qmail's users must", "chmod 644 "+path)
	}
}

// setting checks one file for itself.
func (c *checker) setting(s settings.Setting) {
	if s.Kind == settings.File || s.Kind == settings.Directory {
		return
	}
	data, err := os.ReadFile(control.Path(s.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	where, path := "control/"+s.Name, control.Path(s.Name)
	if err != nil {
		c.hidden(where, err)
		return
	}
	if !c.bytes(where, path, data) {
		return // the rest would be about the same
	}
	switch s.Kind {
	case settings.Number:
		c.number(s, data)
	case settings.Text, settings.Host:
		c.line(s, data)
	case settings.List:
		lines, _, err := control.Lines(s.Name)
		if err != nil {
			c.hidden(where, err)
			return
		}
		for _, problem := range settings.Doubts(s.Name, lines, c.on) {
			c.wrong(where, problem, "")
		}
		c.lines(s.Name, lines)
	}
}

// bytes checks what editors and other systems leave in a file. It returns false if that
// spoils all.
func (c *checker) bytes(where, path string, data []byte) bool {
	path = quoted(path)
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		c.wrong(where, "starts with a byte order mark, which becomes part of the first name", `sed -i '1s/^\xef\xbb\xbf//' `+path)
		return false
	case bytes.IndexByte(data, '\r') >= 0:
		c.wrong(where, "lines end in CR LF, and so match nothing", `sed -i 's/\r$//' `+path)
		return false
	case bytes.IndexByte(data, 0) >= 0:
		c.wrong(where, "has a NUL in it", `tr -d '\000' <`+path+" >"+path+".new && mv "+path+".new "+path)
		return false
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		c.doubt(where, "the last line lacks its newline, so that what is appended becomes part of it", "echo >>"+path)
	}
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		if n := len(line); n > 0 && (line[n-1] == ' ' || line[n-1] == '\t') && len(bytes.TrimSpace(line)) > 0 {
			c.doubt(where, "line "+strconv.Itoa(i+1)+" ends in blanks, which count for nothing here but may elsewhere", `sed -i 's/[ \t]*$//' `+path)
			break
		}
	}
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(bytes.TrimSpace(line)) > 0 {
			c.wrong(where, "line "+strconv.Itoa(i+1)+" starts with a blank, which is part of it", `sed -i 's/^[ \t]*//' `+path)
			break
		}
	}
	return true
}

// number checks a file with a number.
func (c *checker) number(s settings.Setting, data []byte) {
	where := "control/" + s.Name
	first, rest, _ := strings.Cut(string(data), "\n")
	first = strings.TrimRight(first, " \t")
	c.oneLine(where, rest)
	n, err := strconv.ParseUint(first, 10, 64)
	set := func(value string) string { return "echo " + value + " >" + control.Path(s.Name) }
	switch {
	case err != nil && (first == "" || first[0] < '0' || first[0] > '9'):
		c.wrong(where, `"`+first+`" is no number, and so counts for nothing`, "rm "+control.Path(s.Name))
	case err != nil && !errors.Is(err, strconv.ErrRange):
		c.doubt(where, `only the digits at the start of "`+first+`" count`, "")
	case err != nil || n > 1<<31-1:
		c.wrong(where, first+" is too large", set("2147483647"))
	case n == 0 && strings.HasPrefix(s.Name, "concurrency"):
		c.doubt(where, "0 means none at all", "rm "+control.Path(s.Name))
	case n == 0 && strings.HasPrefix(s.Name, "timeout"):
		c.wrong(where, "nobody answers in 0 seconds", "rm "+control.Path(s.Name))
	case n == 0 && s.Name == "queuelifetime":
		c.doubt(where, "with 0, what cannot be delivered at once bounces", "rm "+control.Path(s.Name))
	case (s.Name == "concurrencylocal" || s.Name == "concurrencyremote") && n > uint64(auto.Spawn()):
		c.doubt(where, first+" is more than these programs can do, "+strconv.Itoa(auto.Spawn()), set(strconv.Itoa(auto.Spawn())))
	}
}

// oneLine checks that nothing follows the first line.
func (c *checker) oneLine(where, rest string) {
	if strings.TrimSpace(rest) != "" {
		c.doubt(where, "only the first line counts", "")
	}
}

// line checks a file with one line, most often a name of a host.
func (c *checker) line(s settings.Setting, data []byte) {
	where := "control/" + s.Name
	first, rest, _ := strings.Cut(string(data), "\n")
	first = strings.TrimRight(first, " \t")
	c.oneLine(where, rest)
	switch {
	case s.Name == "smtpgreeting": // a name and maybe words
		if problem := hostProblem(strings.SplitN(first, " ", 2)[0]); problem != "" {
			c.wrong(where, problem, "")
		}
	case s.Name == "bouncefrom" || s.Name == "doublebounceto":
		// An empty doublebounceto may be a patch's way to want none.
		if strings.Contains(first, "@") {
			c.wrong(where, first+" has an @; the host is in control/"+map[string]string{"bouncefrom": "bouncehost", "doublebounceto": "doublebouncehost"}[s.Name], "")
		} else if first == "" && !(s.Name == "doublebounceto" && c.on.Has(extensions.DoubleBounceTrim)) {
			c.wrong(where, "is empty", "rm "+control.Path(s.Name))
		}
	case s.Name == "scanfailure":
		c.word(where, first, "defer", "accept")
	case s.Name == "scanvirus":
		c.word(where, first, "refuse", "mark")
	case s.Name == "spamscore":
		if _, ok := spamd.Number(first); !ok && first != "" {
			c.wrong(where, first+" is no score", "")
		}
	case s.Name == "outgoingip":
		if _, err := outgoingip.Read(); errors.Is(err, outgoingip.ErrInvalid) {
			c.wrong(where, first+" is no address, so that no mail leaves", "")
		}
	case s.Kind != settings.Host && s.Name != "me": // free text, and places
	case s.Name == "plusdomain" || s.Name == "defaultdomain":
		if problem := hostProblem(first); problem != "" {
			c.wrong(where, problem, "")
		}
	default:
		if problem := hostProblem(first); problem != "" {
			c.wrong(where, problem, "")
		} else if !strings.Contains(first, ".") {
			c.doubt(where, first+" has no dot: other hosts refuse such a name", "")
		}
	}
}

// word checks that a file has one of the words that mean something.
func (c *checker) word(where, word string, words ...string) {
	if !slices.Contains(words, word) {
		c.wrong(where, `"`+word+`" means nothing; it is `+strings.Join(words, " or "), "")
	}
}

// hostProblem is what is wrong with the name of a host or domain, "" if nothing.
func hostProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case strings.ContainsAny(name, " \t"):
		return name + " has a blank in it: a comment needs a line of its own"
	case strings.Contains(name, "@"):
		return name + " is an address, where a domain is wanted"
	case name[0] == '.':
		return name + " starts with a dot"
	case strings.HasSuffix(name, "."):
		return name + " ends in a dot, and so matches nothing"
	case strings.Contains(name, ".."):
		return name + " has two dots in a row"
	case len(name) > 253:
		return "a name has at most 253 bytes"
	}
	if _, ok := ip.Literal(name); ok {
		return ""
	}
	if _, ok := ip.Literal6(name); ok {
		return ""
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c >= 0x80) {
			return name + " has " + printable(string([]byte{c})) + " in it, as no domain has"
		}
	}
	return ""
}

// lines checks the lines of a list that are names of domains, or start with one.
func (c *checker) lines(name string, lines []string) {
	where := "control/" + name
	switch name {
	case "locals", "percenthack":
		for _, line := range lines {
			if problem := hostProblem(line); problem != "" {
				c.wrong(where, problem, "")
			}
		}
	case "badmailfrom":
		for _, line := range lines {
			plain := !c.on.Has(extensions.QRegex) && !(line[0] == '.' && c.on.Has(extensions.BadMailFromWildcard))
			if plain && !strings.Contains(line, "@") {
				c.doubt(where, line+" has no @, and so is no domain's; @"+line+" is", "")
			}
		}
	case "rcpthosts", "morercpthosts":
		for _, line := range lines {
			if problem := hostProblem(strings.TrimPrefix(line, ".")); problem != "" {
				c.wrong(where, problem, "")
			}
		}
	case "virtualdomains":
		for _, line := range lines {
			c.virtualDomain(where, line)
		}
		c.twice(where, lines)
	case "smtproutes":
		for _, line := range lines {
			c.route(where, line)
		}
		c.twice(where, lines)
	case "qmqpservers":
		for _, line := range lines {
			if _, ok := ip.Parse(line); !ok {
				c.wrong(where, line+" is no address", "")
			}
		}
	}
}

// twice checks that no name has two lines.
func (c *checker) twice(where string, lines []string) {
	seen := map[string]bool{}
	for _, line := range lines {
		name, _, ok := strings.Cut(strings.ToLower(line), ":")
		if ok && seen[name] {
			c.doubt(where, name+" has several lines, of which the last counts", "")
		}
		seen[name] = true
	}
}

func (c *checker) virtualDomain(where, line string) {
	domain, prepend, ok := strings.Cut(line, ":")
	if !ok {
		c.wrong(where, line+" has no colon, and so counts for nothing", "")
		return
	}
	if at := strings.LastIndexByte(domain, '@'); at >= 0 {
		domain = domain[at+1:] // a single address
	}
	if domain = strings.TrimPrefix(domain, "."); domain != "" {
		if problem := hostProblem(domain); problem != "" {
			c.wrong(where, problem, "")
			return
		}
	}
	if strings.ContainsAny(prepend, " \t@:") {
		c.wrong(where, prepend+" is no start of a local address", "")
	}
}

// route checks a line of smtproutes.
func (c *checker) route(where, line string) {
	domain, relay, ok := strings.Cut(line, ":")
	if !ok {
		c.wrong(where, line+" has no colon, and so counts for nothing", "")
		return
	}
	if domain = strings.TrimPrefix(domain, "."); domain != "" {
		if problem := hostProblem(domain); problem != "" {
			c.wrong(where, problem, "")
		}
	}
	place, login, _ := strings.Cut(relay, "|")
	if login != "" && !c.on.Has(extensions.SMTPAuth) {
		c.doubt(where, "the line for "+domain+" has a password, which counts only with smtp-auth in control/extensions", "")
	}
	host, port := place, ""
	if end := strings.IndexByte(place, ']') + 1; strings.ContainsAny(place[end:], ":;") {
		at := end + strings.IndexAny(place[end:], ":;")
		host, port = place[:at], place[at+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			c.wrong(where, `"`+port+`" is no port`, "")
		}
	}
	if host == "" {
		return // straight to the domain
	}
	if problem := hostProblem(host); problem != "" {
		c.wrong(where, problem, "")
	}
}

// extensions checks the names of what is on.
func (c *checker) extensions() {
	_, err := extensions.Read()
	var unknown extensions.Unknown
	if !errors.As(err, &unknown) {
		return // nothing wrong, or it has been told of
	}
	for problem := range strings.SplitSeq(err.Error(), "\n") {
		_, name, _ := strings.Cut(problem, ": ")
		c.wrong("control/extensions", "nothing is known by the name "+name+", so that programs report a temporary failure",
			"man -M "+auto.Home+"/man qmail-control")
	}
}

// text is an error in few words.
func text(err error) string { return errno.Text(err) }
