package route

import (
	"os"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/control"
)

var testTable = &Table{
	DefaultHost: "me.example",
	Percenthack: control.NewSet([]string{"hack.example", "other.example"}),
	Locals:      control.NewSet([]string{"here.example", "me.example"}),
	Virtual: control.NewMap([]string{
		"v.example:virt", ".v.example:sub", "not.v.example:", "ann@v.example:ann-box",
		"Case.Example:case", "two:a:b", ".fax:uucp-fax",
	}),
}

func TestRoute(t *testing.T) {
	for _, c := range []struct {
		recipient, address string
		local              bool
	}{
		{"john@here.example", "john@here.example", true},
		{"john@HERE.example", "john@HERE.example", true},
		{"john", "john@me.example", true},
		{"", "@me.example", true},
		{"sue@there.example", "sue@there.example", false},
		{"sue@sub.here.example", "sue@sub.here.example", false},
		{"a@b@here.example", "a@b@here.example", true},
		{"john@", "john@", false},

		{"sue@v.example", "virt-sue@v.example", true},
		{"sue@V.Example", "virt-sue@V.Example", true},
		{"sue@a.b.v.example", "sub-sue@a.b.v.example", true},
		{"sue@not.v.example", "sue@not.v.example", false}, // an exception
		{"sue@deep.not.v.example", "sub-sue@deep.not.v.example", true},
		{"ann@v.example", "ann-box-ann@v.example", true},
		{"Ann@V.example", "ann-box-Ann@V.example", true},
		{"x@xv.example", "x@xv.example", false},
		{"x@case.example", "case-x@case.example", true},
		{"x@two", "a:b-x@two", true},
		{"x@12.fax", "uucp-fax-x@12.fax", true},

		{"a%there.example@hack.example", "a@there.example", false},
		{"a%here.example@hack.example", "a@here.example", true},
		{"a%here.example%other.example@hack.example", "a@here.example", true},
		{"a@hack.example", "a@hack.example", false},
		{"%@hack.example", "@", false},
		{"a%b@c@hack.example", "a@b@c", false},
		{"a%there.example@here.example", "a%there.example@here.example", true},
	} {
		address, local := testTable.Route(c.recipient)
		if address != c.address || local != c.local {
			t.Errorf("Route(%q): got %q, %v, want %q, %v", c.recipient, address, local, c.address, c.local)
		}
	}
}

// A line for the empty domain catches what nothing else does, and keeps off
// hosts in locals.
func TestRouteCatchAll(t *testing.T) {
	r := &Table{
		Locals:  control.NewSet([]string{"here.example"}),
		Virtual: control.NewMap([]string{":alias-catchall", "free.example:"}),
	}
	for recipient, want := range map[string]string{
		"a@b.example":    "alias-catchall-a@b.example",
		"a@":             "alias-catchall-a@",
		"a":              "alias-catchall-a@", // without control/me
		"a@here.example": "a@here.example",
		"a@free.example": "a@free.example",
	} {
		if got, _ := r.Route(recipient); got != want {
			t.Errorf("Route(%q): got %q, want %q", recipient, got, want)
		}
	}
}

func TestOriginal(t *testing.T) {
	for recipient, want := range map[string]string{
		"virt-sue@v.example":       "sue@v.example",
		"sub-sue@a.v.example":      "sue@a.v.example",
		"virtsue@v.example":        "virtsue@v.example",
		"Virt-sue@v.example":       "Virt-sue@v.example",
		"virt-sue@here.example":    "virt-sue@here.example",
		"sub-sue@not.v.example":    "sub-sue@not.v.example",
		"ann-box-ann@v.example":    "ann-box-ann@v.example", // of a single address
		"virt-":                    "virt-",
		"virt-@v.example":          "@v.example",
		"virt-virt-sue@v.example":  "virt-sue@v.example",
		"uucp-fax-5551234@abc.fax": "5551234@abc.fax",
	} {
		if got := testTable.Original(recipient); got != want {
			t.Errorf("Original(%q): got %q, want %q", recipient, got, want)
		}
	}
}

