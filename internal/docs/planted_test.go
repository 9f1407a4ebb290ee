package docs

import (
	"path/filepath"
	"slices"
	"testing"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/traffic"
)

// TestPlantedIsFound folds generated traffic with the rules of examples/orders: they find what was planted, and
// nothing else.
func TestPlantedIsFound(t *testing.T) {
	set, s := example(t, filepath.Join(root, "examples", "orders"))
	plan, err := engine.NewPlan(set, s.event, s.time, engine.NewUnits())
	if err != nil {
		t.Fatal(err)
	}
	g, err := traffic.New(traffic.Config{Seed: 5, Duration: 2 * 3600_000, Attacks: 60, Disorder: traffic.Disorder{Share: 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(plan, engine.Options{Shards: 2})
	var found []engine.Change
	take := func(fx *engine.Effects, err error) {
		if err != nil || len(fx.Rejected) > 0 {
			t.Fatalf("%v, refused %v", err, fx.Rejected)
		}
		found = append(found, fx.Changes...)
	}
	b := &engine.Batch{Partition: e.Partition(event.Position{Stream: "shop", Kind: event.FilePosition})}
	for more := true; more; {
		b.Buf, b.Lines = b.Buf[:0], b.Lines[:0]
		for more && len(b.Lines) < 5000 {
			start := len(b.Buf)
			if b.Buf, more = g.Next(b.Buf); more {
				b.Lines = append(b.Lines, engine.Line{Start: start, End: len(b.Buf), Offset: g.Written()})
			}
		}
		take(e.Step(b))
	}
	take(e.End(false))
	found = slices.DeleteFunc(found, func(c engine.Change) bool { return c.Kind != engine.Opened })
	labels := g.Labels()
	if len(labels) < 50 {
		t.Errorf("%d attacks planted, expected about 60", len(labels))
	}
	for _, l := range labels {
		i := slices.IndexFunc(found, func(c engine.Change) bool {
			return c.Rule.Name == l.Rule && c.Key[0] == l.Key && c.Opened >= l.From && c.Opened <= l.To
		})
		if i < 0 {
			t.Errorf("planted and not found: %s %s at %s", l.Rule, l.Key, event.FormatTime(l.From))
			continue
		}
		found = slices.Delete(found, i, i+1)
	}
	for _, c := range found {
		t.Errorf("found and not planted: %s %s at %s: %s", c.Rule.Name, c.Key, event.FormatTime(c.Opened), c.Message)
	}
}
