package main

import (
	"maps"
	"slices"
	"strings"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/rcpthosts"
	"goqmail/lib/route"
)

// domains checks what several files say of the same domains.
func (c *checker) domains() {
	me, there, err := control.Line("me")
	switch {
	case err != nil:
		return // it has been told of
	case !there:
		c.wrong("control/me", "there is none, so that nothing knows this host's name", "echo $(hostname -f) >"+control.Path("me"))
	case ascii.Lower(me) == "localhost" || strings.HasPrefix(ascii.Lower(me), "localhost."):
		c.wrong("control/me", me+" is every host's name", "echo $(hostname -f) >"+control.Path("me"))
	}
	table, err := route.Read()
	if err != nil {
		if there {
			c.wrong("control", "the files about local domains cannot be read: "+text(err), "")
		}
		return
	}
	if _, local := table.Route("x@" + me); me != "" && !local {
		c.doubt("control/locals", me+" of control/me is not in it, so that mail to this host leaves it", "echo "+quoted(me)+" >>"+control.Path("locals"))
	}
	for _, name := range slices.Sorted(maps.Keys(table.Virtual)) {
		if table.Locals.Has(name) && hostProblem(name) == "" {
			c.wrong("control/virtualdomains", name+" is in control/locals, too, which comes first: its line here has no effect",
				"sed -i '/^"+strings.ReplaceAll(name, ".", `\.`)+"$/Id' "+control.Path("locals"))
		}
	}
	c.accepted(table)
	c.virtualUsers(table)
}

// accepted checks that mail for own domains may come by SMTP.
func (c *checker) accepted(table *route.Table) {
	if _, there, err := control.Line("rcpthosts"); err != nil {
		return
	} else if !there {
		c.wrong("control/rcpthosts", "there is none: anybody in the world may send through this host to anywhere",
			"cp "+control.Path("locals")+" "+control.Path("rcpthosts"))
		return
	}
	hosts, err := rcpthosts.Open()
	if err != nil {
		c.hidden("control/morercpthosts.cdb", err)
		return
	}
	defer hosts.Close()
	for _, domain := range ownDomains(table) {
		if domain == "localhost" || !strings.Contains(domain, ".") {
			continue // nobody else's mail is for that
		}
		ok, err := hosts.Allow("x@" + domain)
		if err != nil {
			c.wrong("control/morercpthosts.cdb", "is broken", auto.Home+"/bin/qmail-newmrh")
			return
		}
		if !ok {
			c.doubt("control/rcpthosts", domain+" is one of ours and not in it: mail for it does not come by SMTP",
				"echo "+quoted(domain)+" >>"+control.Path("rcpthosts"))
		}
	}
}

// ownDomains are the names in locals and virtualdomains whose mail is delivered here, as far as they
// are names.
func ownDomains(table *route.Table) []string {
	names := slices.Collect(maps.Keys(table.Locals))
	for name, prepend := range table.Virtual {
		if prepend != "" && name != "" && name[0] != '.' && !strings.Contains(name, "@") {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return hostProblem(name) != "" })
	slices.Sort(names)
	return slices.Compact(names)
}

// virtualUsers checks that somebody gets the mail of each virtual domain.
func (c *checker) virtualUsers(table *route.Table) {
	looked := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(table.Virtual)) {
		prepend := table.Virtual[name]
		if prepend == "" || looked[prepend] {
			continue // an exception from other lines, or known
		}
		looked[prepend] = true
		if what, file, ok := c.delivered(prepend + "-postmaster"); !ok {
			c.doubt("control/virtualdomains", "mail for "+domainOf(name)+" goes to "+prepend+"-..., and "+what,
				"echo '&postmaster' >"+quoted(strings.TrimSuffix(file, "postmaster")+"default"))
		}
	}
}

func domainOf(name string) string {
	if name == "" {
		return "all other domains"
	}
	return name
}
