package rules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kelpie/rules/yaml"
)

// write makes files in a folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func rule(name string) string { return "  " + name + ": {event: A, when: a > 1}\n" }

func TestFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"b/two.yaml":      "rules:\n" + rule("two") + "tests:\n- {name: across files, rule: one, given: [], expect: []}\n",
		"a/one.yml":       "rules:\n" + rule("one") + rule("another"),
		"empty.yml":       "# nothing yet\n",
		"README.md":       "no rules: [",
		".git/config.yml": "no rules: [",
		".hidden.yml":     "no rules: [",
	})
	set, err := Load([]string{dir, filepath.Join(dir, "b", "two.yaml")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range set.Rules {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "another one two" || len(set.Tests) != 1 {
		t.Errorf("rules %s, %d tests", got, len(set.Tests))
	}
	if set.Rule("two") == nil || set.Rule("three") != nil || set.Table("x") != nil {
		t.Error("Rule and Table do not find by name")
	}
}

// TestLinks loads through links, as a mounted folder of configuration has them.
func TestLinks(t *testing.T) {
	dir := write(t, map[string]string{"..v1/a.yml": "rules:\n" + rule("a")})
	for from, to := range map[string]string{filepath.Join(dir, "a.yml"): filepath.Join("..v1", "a.yml"), dir + "-link": dir} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	set, err := Load([]string{dir + "-link"}, Options{})
	if err != nil || len(set.Rules) != 1 {
		t.Errorf("%v %v", set, err)
	}
}

func TestFolderMistakes(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yml":          "rules:\n" + rule("same") + rule("fine"),
		"b.yml":          "rules:\n" + rule("same") + "tables:\n  t: {key: k, on: {A: {x: x}}}\n",
		"c.yml":          "tables:\n  t: {key: k, on: {A: {x: x}}}\nrules: {x: [}\n",
		"none/readme.md": "",
	})
	f := func(want string, paths ...string) {
		t.Helper()
		for i, p := range paths {
			paths[i] = filepath.Join(dir, p)
		}
		_, err := Load(paths, Options{})
		var list Errors
		if !errors.As(err, &list) {
			t.Fatalf("got %v", err)
		}
		var got []string
		for _, e := range list {
			got = append(got, strings.ReplaceAll(e.At.String()+": "+e.Message, dir+string(filepath.Separator), ""))
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	}
	f("b.yml:2:3: there are two rules named same: the other one stands at a.yml:2:3\n"+
		"c.yml:2:3: there are two tables named t: the other one stands at b.yml:4:3\n"+
		"c.yml:3:13: expected a value", "")
	f("missing: no such file or directory", "a.yml", "missing")
	f("none: the folder holds no rule files (*.yml, *.yaml)", "a.yml", "none")
}

// TestHostile wants a clear answer, quickly and in little memory, to files that no person writes.
func TestHostile(t *testing.T) {
	f := func(name, src, want string) {
		t.Helper()
		_, err := LoadBytes(name, []byte(src), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %.300v", name, want, err)
		}
		if list, ok := err.(Errors); ok && len(list) > maxErrors {
			t.Errorf("%s: %d mistakes are kept", name, len(list))
		}
	}
	f("10 MB", strings.Repeat("rules:\n  a: {event: A, when: a > 1}\n", 300_000), "bytes that are read")
	f("10 MB in a line", "rules: "+strings.Repeat("x", 10<<20), "bytes that are read")
	f("depth", "rules:\n  a:\n    when: "+strings.Repeat("[", 30_000), "nested deeper")
	f("aliases", "rules: &a\n  b: *a\n", "an unquoted & begins an anchor")
	f("long expression", "rules:\n  a: {event: A, when: '"+strings.Repeat("a+", 30_000)+"a'}\n", "bytes long")
	f("long fact", "rules:\n  a: {event: A, when: a > 1, let: {n: '"+strings.Repeat("a(", 15_000)+" each 1m'}}\n", "bytes long")
	f("deep fact", "rules:\n  a: {event: A, when: a > 1, let: {n: '"+strings.Repeat("a(", 1000)+"count each 1m"+strings.Repeat(" each 1m)", 500)+"'}}\n", "is not closed")
	f("deep expression", "rules:\n  a: {event: A, when: '"+strings.Repeat("(", 3000)+"'}\n", "brackets nest")
	many := &strings.Builder{}
	many.WriteString("rules:\n")
	for i := range 20_000 {
		fmt.Fprintf(many, "  r%d: {evnt: A}\n", i)
	}
	f("many mistakes", many.String(), "did you mean event?")
	f("events", "rules:\n"+rule("a")+"tests:\n- {name: n, rule: a, expect: [], given: [{repeat: 100000, every: 1s, time: 1, type: A}, {repeat: 2, every: 1s, time: 1, type: A}]}\n", "more than 100000 events")
}

// comments returns all comments of a source, sorted.
func comments(t *testing.T, src string) (out []string) {
	n, errs := yaml.Parse(src)
	if len(errs) > 0 {
		t.Fatalf("%v\n%s", errs[0], src)
	}
	var walk func(n *yaml.Node)
	add := func(lines ...string) {
		for _, c := range lines {
			if c != "" {
				out = append(out, c)
			}
		}
	}
	walk = func(n *yaml.Node) {
		add(n.Foot...)
		for _, e := range n.Entries {
			add(e.Head...)
			add(e.Tail)
			walk(e.Value)
		}
	}
	walk(n)
	slices.Sort(out)
	return out
}

func FuzzLoad(f *testing.F) {
	for _, name := range ruleFiles(f, "testdata/cases", "testdata/examples", "testdata/load") {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(b), "\n----\n") {
			if i := strings.Index(part, "\nload"); i >= 0 {
				part = part[i+1+strings.IndexByte(part[i+1:], '\n'):]
			}
			if len(part) < 4000 {
				f.Add(part)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		set, err := LoadBytes("fuzz.yml", []byte(src), Options{})
		list, ok := err.(Errors)
		if err != nil && (!ok || len(list) == 0 || set != nil) {
			t.Fatalf("%v and %v", set, err)
		}
		for _, e := range list {
			if e.Message == "" || e.Width < 1 || e.At.Line < 1 || e.At.Column < 1 {
				t.Fatalf("%+v", e)
			}
			_ = e.Error()
		}
		once, err := Format([]byte(src))
		if err != nil {
			return
		}
		twice, err := Format(once)
		if err != nil || string(twice) != string(once) {
			t.Fatalf("formatting twice: %v\n%s\n---\n%s", err, once, twice)
		}
		if a, b := comments(t, src), comments(t, string(once)); !slices.Equal(a, b) {
			t.Fatalf("comments %q became %q\n%s\n---\n%s", a, b, src, once)
		}
		if set == nil {
			return
		}
		again, err := LoadBytes("fuzz.yml", once, Options{})
		if err != nil {
			t.Fatalf("formatted: %v\n%s", err, once)
		}
		sameMeaning(t, set, again)
	})
}

func BenchmarkLoad(b *testing.B) {
	src, _ := readFile("testdata/examples/founding.yml")
	head, one, _ := strings.Cut(src, "  volume-10x:\n")
	one, _, _ = strings.Cut(one, "\n  over-credit-limit:")
	for i := range 1000 {
		head += fmt.Sprintf("  volume-%d:\n%s\n", i, one)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if _, err := LoadBytes("b.yml", []byte(head), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
