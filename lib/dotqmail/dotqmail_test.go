package dotqmail

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, row := range []struct {
		name, file string
		want       []Instruction
	}{
		{"each kind", "# for the list\n./Maildir/\n/var/mail/john\n|cat\n&joe@x\n+list\njoe\n", []Instruction{
			{Maildir, "./Maildir/"}, {Mbox, "/var/mail/john"}, {Program, "cat"}, {Forward, "joe@x"}, {List, ""}, {Forward, "joe"}}},
		{"no newline at the end", "joe", []Instruction{{Forward, "joe"}}},
		{"blanks at the end", "./Maildir/ \t\n|cat  \n&joe\t\n", []Instruction{{Maildir, "./Maildir/"}, {Program, "cat"}, {Forward, "joe"}}},
		{"blanks in front belong to the address", " joe\n", []Instruction{{Forward, " joe"}}},
		{"blank lines later", "joe\n\n \t\nsue\n", []Instruction{{Forward, "joe"}, {Forward, "sue"}}},
		{"CR is no blank", "./Maildir/\r\n", []Instruction{{Mbox, "./Maildir/\r"}}},
		{"& takes anything", "&#x\n&|y\n&\n&./z/\n", []Instruction{{Forward, "#x"}, {Forward, "|y"}, {Forward, ""}, {Forward, "./z/"}}},
		{"unknown + words are comments", "+lists\n+\njoe\n", []Instruction{{Forward, "joe"}}},
		{"a NUL ends the word list", "+list\x00x\n", []Instruction{{List, ""}}},
		{"a NUL hides the end of a name, but the end decides", "./a\x00b/\n", []Instruction{{Maildir, "./a\x00b/"}}},
		{"a later line that starts with NUL is blank", "joe\n\x00sue\n", []Instruction{{Forward, "joe"}}},
		{"only a comment", "#\n", nil},
		{"no command", "|\n", []Instruction{{Program, ""}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Parse(row.file)
			if err != nil || !slices.Equal(got, row.want) {
				t.Errorf("Parse(%q) = %q, %v; want %q", row.file, got, err, row.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, file := range []string{"", "\n", " \t\n", " ", "\njoe\n", "\x00\njoe\n", "\x00joe\n"} {
		if got, err := Parse(file); err != ErrBlank || got != nil {
			t.Errorf("Parse(%q) = %q, %v; want ErrBlank", file, got, err)
		}
	}
}

func TestArg(t *testing.T) {
	if got := (Instruction{Maildir, "./a\x00b/"}).Arg(); got != "./a" {
		t.Errorf("got %q", got)
	}
}

func TestSearch(t *testing.T) {
	for _, row := range []struct {
		dash, ext string
		want      []File
	}{
		{"", "", []File{{".qmail", "", false}, {".qmaildefault", "", true}}},
		{"-", "", []File{{".qmail-", "", false}, {".qmail-default", "", true}}},
		{"-", "list-X-y", []File{{".qmail-list-x-y", "", false}, {".qmail-list-x-default", "y", true},
			{".qmail-list-default", "X-y", true}, {".qmail-default", "list-X-y", true}}},
		{"-", "a-", []File{{".qmail-a-", "", false}, {".qmail-a-default", "", true}, {".qmail-default", "a-", true}}},
		{"-", "DEFault", []File{{".qmail-default", "DEFault", true}, {".qmail-default", "DEFault", true}}},
		{"-", "x.Default", []File{{".qmail-x:default", "Default", true}, {".qmail-default", "x.Default", true}}},
		{"/", "../a.b", []File{{".qmail/::/a:b", "", false}, {".qmail/default", "../a.b", true}}},
		{"+", "a-b", []File{{".qmail+a-b", "", false}, {".qmail+a-default", "b", true}, {".qmail+default", "a-b", true}}},
	} {
		if got := Search(row.dash, row.ext); !slices.Equal(got, row.want) {
			t.Errorf("Search(%q, %q)\n got %+v\nwant %+v", row.dash, row.ext, got, row.want)
		}
	}
}

// print writes an instruction as a line of a .qmail file.
func print(i Instruction) string {
	switch i.Kind {
	case Forward:
		return "&" + i.Text + "\n"
	case Program:
		return "|" + i.Text + "\n"
	case List:
		return "+list\n"
	}
	return i.Text + "\n"
}

// FuzzParse: what was parsed prints back to itself.
func FuzzParse(f *testing.F) {
	f.Add("./Maildir/\n&joe@x\n|cat\n")
	f.Add("#c\n+list\n /x\n\n.\x00/\n&\t")
	f.Add("\n")
	f.Fuzz(func(t *testing.T, file string) {
		first, err := Parse(file)
		if err != nil {
			if first != nil {
				t.Fatal("instructions beside an error")
			}
			return
		}
		var printed strings.Builder
		printed.WriteString("#\n") // what follows may be empty
		for _, i := range first {
			printed.WriteString(print(i))
		}
		again, err := Parse(printed.String())
		if err != nil || !slices.Equal(again, first) {
			t.Fatalf("%q\n got %q, %v\nwant %q", printed.String(), again, err, first)
		}
	})
}

// FuzzSearch: whatever the address, a .qmail file stays below the home
// directory, and DEFAULT with what stands before it is the extension.
func FuzzSearch(f *testing.F) {
	f.Add("list-x")
	f.Add("../../etc/passwd")
	f.Add("default")
	f.Fuzz(func(t *testing.T, ext string) {
		for _, file := range Search("-", ext) {
			rest, ok := strings.CutPrefix(file.Name, ".qmail-")
			if !ok || strings.Contains(rest, ".") {
				t.Errorf("%q leads to %q", ext, file.Name)
			}
			if file.IsDefault && (!strings.HasSuffix(file.Name, "default") || !strings.HasSuffix(ext, file.Default)) {
				t.Errorf("%q: %+v", ext, file)
			}
		}
	})
}
