//go:build linux

package replay

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Diff lists where want and got differ, a line for each place and one each for
// what was wanted there and what was got.
func Diff(want, got map[string]any) string {
	w, g := map[string]any{}, map[string]any{}
	flatten(w, "", want)
	flatten(g, "", got)
	all := maps.Clone(w)
	maps.Copy(all, g)
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(all), byImportance) {
		x, inWant := w[key]
		y, inGot := g[key]
		if inWant && inGot && reflect.DeepEqual(x, y) {
			continue
		}
		xs, ys := "(none)", "(none)"
		if inWant {
			xs = show(x)
		}
		if inGot {
			ys = show(y)
		}
		xs, ys = fromDifference(xs, ys)
		fmt.Fprintf(&b, "%s\n\twant %s\n\tgot  %s\n", key, xs, ys)
	}
	return b.String()
}

// flatten gives each leaf of x a path. Lists of strings are leaves; files are
// known by their path.
func flatten(out map[string]any, path string, x any) {
	switch v := x.(type) {
	case map[string]any:
		for key, value := range v {
			flatten(out, strings.TrimPrefix(path+"."+key, "."), value)
		}
	case []any:
		leaf := !slices.ContainsFunc(v, func(x any) bool { _, ok := x.(string); return !ok })
		if leaf {
			out[path] = x
			return
		}
		for i, value := range v {
			name := fmt.Sprint(i)
			if file, ok := value.(map[string]any); ok && file["path"] != nil {
				name = fmt.Sprint(file["path"])
			}
			flatten(out, path+"["+name+"]", value)
		}
	default:
		out[path] = x
	}
}

func byImportance(a, b string) int {
	rank := func(key string) int {
		for i, first := range []string{"errors", "status", "stuck", "out", "stubs", "tree"} {
			if strings.HasPrefix(key, first) {
				return i
			}
		}
		return 9
	}
	if c := rank(a) - rank(b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func show(x any) string {
	switch x.(type) {
	case string, []any:
		return fmt.Sprintf("%q", x)
	}
	return fmt.Sprint(x)
}

// fromDifference cuts what two long texts have in common at their start, and
// what is too long to read.
func fromDifference(a, b string) (string, string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	cut := func(s string) string {
		if i > 60 {
			s = "..." + s[i-30:]
		}
		if len(s) > 600 {
			s = s[:600] + "..."
		}
		return s
	}
	return cut(a), cut(b)
}
