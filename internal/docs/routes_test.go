package docs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestRoutes wants docs/http.md to list the routes that the OpenAPI file describes, with their scopes and in its words. A
// test of package server holds that file against the routes.
func TestRoutes(t *testing.T) {
	var api struct {
		Paths map[string]map[string]struct {
			Summary  string
			Security []map[string][]string
		}
	}
	if err := json.Unmarshal([]byte(read(t, "server/openapi.json")), &api); err != nil {
		t.Fatal(err)
	}
	var want []string
	for path, ops := range api.Paths {
		for method, op := range ops {
			scope := "none"
			if len(op.Security) == 1 {
				scope = strings.Join(op.Security[0]["bearer"], ", ")
			}
			want = append(want, fmt.Sprintf("| `%s %s` | %s | %s |", strings.ToUpper(method), path, scope, op.Summary))
		}
	}
	_, section, _ := strings.Cut(read(t, "docs/http.md"), "\n## Routes\n")
	var got []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("docs/http.md does not have\n%s", row)
		}
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("docs/http.md has, and there is not\n%s", row)
		}
	}
}
