package sanitize

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/anomy"
	"goqmail/lib/entry"
)

// verdict is what the rules say of a file.
type verdict struct {
	policy  anomy.Policy
	rule    int    // 0 for the default policy
	file    string // in quarantine, if there was need of one
	cleaned bool   // by the scanner, which may have written to the file
}

// file judges a part that is a file and does what the rules say. Without mild, a name
// that no rule has means file_default_policy.
func (s *sanitizer) file(p *part, where string, mild bool) error {
	names := p.names()
	implied := impliedName(p.kind.kind, s.c.DefaultName)
	if !s.c.Files || len(names) == 0 && (implied == "" || mild) {
		return nil
	}
	if s.c.TrustPGP && implied == "smime.p7m" && p.encoding == encodedBase64 &&
		!slices.ContainsFunc(names, func(name string) bool { return !strings.HasSuffix(strings.ToLower(plainName(name)), ".p7m") }) {
		return nil
	}
	if !p.decodes() {
		return s.unread(p, where, "an encoding that cannot be read")
	}
	named := len(names) > 0
	if !named {
		names = []string{implied}
	}
	v, err := s.judge(names, func() io.Reader { return decoder(p.encoding, s.mess[p.body:p.to]) })
	if err != nil {
		return err
	}
	if v.policy != anomy.Accept && mild && v.rule == 0 {
		v.policy = anomy.Accept
	}
	if err := s.enforce(p, where, "", v, names[0]); err != nil || v.policy != anomy.Accept {
		return err
	}
	s.rename(p, where, names, named)
	return nil
}

// rename gives a file that passes a name, if it has none, or none that is what it seems.
func (s *sanitizer) rename(p *part, where string, names []string, named bool) {
	name := names[0]
	switch {
	case !named:
		if !s.c.ForceName {
			return
		}
	case s.c.Lengths && len(plainName(name)) > maxName, tricky(name):
		name = shorten(plainName(name), maxName)
		s.note(where, "the name of a file is now %q", name)
	case s.c.FixMIME && len(names) > 1 && plainName(names[len(names)-1]) != plainName(name) && p.kind.get("name") != "":
		s.note(where, "both names of a file are now %q", name)
	default:
		return
	}
	if name == "" {
		name = s.c.DefaultName
	}
	s.setName(p, name)
}

// tricky tells whether a name has in it what nobody sees.
func tricky(name string) bool {
	plain := plainName(name)
	return plain == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 })
}

// setName gives a part one name.
func (s *sanitizer) setName(p *part, name string) {
	kind, disposition := p.kind, p.disposition
	if p.newKind != nil {
		kind = *p.newKind
	}
	kind.set("name", name)
	if disposition.kind == "" {
		disposition = media{kind: "attachment"}
		if strings.HasPrefix(kind.kind, "image/") {
			disposition.kind = "inline" // it may stand in HTML
		}
	}
	disposition.set("filename", name)
	p.newKind, p.newDisposition = &kind, &disposition
}

// judge asks the rules about the names that a file has, of which the worst counts.
func (s *sanitizer) judge(names []string, data func() io.Reader) (worst verdict, err error) {
	scanned := map[int]verdict{}
	file := ""
	for _, name := range names {
		for _, reading := range readings(name) {
			v := verdict{policy: s.c.Default}
			if isDefanged(reading) {
				v.policy = anomy.Accept
			}
			for i, rule := range s.c.Rules {
				if !rule.Names.MatchString(reading) {
					continue
				}
				result, ok := scanned[i]
				if !ok {
					if rule.Scanner != nil && file == "" {
						if file, err = s.keep(name, data()); err != nil {
							return v, err
						}
					}
					if result, err = s.scan(i, file, name); err != nil {
						return v, err
					}
					scanned[i] = result
				}
				if result.policy != anomy.Unknown {
					v = result
					break
				}
			}
			if v.policy > worst.policy {
				worst = v
			}
		}
	}
	if worst.policy == anomy.Save && file == "" {
		if file, err = s.keep(names[0], data()); err != nil {
			return worst, err
		}
	}
	worst.file = file
	return worst, nil
}