// FuzzRoute: an address is whole after routing, stays so when it is routed
// again, and what a virtual domain prepends can be taken off again.
func FuzzRoute(f *testing.F) {
	for _, s := range []string{"john", "a%b@hack.example", "sue@v.example", "@", "a@b@v.example", "%%@other.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, recipient string) {
		if strings.IndexByte(recipient, 0) >= 0 {
			return // ends the record
		}
		address, local := testTable.Route(recipient)
		if strings.IndexByte(address, '@') < 0 {
			t.Fatalf("%q has no host", address)
		}
		plain := testTable.unhack(testTable.complete(recipient))
		if !local && address != plain {
			t.Fatalf("remote %q became %q", plain, address)
		}
		if _, single := testTable.Virtual.Get(plain); local && !single && !testTable.Locals.Has(plain[strings.LastIndexByte(plain, '@')+1:]) {
			if got := testTable.Original(address); got != plain {
				t.Fatalf("%q became %q and then %q", plain, address, got)
			}
		}
	})
}

// home makes a home directory with these control files.
func home(t *testing.T, files map[string]string) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(control.Path(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  map[string]string // local recipients; "" for remote ones
	}{
		{"me alone", map[string]string{"me": "a.example\n"},
			map[string]string{"j": "j@a.example", "j@A.example": "j@A.example", "j@b.example": ""}},
		{"all files", map[string]string{"me": "a\n", "envnoathost": "b\n", "locals": "b\nc\n", "percenthack": "c\n", "virtualdomains": "v:w\n"},
			map[string]string{"j": "j@b", "j@a": "", "j%b@c": "j@b", "j@v": "w-j@v"}},
		{"many lines", map[string]string{"me": "a\n", "locals": "B\n[IPv6:::1]\nc.b\n", "virtualdomains": "x@V:one\nv:two\n.v:three\nnot.v:\nw:four\nW:five\n:six\nb:no\n"},
			map[string]string{"j@b": "j@b", "j@[ipv6:::1]": "j@[ipv6:::1]", "j@C.B": "j@C.B", "x@v": "one-x@v", "y@V": "two-y@V", "j@s.v": "three-j@s.v",
				"j@not.v": "", "j@w": "five-j@w", "j@a": "six-j@a", "j": "six-j@a", "j@": "six-j@"}},
		{"nothing is local", map[string]string{"me": "a\n", "locals": ""}, map[string]string{"j@a": "", "j": ""}},
		{"no me", map[string]string{"locals": "b\nenvnoathost\n"}, map[string]string{"j": "j@envnoathost", "j@b": "j@b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t, c.files)
			table, err := Read()
			if err != nil {
				t.Fatal(err)
			}
			for recipient, want := range c.want {
				alone, err := ReadFor(recipient)
				if err != nil {
					t.Fatal(err)
				}
				for _, table := range []*Table{table, alone} {
					if got, local := table.Route(recipient); local != (want != "") || local && got != want {
						t.Errorf("%s: got %q, %v", recipient, got, local)
					}
				}
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	home(t, map[string]string{"envnoathost": "a\n"})
	if _, err := Read(); err == nil {
		t.Error("without locals and me, nobody minds")
	}
	for _, name := range []string{"me", "envnoathost", "percenthack", "locals", "virtualdomains"} {
		home(t, nil)
		if name != "me" {
			os.WriteFile(control.Path("me"), []byte("a\n"), 0o644)
		}
		os.Mkdir(control.Path(name), 0o755) // there, and not to be read
		if _, err := Read(); err == nil {
			t.Errorf("%s cannot be read, and nobody minds", name)
		}
	}
}

func TestReread(t *testing.T) {
	home(t, map[string]string{"me": "a\n"})
	table, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(control.Path("virtualdomains"), []byte("v:w\n"), 0o644)
	os.WriteFile(control.Path("me"), []byte("other\n"), 0o644) // counts at the start only
	again, unread := table.Reread()
	if unread != "" {
		t.Fatal(unread)
	}
	if got, local := again.Route("j@v"); got != "w-j@v" || !local {
		t.Errorf("got %q, %v", got, local)
	}
	if _, local := again.Route("j@a"); !local {
		t.Error("the name has changed")
	}
	os.Remove(control.Path("virtualdomains"))
	os.Mkdir(control.Path("virtualdomains"), 0o755)
	if _, unread := table.Reread(); unread != "virtualdomains" {
		t.Errorf("got %q", unread)
	}
	os.Mkdir(control.Path("locals"), 0o755)
	if _, unread := table.Reread(); unread != "locals" {
		t.Errorf("got %q", unread)
	}
}
