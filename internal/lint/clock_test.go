package lint

import (
	"go/ast"
	"go/parser"
	"slices"
	"strconv"
	"testing"
)

// fold holds the packages that decide what comes out: the same events give the same rows and alerts.
var fold = []string{"event", "window", "detector", "rules", "engine"}

// clocks are the functions of package time that read a clock or wait for one.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// TestNoClockInTheFold looks for clocks where time is what the events say. Tests may not wait for one either, unless
// it is the one of testing/synctest.
func TestNoClockInTheFold(t *testing.T) {
	for _, s := range sources(t, 0) {
		folds := slices.Contains(fold, s.pkg) && !s.test
		waits := s.test && !imports(s, "testing/synctest")
		ast.Inspect(s.file, func(n ast.Node) bool {
			name := selected(n, "time")
			if folds && slices.Contains(clocks, name) {
				t.Errorf("%s: time.%s in the fold: time comes with the events", s.at(n), name)
			}
			if waits && name == "Sleep" {
				t.Errorf("%s: time.Sleep in a test: wait for what happens, or use testing/synctest", s.at(n))
			}
			return true
		})
	}
}

func imports(s *source, path string) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == strconv.Quote(path) })
}

// selected returns X of an expression pkg.X, "" of any other.
func selected(n ast.Node, pkg string) string {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if id, ok := sel.X.(*ast.Ident); !ok || id.Name != pkg {
		return ""
	}
	return sel.Sel.Name
}

// TestNoTestIsSkipped looks for calls of Skip in tests, subtests and benchmarks. A fuzz target or a property may leave
// out an input.
func TestNoTestIsSkipped(t *testing.T) {
	for _, s := range sources(t, parser.SkipObjectResolution) {
		if !s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncLit); ok && !isTest(f.Type) {
				return false
			}
			if f, ok := n.(*ast.FuncDecl); ok && draws(f.Type) {
				return false
			}
			for _, receiver := range []string{"t", "b", "f"} {
				if name := selected(n, receiver); name == "Skip" || name == "Skipf" || name == "SkipNow" {
					t.Errorf("%s: a test that is skipped proves nothing", s.at(n))
				}
			}
			return true
		})
	}
}

// draws reports whether a function takes a *rapid.T first: it is part of a property.
func draws(f *ast.FuncType) bool {
	if f.Params.NumFields() == 0 {
		return false
	}
	star, ok := f.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	return selected(star.X, "rapid") == "T"
}

// isTest reports whether a function takes one *testing.T or *testing.B and nothing else.
func isTest(f *ast.FuncType) bool {
	if f.Params.NumFields() != 1 {
		return false
	}
	star, ok := f.Params.List[0].Type.(*ast.StarExpr)
	return ok && (selected(star.X, "testing") == "T" || selected(star.X, "testing") == "B")
}
