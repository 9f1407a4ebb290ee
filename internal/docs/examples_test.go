package docs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/rules"
)

// example loads the configuration and the rules of a folder of examples/.
func example(t *testing.T, dir string) (*rules.Set, settings) {
	t.Helper()
	c, err := config.Load(filepath.Join(dir, "kelpie.yml"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(c.Rules, c.RuleOptions())
	if err != nil {
		t.Fatal(err)
	}
	ts := engine.TimeSpec{ByTime: c.Time.Order == "time", Disorder: millis(c.Time.Disorder), Lateness: millis(c.Time.Lateness)}
	return set, settings{event: c.Event.Spec, time: ts}
}

// TestExamples runs the tests beside the rules of every example. Each rule has one test in which it fires, and one in
// which it does not.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(root, "examples", "*", "kelpie.yml"))
	if err != nil || len(dirs) < 6 {
		t.Fatalf("%d examples: %v", len(dirs), err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			set, s := example(t, dir)
			failed, err := runTests(set, s)
			if err != nil {
				t.Error(err)
			}
			for _, text := range failed {
				t.Error(text)
			}
			for _, r := range set.Rules {
				for _, fires := range []bool{true, false} {
					if !slices.ContainsFunc(set.Tests, func(x *rules.Test) bool { return x.Rule == r.Name && (len(x.Expect) > 0) == fires }) {
						t.Errorf("%s: no test of %s in which it fires: %v", r.At, r.Name, fires)
					}
				}
			}
		})
	}
}

// TestExampleEvents folds the events that stand beside an example, and wants the alerts that its README lists.
func TestExampleEvents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "examples", "*", "events.jsonl"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files of events: %v", len(files), err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			set, s := example(t, dir)
			events, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s.drain = true
			out, err := fold(set, s, events)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(root, filepath.Join(dir, "README.md"))
			shown := 0
			for _, f := range fences(t, filepath.ToSlash(rel)) {
				if f.kind != "jsonl opened" {
					continue
				}
				shown++
				if diff := compare(f.text, out.alerts); diff != "" {
					t.Errorf("%s:%d: %s", f.file, f.line, diff)
				}
			}
			if shown != 1 {
				t.Errorf("the README lists the alerts of events.jsonl %d times, expected once", shown)
			}
		})
	}
}
