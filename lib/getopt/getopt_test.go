package getopt

import (
	"slices"
	"strings"
	"testing"
)

// walk writes all options as "a", "b=ARGUMENT" or "?", and what is left.
func walk(args []string) (options, rest string, problem string) {
	o := New(append([]string{"/usr/bin/prog"}, args...), "ab:c")
	var list []string
	for option, ok := o.Next(); ok; option, ok = o.Next() {
		switch option {
		case 'b':
			list = append(list, "b="+o.Arg)
		case '?':
			list = append(list, "?")
			problem = o.Problem()
		default:
			list = append(list, string(option))
		}
	}
	return strings.Join(list, " "), strings.Join(o.Rest(), " "), problem
}

func TestOptions(t *testing.T) {
	for _, c := range []struct{ args, options, rest, problem string }{
		{"", "", "", ""},
		{"x -a", "", "x -a", ""},
		{"-a x", "a", "x", ""},
		{"-ac -a x -c", "a c a", "x -c", ""},
		{"-bx y", "b=x", "y", ""},
		{"-b x y", "b=x", "y", ""},
		{"-ab x y", "a b=x", "y", ""},
		{"-b -a x", "b=-a", "x", ""},
		{"-bac", "b=ac", "", ""},
		{"- -a", "", "- -a", ""},
		{"-- -a", "", "-a", ""},
		{"-a -- -c", "a", "-c", ""},
		{"--a", "", "", ""}, // like --
		{"-x y", "?", "y", "prog: illegal option -- x\n"},
		{"-axc y", "a ? c", "y", "prog: illegal option -- x\n"},
		{"-: y", "?", "y", "prog: illegal option -- :\n"},
		{"-a-", "a ?", "", "prog: illegal option -- -\n"},
		{"-b", "?", "", "prog: option requires an argument -- b\n"},
		{"-ab", "a ?", "", "prog: option requires an argument -- b\n"},
	} {
		options, rest, problem := walk(strings.Fields(c.args))
		if options != c.options || rest != c.rest || problem != c.problem {
			t.Errorf("%q: %q, %q, %q; want %q, %q, %q", c.args, options, rest, problem, c.options, c.rest, c.problem)
		}
	}
	if options, rest, _ := walk([]string{"-b", "", "x"}); options != "b=" || rest != "x" {
		t.Errorf("empty argument: %q, %q", options, rest)
	}
}

// What is left is the end of what there was.
func FuzzOptions(f *testing.F) {
	f.Add("-a -b x -- y")
	f.Add("-b")
	f.Fuzz(func(t *testing.T, line string) {
		args := append([]string{"prog"}, strings.Split(line, " ")...)
		o := New(args, "ab:c")
		for _, ok := o.Next(); ok; _, ok = o.Next() {
		}
		rest := o.Rest()
		if len(rest) > len(args) || !slices.Equal(rest, args[len(args)-len(rest):]) {
			t.Errorf("%q leaves %q", args, rest)
		}
	})
}