// keep writes a file to quarantine.
func (s *sanitizer) keep(name string, data io.Reader) (string, error) {
	path := s.path(name)
	for i := 0; ; i++ {
		try := path
		if i > 0 {
			try += "-" + strconv.Itoa(i)
		}
		f, err := os.OpenFile(try, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
		if errors.Is(err, os.ErrExist) && i < 10000 {
			continue
		}
		if err != nil {
			return "", err
		}
		s.files = append(s.files, try)
		if _, err := io.Copy(f, data); err != nil {
			f.Close()
			return "", err
		}
		return try, f.Close()
	}
}

// discard removes the files of a message that failed.
func (s *sanitizer) discard() {
	for _, file := range s.files {
		os.Remove(file) // what cannot be removed does no harm
	}
}

// path is file_name_tpl for a file.
func (s *sanitizer) path(name string) string {
	var out strings.Builder
	template := s.c.Template
	for i := 0; i < len(template); i++ {
		if template[i] != '$' || i+1 == len(template) {
			out.WriteByte(template[i])
			continue
		}
		i++
		switch template[i] {
		case 'F':
			out.WriteString(fileName(name))
		case 'T':
			out.WriteString(strconv.FormatInt(s.now.Unix(), 10))
		case '$', 'P':
			out.WriteString(strconv.Itoa(os.Getpid()))
		case 'd':
			out.WriteString(s.now.Format("02"))
		case 'm':
			out.WriteString(s.now.Format("01"))
		case 'y':
			out.WriteString(s.now.Format("2006"))
		case 'H':
			out.WriteString(s.now.Format("15"))
		case 'M':
			out.WriteString(s.now.Format("04"))
		case 'S':
			out.WriteString(s.now.Format("05"))
		default:
			out.WriteString(template[i-1 : i+1])
		}
	}
	return out.String()
}

// scan asks the scanner of a rule, if it has one.
func (s *sanitizer) scan(i int, file, name string) (verdict, error) {
	rule := &s.c.Rules[i]
	code := -1
	if rule.Scanner != nil {
		var err error
		if code, err = s.run(rule.Scanner.Command, file, name); err != nil {
			return verdict{}, err
		}
	}
	policy, cleaned := rule.Policy(code)
	return verdict{policy: policy, rule: i + 1, cleaned: cleaned}, nil
}

// run runs a scanner and gives its exit code, -1 if it died or took too long. The
// command is words with blanks between; one with anything more is the shell's.
func (s *sanitizer) run(command, file, name string) (code int, err error) {
	var cmd *exec.Cmd
	if strings.ContainsAny(command, "|&;<>()$`\\\"'*?[]#~{}!\n") {
		command = strings.NewReplacer("%FILENAME", `"$1"`, "%ATTNAME", `"$2"`).Replace(command)
		cmd = exec.Command("/bin/sh", "-c", command, "sh", file, plainName(name))
	} else {
		words := strings.Fields(command)
		for i := range words {
			words[i] = strings.NewReplacer("%FILENAME", file, "%ATTNAME", plainName(name)).Replace(words[i])
		}
		cmd = exec.Command(words[0], words[1:]...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	entry.Stay() // to start it takes memory
	if err := entry.Foreign(cmd.Start); err != nil {
		return 0, fmt.Errorf("unable to start the scanner: %w", err)
	}
	late := time.AfterFunc(s.c.ScanTimeout, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		return 0, fmt.Errorf("unable to wait for the scanner: %w", err)
	}
	code = cmd.ProcessState.ExitCode()
	if strings.HasPrefix(cmd.Path, "/bin/sh") && (code == 126 || code == 127) {
		return 0, errors.New("unable to start the scanner: exit code " + strconv.Itoa(code))
	}
	return code, nil
}

// enforce does to a part what a verdict says. why is the reason, if it is not its name.
func (s *sanitizer) enforce(p *part, where, why string, v verdict, name string) error {
	shown := shorten(plainName(name), maxName)
	p.done = v.policy != anomy.Accept || v.cleaned
	if why == "" {
		if why = "by default"; v.rule > 0 {
			why = "by rule " + strconv.Itoa(v.rule)
		}
	}
	switch v.policy {
	case anomy.Accept:
		if v.cleaned {
			return s.cleaned(p, where, v, shown)
		}
	case anomy.Defang, anomy.Mangle:
		s.names++
		if v.policy == anomy.Mangle {
			name = "MANGLED"
		}
		name = defangedName(name, s.names)
		s.note(where, "%q is now %q, %s", shown, name, why)
		p.newKind = &media{kind: "application/DEFANGED-" + strconv.Itoa(s.names)}
		s.setName(p, name)
		if p.coded() && len(p.parts) == 0 && !p.decodes() {
			p.newEncoding = "none"
		}
	case anomy.Save, anomy.Drop:
		message := s.c.MsgDrop
		saved := ""
		if v.policy == anomy.Save {
			if message, saved = s.c.MsgSave, v.file; saved == "" {
				var err error
				if saved, err = s.keep(name, decoder(p.encoding, s.mess[p.body:p.to])); err != nil {
					return err
				}
			}
			s.note(where, "%q was saved as %s, %s", shown, saved, why)
		} else {
			s.note(where, "%q was dropped, %s", shown, why)
		}
		p.text = s.lines(s.fill(message, shown, saved))
		if p.to > p.from {
			s.substitute(p)
		}
	case anomy.Panic:
		s.note(where, "%q has the message refused, %s", shown, why)
		s.panics = true
	}
	if v.file != "" && v.policy != anomy.Save {
		return os.Remove(v.file)
	}
	return nil
}

// fill is a text of the configuration for a file.
func (s *sanitizer) fill(text, name, saved string) string {
	pairs := []string{"%FILENAME", name, "%ATTNAME", name, "%SAVEDNAME", saved}
	for name, value := range s.c.Variables {
		pairs = append(pairs, "%"+name, value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// substitute has its text instead of a part.
func (s *sanitizer) substitute(p *part) {
	text := p.text
	kind := media{kind: "text/plain"}
	kind.set("charset", "us-ascii")
	if strings.ContainsFunc(text, func(r rune) bool { return r >= 0x7f }) {
		kind.set("charset", "utf-8")
	}
	p.newKind, p.newDisposition, p.newEncoding = &kind, &media{kind: "inline"}, "8bit"
	// Nothing in it stays, with what was decided on it.
	s.edits = slices.DeleteFunc(s.edits, func(e edit) bool { return e.from >= p.from && e.from <= p.to && e.phase > p.inBody() })
	p.newBoundary = ""
	if p.to < len(s.mess) {
		text = strings.TrimSuffix(text, s.eol) // the one before the next delimiter stays
	}
	if !p.empty {
		text = s.eol + text
	}
	s.replace(p.inBody(), p.body, p.to, text)
}

// cleaned takes over what a scanner made of a file.
func (s *sanitizer) cleaned(p *part, where string, v verdict, shown string) error {
	f, err := os.Open(v.file)
	if err != nil {
		return err
	}
	defer f.Close()
	same, err := equal(f, decoder(p.encoding, s.mess[p.body:p.to]))
	if err != nil {
		return err
	}
	if !same {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		start := s.spool.size
		out := s.spool.encoder(encodedBase64, s.eol)
		if _, err := io.Copy(out, f); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
		s.note(where, "%q was cleaned, by rule %d", shown, v.rule)
		p.newEncoding = encodedBase64
		s.spooled(p, start)
	}
	return os.Remove(v.file)
}

// equal tells whether two readers give the same.
func equal(a, b io.Reader) (bool, error) {
	left, right := make([]byte, 1<<15), make([]byte, 1<<15)
	for {
		n, err := io.ReadFull(a, left)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, err
		}
		m, other := io.ReadFull(b, right)
		if other != nil && other != io.EOF && other != io.ErrUnexpectedEOF {
			return false, other
		}
		if !bytes.Equal(left[:n], right[:m]) {
			return false, nil
		}
		if err != nil && other != nil {
			return true, nil
		}
	}
}
