package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module is the path of the module, as go.mod has it.
const module = "kelpie"

// root returns the folder that holds go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above this folder")
		}
		dir = up
	}
}

// files calls f with every file of the project, by its path from the root with slashes. What git ignores in every
// clone (data/, the binary, what an example wrote) and what is hidden is left out, but for .ci and .github.
func files(t *testing.T, f func(name string)) {
	t.Helper()
	dir := root(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		name := filepath.ToSlash(rel)
		hidden := strings.HasPrefix(d.Name(), ".") && name != ".ci" && name != ".github" && name != ".gitignore"
		ignored := name == "data" || name == "kelpie" || strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".prof") || generated(name)
		switch {
		case (hidden || ignored) && d.IsDir():
			return filepath.SkipDir
		case !hidden && !ignored && d.Type().IsRegular():
			f(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// generated reports whether a path is what trying an example leaves behind.
func generated(name string) bool {
	dir, file := filepath.Split(filepath.FromSlash(name))
	of, _ := filepath.Match(filepath.FromSlash("examples/*/"), dir)
	return of && (file == "data" || strings.Contains(name, "/orders/") && (strings.Contains(file, ".jsonl") || strings.HasSuffix(file, ".csv")))
}

// source is one parsed Go file.
type source struct {
	name string // from the root, with slashes
	pkg  string // its folder: "engine", "alert/file"
	test bool
	set  *token.FileSet
	file *ast.File
}

// at returns where a node stands.
func (s *source) at(n ast.Node) string {
	return s.name + ":" + strings.TrimPrefix(s.set.Position(n.Pos()).String(), s.set.File(n.Pos()).Name()+":")
}

// sources parses all Go files outside testdata.
func sources(t *testing.T, mode parser.Mode) (all []*source) {
	t.Helper()
	dir := root(t)
	files(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.Contains("/"+name, "/testdata/") {
			return
		}
		s := &source{name: name, pkg: filepath.ToSlash(filepath.Dir(name)), test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
		f, err := parser.ParseFile(s.set, filepath.Join(dir, filepath.FromSlash(name)), nil, mode)
		if err != nil {
			t.Fatal(err)
		}
		s.file = f
		all = append(all, s)
	})
	return all
}
