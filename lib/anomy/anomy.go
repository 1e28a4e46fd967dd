// Package anomy reads configurations of the Anomy mail sanitizer, as anomy.conf(5)
// describes them. What they ask for is done by package sanitize.
package anomy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Config is what a configuration asks for. The comments name the variable.
type Config struct {
	Boundaries bool // feat_boundaries
	Files      bool // feat_files
	FixMIME    bool // feat_fixmime
	ForceName  bool // feat_force_name
	Forwards   bool // feat_forwards
	HTML       bool // feat_html
	Lengths    bool // feat_lengths
	LogInline  bool // feat_log_inline
	LogStderr  bool // feat_log_stderr
	Paranoid   bool // feat_paranoid
	Scripts    bool // feat_scripts
	Testing    bool // feat_testing
	TrustPGP   bool // feat_trust_pgp
	UUEncoded  bool // feat_uuencoded
	Verbose    bool // feat_verbose
	Webbugs    bool // feat_webbugs

	Newlines int // feat_newlines: 1 for LF, 2 for CRLF, 0 for what comes

	Headers []string // header_info, header_url and header_rev: fields to add

	MsgDrop   string // msg_file_drop
	MsgSave   string // msg_file_save
	MsgPGP    string // msg_pgp_warning
	MsgLog    string // msg_log_prefix
	Variables map[string]string

	Rules       []Rule // file_list_N, in order
	Default     Policy // file_default_policy
	DefaultName string // file_default_filename
	Template    string // file_name_tpl

	ScoreBad   int // score_bad, 0 for never
	ScorePanic int // score_panic, likewise

	Defer       bool          // system_failure is defer, not pass
	ScanTimeout time.Duration // system_scan_timeout
}

// Policy is what happens to a file, the milder the smaller.
type Policy int

// The policies of anomy.conf(5). Unknown leaves the decision to the next rule.
const (
	Unknown Policy = iota
	Accept
	Defang
	Mangle
	Save
	Drop
	Panic
)

var policies = [...]string{"unknown", "accept", "defang", "mangle", "save", "drop", "panic"}

// String gives the name that the configuration uses.
func (p Policy) String() string { return policies[p] }

// Rule is a file_list_N with its policy and scanner.
type Rule struct {
	Names    *regexp.Regexp
	Policies []Policy // for each list of codes of the scanner, and for all other ends; one if there is no scanner
	Scanner  *Scanner
}

// Scanner is a program that looks at a file.
type Scanner struct {
	Codes   [][]int // its exit codes: clean, cleaned, infected
	Command string  // its command line, with %FILENAME
}

// Read reads files and settings, those arguments that have the form name=value or
// name+=value, in order. What there is to warn of is no error. With an error the
// configuration is the part of it that was understood.
func Read(args []string) (c *Config, warnings []string, err error) {
	r := reader{values: map[string]string{}}
	for _, arg := range args {
		if name, _, ok := strings.Cut(arg, "="); ok && !strings.Contains(name, "/") {
			r.line("argument", arg)
			continue
		}
		text, err := os.ReadFile(arg)
		if err != nil {
			r.errs = append(r.errs, err)
			continue
		}
		r.file(arg, text)
	}
	c = r.config()
	return c, r.warnings, errors.Join(r.errs...)
}

// Parse reads one configuration from memory.
func Parse(text []byte) (c *Config, warnings []string, err error) {
	r := reader{values: map[string]string{}}
	r.file("configuration", text)
	c = r.config()
	return c, r.warnings, errors.Join(r.errs...)
}

type reader struct {
	values   map[string]string
	order    []string // of the names, as they first came
	warnings []string
	errs     []error
}

func (r *reader) file(name string, text []byte) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		r.line(name+":"+strconv.Itoa(i+1), string(line))
	}
}

