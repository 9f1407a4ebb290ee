package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"unicode/utf8"
)

// forbidden is what must stand in no text file of the project, and why. This file is the one that may.
var forbidden = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`(^|[\s"'` + "`" + `(=:,\[])/(home|root|Users|tmp|[a-z]+/main)/[\w.]`), "a path of one machine"},
	{regexp.MustCompile(`(?i)[A-Z]:\\Users\\\w+\\(go|src|work|projects)`), "a path of one machine"},
	{regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`), "work that is not done"},
	{regexp.MustCompile(`(?m)^(<<<<<<<|>>>>>>>) `), "a merge that is not done"},
}

// TestForbiddenWords reads all text files.
func TestForbiddenWords(t *testing.T) {
	dir := root(t)
	files(t, func(name string) {
		if name == "internal/lint/words_test.go" || name == "go.sum" {
			return
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return
		}
		for _, f := range forbidden {
			for _, at := range f.pattern.FindAllIndex(text, 3) {
				line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
				t.Errorf("%s:%d: %q: %s", name, line, bytes.TrimSpace(text[at[0]:at[1]]), f.why)
			}
		}
	})
}
