// Package dotqmail knows .qmail files: which of them may hold the instructions
// for an address, and what these say. See dot-qmail(5). It delivers nothing and
// opens no file.
package dotqmail

import (
	"errors"
	"strings"
)

// ErrBlank is the error for a file whose first line is blank, which is taken
// for a file that is not finished.
var ErrBlank = errors.New("first line of .qmail file is blank")

// Kind is what an instruction asks for.
type Kind byte

// The kinds. Comments, later blank lines and unknown +words are no instructions.
const (
	Forward Kind = iota // send on to an address
	Maildir             // deliver into a maildir; the name ends with a slash
	Mbox                // append to an mbox file
	Program             // run a shell command
	List                // from here on, Forward is all that is allowed
)

// Instruction is one line that asks for something.
type Instruction struct {
	Kind Kind
	// Text is the address, file name or command: the line without the blanks
	// at its end and without a leading & or |. It may hold a NUL.
	Text string
}

// Arg is the text as a C string, which is how a file name, command or address
// goes on: up to the first NUL.
func (i Instruction) Arg() string { return untilNUL(i.Text) }

func untilNUL(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// Parse reads the instructions of a file in order. The last line may lack its
// newline. The error is ErrBlank, for the first line, and then there are no
// instructions.
func Parse(file string) ([]Instruction, error) {
	var instructions []Instruction
	for first := true; first || file != ""; first = false {
		var line string
		line, file, _ = strings.Cut(file, "\n")
		for strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			line = line[:len(line)-1]
		}
		if untilNUL(line) == "" {
			if first {
				return nil, ErrBlank
			}
			continue
		}
		if i, ok := parse(line); ok {
			instructions = append(instructions, i)
		}
	}
	return instructions, nil
}

// parse reads one line, which is not blank. ok is false for a comment.
func parse(line string) (i Instruction, ok bool) {
	switch line[0] {
	case '#':
		return i, false
	case '+':
		return Instruction{Kind: List}, untilNUL(line) == "+list"
	case '.', '/':
		if line[len(line)-1] == '/' {
			return Instruction{Maildir, line}, true
		}
		return Instruction{Mbox, line}, true
	case '|':
		return Instruction{Program, line[1:]}, true
	case '&':
		line = line[1:]
	}
	return Instruction{Forward, line}, true
}
