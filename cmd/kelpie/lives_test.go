package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/rules"
	"kelpie/window"
)

// TestLives compares with the lives that are put together in memory, for any order of openings and resolutions, and for
// more of them than the buffer holds.
func TestLives(t *testing.T) {
	dir := t.TempDir()
	rule := &rules.Rule{Name: "r"}
	rapid.Check(t, func(t *rapid.T) {
		var changes []engine.Change
		var open []engine.Change
		for i := range rapid.SampledFrom([]int{0, 1, 20, 2000}).Draw(t, "changes") {
			if len(open) > 0 && rapid.Bool().Draw(t, "resolve") {
				k := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				c := open[k]
				c.Kind, c.At = engine.Resolved, c.Opened+int64(i)
				open = append(open[:k], open[k+1:]...)
				changes = append(changes, c)
				continue
			}
			c := engine.Change{Kind: engine.Opened, Rule: rule, ID: fmt.Sprint(i), Opened: int64(i) * 1000, Key: []string{`k"é`}}
			switch i % 3 {
			case 0:
				c.Window = &window.Span{Start: 0, End: int64(i)}
			case 1:
				c.Key, c.EventID, c.Position = []string{"a", "b  "}, "id }", fmt.Sprint("f:", i)
			case 2:
				c.Position = fmt.Sprint("f:", i)
			}
			open = append(open, c)
			changes = append(changes, c)
		}
		name := filepath.Join(dir, "alerts.jsonl")
		l, err := newLives(name)
		if err != nil {
			t.Fatal(err)
		}
		var all engine.Lives
		for _, c := range changes {
			all.Add([]engine.Change{c})
			if err := l.take([]engine.Change{c}); err != nil {
				t.Fatal(err)
			}
		}
		if len(l.ends) != len(open) {
			t.Fatalf("%d ends are remembered of %d open alerts", len(l.ends), len(open))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := all.Append(nil); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}