func (r *reader) line(place, line string) {
	line = strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t")
	if strings.TrimSpace(line) == "" || line[0] == '#' {
		return
	}
	name, value, ok := strings.Cut(line, "=")
	name, more := strings.CutSuffix(strings.TrimSpace(name), "+")
	name = strings.TrimSpace(name)
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		r.errs = append(r.errs, fmt.Errorf("%s: not a setting: %q", place, line))
		return
	}
	value = strings.TrimLeft(value, " \t")
	if strings.HasPrefix(name, "msg_") {
		value = unescape(value)
	} else {
		value = strings.TrimRight(value, " \t")
	}
	old, known := r.values[name]
	if !known {
		r.order = append(r.order, name)
	}
	if more {
		// Lines of a text are words that follow each other, whether the blank at
		// the end of a line was lost or not.
		if strings.HasPrefix(name, "msg_") && old != "" && value != "" && !strings.ContainsAny(old[len(old)-1:]+value[:1], " \t\n") {
			old += " "
		}
		value = old + value
	}
	r.values[name] = value
}

// unescape reads \n, \t and \\ in a text.
func unescape(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(s)
}

// config makes sense of the values.
func (r *reader) config() *Config {
	c := &Config{
		Files: true, FixMIME: true, Forwards: true, HTML: true, Lengths: true, LogInline: true, LogStderr: true,
		Scripts: true, UUEncoded: true, Verbose: true,
		MsgDrop:     "*****\nNOTE: An attachment named %FILENAME was deleted from this message.\n",
		MsgSave:     "*****\nNOTE: An attachment named %FILENAME was removed from this message and kept.\nThe system administrator finds it as %SAVEDNAME.\n",
		MsgPGP:      "WARNING: Unsanitized content follows.\n",
		MsgLog:      "This message has been changed for your safety. What was done:\n",
		Variables:   map[string]string{},
		Default:     Defang,
		DefaultName: "unnamed.file",
		Template:    "/var/quarantine/att-$F-$T.$$",
		ScanTimeout: 5 * time.Minute,
	}
	info, url, rev := "X-Sanitizer: This message has been sanitized!", "", ""
	for _, name := range r.order {
		value := r.values[name]
		if flag := c.flag(name); flag != nil {
			*flag = r.number(name) != 0
			continue
		}
		switch name {
		case "feat_newlines":
			c.Newlines = r.number(name)
		case "header_info":
			info = value
		case "header_url":
			url = value
		case "header_rev":
			rev = value
		case "msg_file_drop":
			c.MsgDrop = value
		case "msg_file_save":
			c.MsgSave = value
		case "msg_pgp_warning":
			c.MsgPGP = value
		case "msg_log_prefix":
			c.MsgLog = value
		case "file_default_policy":
			c.Default = r.policy(name, value)
		case "file_default_filename":
			c.DefaultName = value
		case "file_name_tpl":
			c.Template = value
		case "score_bad":
			c.ScoreBad = r.number(name)
		case "score_panic":
			c.ScorePanic = r.number(name)
		case "system_failure":
			if c.Defer = value == "defer"; !c.Defer && value != "pass" {
				r.wrong(name, "must be pass or defer", value)
			}
		case "system_scan_timeout":
			c.ScanTimeout = time.Duration(r.number(name)) * time.Second
		case "file_list_rules":
		default:
			if strings.HasPrefix(name, "var_") {
				c.Variables[name] = value
			} else if !strings.HasPrefix(name, "file_list_") {
				r.warnings = append(r.warnings, name+": unknown variable")
			}
		}
	}
	for _, field := range []string{info, url, rev} {
		if field == "" || field == "0" {
			continue
		}
		if name, _, ok := strings.Cut(field, ":"); !ok || name == "" || strings.ContainsFunc(name, func(b rune) bool { return b <= ' ' || b > '~' }) {
			r.wrong("header", "is no header field", field)
			continue
		}
		c.Headers = append(c.Headers, field)
	}
	if c.Default == Unknown {
		r.wrong("file_default_policy", "must decide", "unknown")
		c.Default = Defang
	}
	r.rules(c)
	return c
}

