package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFloorsAreDocumented holds the table of docs/architecture.md against the one that imports are held to.
func TestFloorsAreDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| ([0-9]) \\| (`[^|]*`) \\|")
	documented := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(b), -1) {
		for _, pkg := range strings.Split(m[2], ", ") {
			pkg = strings.Trim(pkg, "`")
			documented[pkg] = true
			if n, known := floor(pkg); !known || strconv.Itoa(n) != m[1] {
				t.Errorf("docs/architecture.md has %s on floor %s: it is on floor %d", pkg, m[1], n)
			}
		}
	}
	for pkg := range floors {
		if !documented[pkg] && !strings.HasPrefix(pkg, "examples/") {
			t.Errorf("docs/architecture.md does not say on which floor %s is", pkg)
		}
	}
}
