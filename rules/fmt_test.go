package rules

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFormatKeepsComments puts comments and empty lines into the examples at random: formatting keeps every comment and
// the meaning, and formatting again changes nothing.
func TestFormatKeepsComments(t *testing.T) {
	files := ruleFiles(t, "testdata/cases", "testdata/examples")
	rapid.Check(t, func(rt *rapid.T) {
		src, err := readFile(rapid.SampledFrom(files).Draw(rt, "file"))
		if err != nil {
			rt.Fatal(err)
		}
		commented := addComments(rt, src)
		before, loadErr := LoadBytes("before", []byte(commented), Options{})
		if loadErr != nil {
			rt.Fatalf("%v\n%s", loadErr, commented)
		}
		once, fmtErr := Format([]byte(commented))
		if fmtErr != nil {
			rt.Fatal(fmtErr)
		}
		if a, b := comments(t, commented), comments(t, string(once)); !slices.Equal(a, b) {
			rt.Fatalf("comments %q became %q\n%s\n---\n%s", a, b, commented, once)
		}
		if twice, err := Format(once); err != nil || string(twice) != string(once) {
			rt.Fatalf("%v\n%s\n---\n%s", err, once, twice)
		}
		after, loadErr := LoadBytes("after", once, Options{})
		if loadErr != nil {
			rt.Fatalf("%v\n%s", loadErr, once)
		}
		sameMeaning(t, before, after)
	})
}

func addComments(t *rapid.T, src string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(src, "\n"), "\n") {
		pad := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for range rapid.IntRange(0, 2).Draw(t, "above") {
			out = append(out, rapid.SampledFrom([]string{"", pad + "# above", "  " + pad + "# deeper", "# left"}).Draw(t, "line"))
		}
		if rapid.IntRange(0, 4).Draw(t, "behind") == 0 && line != "" && !strings.Contains(line, "#") {
			line += "  # behind"
		}
		out = append(out, line)
	}
	return strings.Join(append(out, "# the end"), "\n") + "\n"
}

func TestFormatRefuses(t *testing.T) {
	for _, src := range []string{"a: [", "text", "- a\n"} {
		if out, err := Format([]byte(src)); err == nil {
			t.Errorf("%q became %q", src, out)
		}
	}
	if out, err := Format([]byte("# only a comment\n")); err != nil || string(out) != "# only a comment\n" {
		t.Errorf("%q %v", out, err)
	}
}