// flag is where a variable that is on or off is kept.
func (c *Config) flag(name string) *bool {
	switch name {
	case "feat_boundaries":
		return &c.Boundaries
	case "feat_files":
		return &c.Files
	case "feat_fixmime":
		return &c.FixMIME
	case "feat_force_name":
		return &c.ForceName
	case "feat_forwards":
		return &c.Forwards
	case "feat_html":
		return &c.HTML
	case "feat_lengths":
		return &c.Lengths
	case "feat_log_inline":
		return &c.LogInline
	case "feat_log_stderr":
		return &c.LogStderr
	case "feat_paranoid":
		return &c.Paranoid
	case "feat_scripts":
		return &c.Scripts
	case "feat_testing":
		return &c.Testing
	case "feat_trust_pgp":
		return &c.TrustPGP
	case "feat_uuencoded":
		return &c.UUEncoded
	case "feat_verbose":
		return &c.Verbose
	case "feat_webbugs":
		return &c.Webbugs
	}
	return nil
}

func (r *reader) wrong(name, what, value string) {
	r.errs = append(r.errs, fmt.Errorf("%s %s: %q", name, what, value))
}

func (r *reader) number(name string) int {
	value, _, _ := strings.Cut(r.values[name], "#") // a remark
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 || n > 1e6 {
		r.wrong(name, "must be a number", r.values[name])
		return 0
	}
	return n
}

func (r *reader) policy(name, value string) Policy {
	value, _, _ = strings.Cut(value, "#")
	for i, p := range policies {
		if strings.EqualFold(strings.TrimSpace(value), p) {
			return Policy(i)
		}
	}
	r.wrong(name, "is no policy", value)
	return Defang
}

// rules reads the first file_list_rules of the lists.
func (r *reader) rules(c *Config) {
	n := 0
	if _, ok := r.values["file_list_rules"]; ok {
		n = r.number("file_list_rules")
	}
	for i := 1; i <= n; i++ {
		list := "file_list_" + strconv.Itoa(i)
		expression, ok := r.values[list]
		if !ok { // Only some of the numbers may be in use.
			continue
		}
		names, err := regexp.Compile(expression)
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", list, err))
			continue
		}
		rule := Rule{Names: names, Policies: []Policy{c.Default}}
		if value, ok := r.values[list+"_policy"]; ok {
			rule.Policies = nil
			for _, p := range strings.Split(value, ":") {
				rule.Policies = append(rule.Policies, r.policy(list+"_policy", p))
			}
		}
		if value := r.values[list+"_scanner"]; value != "" && value != "0" {
			rule.Scanner = r.scanner(list+"_scanner", value)
		}
		if want := rule.Scanner.ends(); len(rule.Policies) != want {
			r.wrong(list+"_policy", fmt.Sprintf("must have %d policies, for how its scanner can end,", want), r.values[list+"_policy"])
			continue
		}
		c.Rules = append(c.Rules, rule)
	}
}

// ends is how many policies go with a scanner, or with none.
func (s *Scanner) ends() int {
	if s == nil {
		return 1
	}
	return len(s.Codes) + 1
}

// scanner reads lists of exit codes and the command, with colons between.
func (r *reader) scanner(name, value string) *Scanner {
	s := &Scanner{Command: value}
	for {
		list, rest, ok := strings.Cut(s.Command, ":")
		if !ok || strings.Trim(list, "0123456789, ") != "" {
			break
		}
		codes := []int{}
		for _, code := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
			if n, err := strconv.Atoi(code); err == nil && n <= 255 {
				codes = append(codes, n)
			} else {
				r.wrong(name, "has no exit code", code)
			}
		}
		s.Codes = append(s.Codes, codes)
		s.Command = rest
	}
	s.Command = strings.TrimSpace(s.Command)
	if len(s.Codes) == 0 || s.Command == "" {
		r.wrong(name, "must be codes:codes:codes:command", value)
	}
	return s
}

// Policy is what a rule says after its scanner, if any, ended with a code; -1 is
// an end without one.
func (r *Rule) Policy(code int) (policy Policy, cleaned bool) {
	if r.Scanner != nil {
		for i, codes := range r.Scanner.Codes {
			for _, c := range codes {
				if c == code {
					return r.Policies[i], i == 1
				}
			}
		}
	}
	return r.Policies[len(r.Policies)-1], false
}
