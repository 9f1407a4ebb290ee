package lint

import (
	"go/parser"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestBacktestReachesNobody walks everything that the backtest and the engine import, of our own and of the standard library:
// among it there is no notifier, nothing that notifiers are made of, and no client of HTTP or mail.
func TestBacktestReachesNobody(t *testing.T) {
	imports := map[string][]string{}
	for _, s := range sources(t, parser.ImportsOnly) {
		if s.test {
			continue
		}
		for _, i := range s.file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports[s.pkg] = append(imports[s.pkg], path)
		}
	}
	for _, root := range []string{"backtest", "engine"} {
		seen := map[string]bool{}
		var walk func(pkg string, way []string)
		walk = func(pkg string, way []string) {
			if seen[pkg] {
				return
			}
			seen[pkg] = true
			for _, path := range imports[pkg] {
				ours, isOurs := strings.CutPrefix(path, "kelpie/")
				switch {
				case path == "net/http" || path == "net/smtp" || isOurs && (slices.Contains(notifiers, ours) || slices.Contains(trade, ours)):
					t.Errorf("%s reaches %s: %s", root, path, strings.Join(append(way, pkg, path), " -> "))
				case isOurs:
					walk(ours, append(slices.Clip(way), pkg))
				}
			}
		}
		walk(root, nil)
		if !seen["engine"] || !seen["alert"] {
			t.Errorf("the walk from %s has not found the engine and what it imports", root)
		}
	}
}
