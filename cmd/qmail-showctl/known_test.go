package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"goqmail/lib/badlist"
	"goqmail/lib/extensions"
	"goqmail/lib/settings"
)

// Every control file that a program of this tree reads is known here, and
// described in qmail-control(5).
func TestKnowsWhatIsRead(t *testing.T) {
	page, err := os.ReadFile("../../lib/control/qmail-control.5")
	if err != nil {
		t.Fatal(err)
	}
	read := controlFiles(t)
	for _, name := range badlist.Names() {
		read[name] = "qmail-badlist"
	}
	scripts, err := filepath.Glob("../../scripts/boot/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`control/([a-z0-9]+(\.[a-z0-9]+)*)`).FindAllStringSubmatch(string(text), -1) {
			read[name[1]] = script
		}
	}
	for _, name := range []string{"me", "concurrencyincoming", "rcpthosts", "tlshosts/", "moreipme", "bouncemaxbytes", "defaulthost"} {
		if read[name] == "" {
			t.Errorf("nothing reads %s, so this test sees nothing", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !settings.Known(strings.TrimSuffix(name, "/"), true) {
			t.Errorf("%s, which %s reads, is not known", name, read[name])
		}
		if !strings.Contains(string(page), "\n"+name+"\t") && name != "me" && !strings.HasSuffix(name, ".cdb") {
			t.Errorf("%s, which %s reads, has no line in qmail-control(5)", name, read[name])
		}
	}
}

func TestEveryExtensionIsDescribed(t *testing.T) {
	page, err := os.ReadFile("../../lib/control/qmail-control.5")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range extensions.Known() {
		if !strings.Contains(string(page), "\n"+string(name)+"\t") {
			t.Errorf("%s has no line in qmail-control(5)", name)
		}
	}
}

// controlFiles finds the names that calls of package control are given, be it
// through other functions, and where. A directory's name ends in a slash.
func controlFiles(t *testing.T) map[string]string {
	t.Helper()
	s := source{fset: token.NewFileSet(), files: map[string][]*ast.File{}, names: map[string]string{}, readers: map[function]int{
		{"control", "Line", false}: 0, {"control", "LineOr", false}: 0, {"control", "Int", false}: 0,
		{"control", "Number", false}: 0, {"control", "Lines", false}: 0, {"control", "Open", false}: 0, {"control", "Path", false}: 0,
	}}
	for _, top := range []string{"../../cmd", "../../lib"} {
		err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			dir := filepath.Base(filepath.Dir(path))
			if dir == "control" || dir == "qmail-showctl" || dir == "qmail-check" {
				return nil
			}
			file, err := parser.ParseFile(s.fset, path, nil, 0)
			s.files[dir] = append(s.files[dir], file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for before := -1; before < len(s.readers); {
		before = len(s.readers)
		s.unclear = nil
		for dir, files := range s.files {
			for _, file := range files {
				s.look(dir, file)
			}
		}
	}
	for _, place := range s.unclear {
		t.Errorf("%s: cannot see which control file this reads", place)
	}
	return s.names
}

// function is a function or method, by the last part of its package's path.
type function struct {
	pkg, name string
	method    bool
}

type source struct {
	fset    *token.FileSet
	files   map[string][]*ast.File // by package
	readers map[function]int       // and which argument is the name
	names   map[string]string
	unclear []string
}

// wholePath is a path that is nothing but that of a control file.
var wholePath = regexp.MustCompile(`^"control/([a-z0-9.]+)"$`)

// look takes the calls of readers in a file.
func (s *source) look(pkg string, file *ast.File) {
	var above []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			above = above[:len(above)-1]
			return true
		}
		above = append(above, n)
		if lit, ok := n.(*ast.BasicLit); ok {
			if name := wholePath.FindStringSubmatch(lit.Value); name != nil {
				s.names[name[1]] = s.fset.Position(lit.Pos()).String()
			}
		}
		if call, ok := n.(*ast.CallExpr); ok {
			if i, ok := s.reader(pkg, call.Fun); ok && i < len(call.Args) && !s.take(pkg, above, call.Args[i]) {
				s.unclear = append(s.unclear, s.fset.Position(call.Pos()).String())
			}
		}
		return true
	})
}

// reader tells whether f reads a control file. A method is looked for in its
// caller's package only.
func (s *source) reader(pkg string, f ast.Expr) (int, bool) {
	switch f := f.(type) {
	case *ast.Ident:
		i, ok := s.readers[function{pkg, f.Name, false}]
		return i, ok
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			if i, ok := s.readers[function{x.Name, f.Sel.Name, false}]; ok {
				return i, ok
			}
		}
		i, ok := s.readers[function{pkg, f.Sel.Name, true}]
		return i, ok
	}
	return 0, false
}

// take takes the names that an argument may have. If it is a parameter of the
// function around, that one is a reader, too. What comes from outside the program
// names nothing new.
func (s *source) take(pkg string, above []ast.Node, arg ast.Expr) bool {
	switch arg := arg.(type) {
	case *ast.BasicLit:
		name, _ := strconv.Unquote(arg.Value)
		if dir, _, ok := strings.Cut(name, "/"); ok {
			name = dir + "/"
		}
		s.names[name] = s.fset.Position(arg.Pos()).String()
		return true
	case *ast.BinaryExpr:
		return s.take(pkg, above, arg.X)
	case *ast.Ident:
		return s.takeNamed(pkg, above, arg)
	}
	return true
}

func (s *source) takeNamed(pkg string, above []ast.Node, arg *ast.Ident) bool {
	for i := len(above) - 1; i >= 0; i-- {
		switch n := above[i].(type) {
		case *ast.FuncDecl:
			if at := parameter(n.Type, arg.Name); at >= 0 {
				s.readers[function{pkg, n.Name.Name, n.Recv != nil}] = at
				return true
			}
		case *ast.FuncLit: // one with a name of its own
			if define, ok := above[i-1].(*ast.AssignStmt); ok && parameter(n.Type, arg.Name) >= 0 {
				s.readers[function{pkg, define.Lhs[0].(*ast.Ident).Name, false}] = parameter(n.Type, arg.Name)
				return true
			}
		case *ast.RangeStmt:
			if value, ok := n.Value.(*ast.Ident); ok && value.Name == arg.Name {
				list, ok := n.X.(*ast.CompositeLit)
				for i := 0; ok && i < len(list.Elts); i++ {
					ok = s.take(pkg, above[:i], list.Elts[i])
				}
				return ok
			}
		}
	}
	if arg.Obj == nil { // of another file
		for _, file := range s.files[pkg] {
			if o := file.Scope.Lookup(arg.Name); o != nil {
				arg.Obj = o
			}
		}
	}
	if arg.Obj == nil {
		return false
	}
	switch decl := arg.Obj.Decl.(type) {
	case *ast.ValueSpec:
		return len(decl.Values) == 1 && s.take(pkg, above, decl.Values[0])
	case *ast.AssignStmt:
		return len(decl.Rhs) == 1 && s.take(pkg, above, decl.Rhs[0])
	}
	return false
}

// parameter is the number of a parameter among all, -1 if there is none.
func parameter(f *ast.FuncType, name string) int {
	i := 0
	for _, field := range f.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				return i
			}
			i++
		}
	}
	return -1
}
