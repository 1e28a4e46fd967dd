// Package getopt reads command-line options the way getopt(3) does: letters
// behind a dash, alone or several together, some with an argument that follows
// at once or as the next word. The first word that is no option, or "--", ends
// them.
package getopt

import "strings"

// Options walks over the options of a command line.
type Options struct {
	Arg string // the argument of the option that Next returned

	spec    string
	args    []string
	word    int // index in args
	letter  int // index in the word of the next letter; 0 before a word
	problem string
}

// New prepares to read args, of which the first is the program's name. spec
// holds the letters of the options, each followed by a colon if it has an
// argument.
func New(args []string, spec string) *Options {
	return &Options{spec: spec, args: args, word: 1}
}

// Next returns the next option. ok is false when there is none left. For a
// letter that is unknown or lacks its argument it returns '?'; see Problem.
func (o *Options) Next() (option byte, ok bool) {
	o.Arg = ""
	if o.letter > 0 && o.letter == len(o.args[o.word]) {
		o.word++
		o.letter = 0
	}
	if o.letter == 0 && !o.enter() {
		return 0, false
	}
	option = o.args[o.word][o.letter]
	o.letter++
	at := strings.IndexByte(o.spec, option)
	if at < 0 || option == ':' {
		o.problem = "illegal option -- " + string([]byte{option})
		return '?', true
	}
	if !strings.HasPrefix(o.spec[at+1:], ":") {
		return option, true
	}
	o.Arg = o.args[o.word][o.letter:]
	o.word++
	o.letter = 0
	if o.Arg == "" {
		if o.word >= len(o.args) {
			o.problem = "option requires an argument -- " + string([]byte{option})
			return '?', true
		}
		o.Arg = o.args[o.word]
		o.word++
	}
	return option, true
}

// Skip passes over the rest of the current word, for an option whose argument,
// if any, follows at once.
func (o *Options) Skip() {
	if o.letter > 0 {
		o.letter = len(o.args[o.word])
	}
}

// enter goes to the first letter of the next word, if that holds options.
func (o *Options) enter() bool {
	if o.word >= len(o.args) {
		return false
	}
	switch word := o.args[o.word]; {
	case len(word) < 2 || word[0] != '-':
		return false
	case word[1] == '-':
		o.word++
		return false
	}
	o.letter = 1
	return true
}

// Problem says what was wrong when Next returned '?', as a line that starts
// with the name by which the program was called.
func (o *Options) Problem() string { return o.Name() + ": " + o.problem + "\n" }

// Name returns the name by which the program was called, without directories.
func (o *Options) Name() string {
	if len(o.args) == 0 {
		return ""
	}
	return o.args[0][strings.LastIndexByte(o.args[0], '/')+1:]
}

// Rest returns the arguments behind the options, once Next has returned false.
func (o *Options) Rest() []string { return o.args[min(o.word, len(o.args)):] }
