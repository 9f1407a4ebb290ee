package lint

import (
	"go/parser"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// reasons is where each dependency has its reason.
const reasons = "docs/decisions/0007-dependencies.md"

// TestDependenciesHaveReasons wants every module that some file imports, and every tool, on the page of reasons, and
// nothing else there.
func TestDependenciesHaveReasons(t *testing.T) {
	modules, tools := required(t)
	used := map[string]bool{}
	for _, tool := range tools {
		used[moduleOf(tool, modules)] = true
	}
	for _, s := range sources(t, parser.ImportsOnly) {
		for _, i := range s.file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if m := moduleOf(path, modules); m != "" {
				used[m] = true
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(reasons)))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` ").FindAllSubmatch(page, -1) {
		named[string(m[1])] = true
	}
	for m := range used {
		if !named[m] {
			t.Errorf("%s does not say why there is %s", reasons, m)
		}
	}
	for m := range named {
		if !used[m] {
			t.Errorf("%s: %s is used by nothing", reasons, m)
		}
	}
}

// required returns the modules and tools of go.mod.
func required(t *testing.T) (modules, tools []string) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	block := ""
	for line := range strings.Lines(string(src)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case len(words) == 1 && words[0] == ")":
			block = ""
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "require":
			modules = append(modules, words[1])
		case "tool":
			tools = append(tools, words[1])
		}
	}
	return modules, tools
}

// moduleOf returns the module that a package belongs to: the longest that it begins with. "" for the standard library
// and for ours.
func moduleOf(path string, modules []string) (best string) {
	for _, m := range modules {
		if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	return best
}
