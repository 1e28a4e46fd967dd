package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/term"

	"goqmail/lib/imapclient"
)

// shell takes commands.
type shell struct {
	options   options
	client    *imapclient.Client // nil: not connected
	host      string             // the server's name
	out, errs io.Writer
	password  func() (string, error)

	ended  bool
	exit   int
	failed bool // the last command
}

func (s *shell) code() int {
	if s.exit == 0 && s.failed {
		return 1
	}
	return s.exit
}

func (s *shell) prompt() string {
	if s.client == nil {
		return "cyradm> "
	}
	return s.host + "> "
}

// interact takes commands from a terminal or a file, until the end or exit.
func (s *shell) interact(in *os.File) int {
	if term.IsTerminal(int(in.Fd())) {
		s.edit(in)
		return s.exit
	}
	lines := bufio.NewScanner(in)
	for !s.ended {
		fmt.Fprint(s.out, s.prompt())
		if !lines.Scan() {
			fmt.Fprintln(s.out)
			break
		}
		s.line(lines.Text())
	}
	return s.exit
}

// edit takes commands from a terminal, on which lines can be edited.
func (s *shell) edit(in *os.File) {
	fd := int(in.Fd())
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, s.out}, "")
	t.AutoCompleteCallback = s.complete
	for !s.ended {
		old, err := term.MakeRaw(fd)
		if err != nil {
			return
		}
		if width, height, err := term.GetSize(fd); err == nil && width > 0 { // a serial line tells none
			t.SetSize(width, height)
		}
		t.SetPrompt(s.prompt())
		line, err := t.ReadLine()
		term.Restore(fd, old)
		if err != nil {
			fmt.Fprintln(s.out)
			return
		}
		s.line(line)
	}
}

// complete completes the word before the cursor: a command, or a mailbox after one.
func (s *shell) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	before := line[:pos]
	start := strings.LastIndexAny(before, " ;") + 1
	word := before[start:]
	var names []string
	if strings.TrimSpace(before[:start]) == "" || strings.HasSuffix(strings.TrimSpace(before[:start]), ";") {
		for _, c := range commands() {
			names = append(names, c.name)
			names = append(names, c.aliases...)
		}
	} else if s.client != nil {
		boxes, _ := s.list(word + "*")
		for _, b := range boxes {
			names = append(names, b.name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, word) })
	if len(names) == 0 {
		return "", 0, false
	}
	common := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if len(names) == 1 {
		common += " "
	}
	return before[:start] + common + line[pos:], start + len(common), true
}

// line does the commands of a line.
func (s *shell) line(line string) {
	commands, err := split(line, os.Getenv)
	if err != nil {
		fmt.Fprintln(s.errs, err)
		s.failed = true
		return
	}
	for _, words := range commands {
		if s.ended {
			return
		}
		err := s.command(words)
		if s.failed = err != nil; s.failed {
			fmt.Fprintln(s.errs, err)
		}
	}
}

// errConnection is for a command that needs a server.
var errConnection = errors.New("no connection to server")

// command does one command. What is none is run as a program, as in other shells.
func (s *shell) command(words []string) error {
	c, ok := find(words[0])
	if !ok {
		program := exec.Command(words[0], words[1:]...)
		program.Stdin, program.Stdout, program.Stderr = os.Stdin, s.out, s.errs
		err := program.Run()
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%s: No such file or directory", words[0])
		}
		return err
	}
	a, ok := c.arguments(words[1:])
	if !ok {
		return fmt.Errorf("usage: %s %s", c.name, c.usage)
	}
	if c.server && s.client == nil {
		return fmt.Errorf("%s: %w", c.name, errConnection)
	}
	err := c.run(s, a)
	var refused imapclient.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fmt.Errorf("%s: %s", c.name, refused.Text)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET):
		s.client.Close()
		s.client = nil
		return errors.New("connection to server lost")
	}
	return fmt.Errorf("%s: %w", c.name, err)
}

// split splits a line into commands, between which there are semicolons, and those into
// words: quotes and backslashes keep blanks, $NAME is a variable.
func split(line string, getenv func(string) string) (commands [][]string, err error) {
	var words []string
	var word strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			end()
		case c == ';':
			end()
			if len(words) > 0 {
				commands, words = append(commands, words), nil
			}
		case c == '#' && !inWord && len(words) == 0 && len(commands) == 0:
			return nil, nil
		case c == '\\' && i+1 < len(line):
			i++
			inWord = true
			word.WriteByte(line[i])
		case c == '"' || c == '\'':
			n := strings.IndexByte(line[i+1:], c)
			if n < 0 {
				return nil, fmt.Errorf("syntax error: no closing %s", strconv.QuoteRune(rune(c)))
			}
			inWord = true
			word.WriteString(line[i+1 : i+1+n])
			i += n + 1
		case c == '$':
			n := i + 1
			for n < len(line) && (line[n] == '_' || '0' <= line[n] && line[n] <= '9' || 'a' <= line[n]|0x20 && line[n]|0x20 <= 'z') {
				n++
			}
			inWord = true
			word.WriteString(getenv(line[i+1 : n]))
			i = n - 1
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	end()
	if len(words) > 0 {
		commands = append(commands, words)
	}
	return commands, nil
}
