package main

import (
	"strings"
	"testing"

	"goqmail/lib/control"
)

var testRoutes = &routes{
	defaultHost: "me.example",
	percenthack: control.NewSet([]string{"hack.example", "other.example"}),
	locals:      control.NewSet([]string{"here.example", "me.example"}),
	virtual: control.NewMap([]string{
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
		address, local := testRoutes.route(c.recipient)
		if address != c.address || local != c.local {
			t.Errorf("route(%q): got %q, %v, want %q, %v", c.recipient, address, local, c.address, c.local)
		}
	}
}

// A line for the empty domain catches what nothing else does, and keeps off
// hosts in locals.
func TestRouteCatchAll(t *testing.T) {
	r := &routes{
		locals:  control.NewSet([]string{"here.example"}),
		virtual: control.NewMap([]string{":alias-catchall", "free.example:"}),
	}
	for recipient, want := range map[string]string{
		"a@b.example":    "alias-catchall-a@b.example",
		"a@":             "alias-catchall-a@",
		"a":              "alias-catchall-a@", // without control/me
		"a@here.example": "a@here.example",
		"a@free.example": "a@free.example",
	} {
		if got, _ := r.route(recipient); got != want {
			t.Errorf("route(%q): got %q, want %q", recipient, got, want)
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
		if got := testRoutes.original(recipient); got != want {
			t.Errorf("original(%q): got %q, want %q", recipient, got, want)
		}
	}
}

func TestPerRecipient(t *testing.T) {
	for _, c := range []struct{ sender, recipient, want string }{
		{"joe@a.example", "sue@b.example", "joe@a.example"},
		{"", "sue@b.example", ""},
		{"list-@host-@[]", "sue@b.example", "list-sue=b.example@host"},
		{"list-@host-@[]", "a@b@c", "list-a@b=c@host"},
		{"a@list-@host-@[]", "sue@b", "a@list-sue=b@host"},
		{"@-@[]", "sue@b", "sue=b@"},
		{"list-@host-@[]", "sue", "list-@host-@[]"},
		{"list-@[]", "sue@b", "list-@[]"}, // no @ before the end
		{"-@[]", "sue@b", "-@[]"},
		{"#@[]", "sue@b", "#@[]"},
	} {
		if got := perRecipient(c.sender, c.recipient); got != c.want {
			t.Errorf("perRecipient(%q, %q): got %q, want %q", c.sender, c.recipient, got, c.want)
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
		address, local := testRoutes.route(recipient)
		if strings.IndexByte(address, '@') < 0 {
			t.Fatalf("%q has no host", address)
		}
		plain := testRoutes.unhack(testRoutes.complete(recipient))
		if !local && address != plain {
			t.Fatalf("remote %q became %q", plain, address)
		}
		if _, single := testRoutes.virtual.Get(plain); local && !single && !testRoutes.locals.Has(plain[strings.LastIndexByte(plain, '@')+1:]) {
			if got := testRoutes.original(address); got != plain {
				t.Fatalf("%q became %q and then %q", plain, address, got)
			}
		}
	})
}
