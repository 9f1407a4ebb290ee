package engine_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/engine"
	"kelpie/journal"
	"kelpie/rules"
)

// loadedSets returns the RulesLoaded entries of a log: after how many lines each stands, and what it says.
func loadedSets(t *testing.T, fs vfs.FS) (after []int, said []map[string]string, versions []string) {
	t.Helper()
	records, _ := logged(t, fs)
	lines := 0
	for _, r := range records {
		switch r.Kind {
		case journal.Event:
			lines++
		case journal.RulesLoaded:
			var x struct {
				Version string
				Rules   map[string]string
				Tables  map[string]string
			}
			if err := json.Unmarshal(r.Payload, &x); err != nil || x.Version == "" || len(x.Tables) != 1 {
				t.Fatalf("%s: %v", r.Payload, err)
			}
			after, said, versions = append(after, lines), append(said, x.Rules), append(versions, x.Version)
		}
	}
	return after, said, versions
}

// TestServiceRulesLoaded starts with rules, with the same ones, and with others, and changes them while it runs: the log
// says where which rules begin, once, also when the state is made anew from it.
func TestServiceRulesLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := strings.Replace(serviceRules, "when: orders > 1\n", "when: orders > 2\n", 1)
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		w.load = func() (*rules.Set, error) { return loadRules(t, other), nil }
		l := start(t, w)
		for range 2 {
			more <- order("c1", "eu")
		}
		synctest.Wait()
		if n := l.service.Figures().Open["burst"]; n != 1 {
			t.Errorf("%d open of more than one order", n)
		}
		l.service.Reload()
		more <- order("c2", "us")
		more <- order("c2", "us")
		synctest.Wait()
		l.service.Reload() // the same
		synctest.Wait()
		if n := l.service.Figures().Reloads; n != 1 {
			t.Errorf("%d reloads", n)
		}
		version := l.service.Figures().Rules
		l.halt()
		for range 2 { // the rules that it was made with, then the same
			l = start(t, w)
			l.halt()
		}

		after, said, versions := loadedSets(t, w.fs)
		if len(after) != 3 || after[0] != 0 || after[1] < 2 || after[2] != 4 {
			t.Fatalf("rules were loaded after %v lines", after)
		}
		if versions[1] != version || versions[0] == version || versions[2] != versions[0] {
			t.Errorf("versions %v, that of the service was %s", versions, version)
		}
		for name, fp := range said[0] {
			if changed := said[1][name] != fp; changed != (name == "burst") {
				t.Errorf("rule %s: %s became %s", name, fp, said[1][name])
			}
		}
		if len(said[0]) != 5 {
			t.Errorf("%d rules in %v", len(said[0]), said[0])
		}
		w.expectReplay(versions)
	})
}

// expectReplay makes the state anew from the log: nothing is written that stands there already.
func (w *world) expectReplay(versions []string) {
	t := w.tb.(*testing.T)
	fs := vfs.NewMem()
	copyLog(t, w.fs, fs)
	w.fs, w.inputs, w.untilEnd = fs, nil, true
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, _, again := loadedSets(t, fs); !slices.Equal(again, versions) {
		t.Errorf("after a replay the log says %v, before %v", again, versions)
	}
}

// TestServiceRulesLoadedInOrder reloads while events come: those before the entry are judged by the old rules, those
// behind it by the new ones.
func TestServiceRulesLoadedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		w.rules = "rules: {r: {event: OrderCreated, by: customer_id, when: 'amount > 0', alert: old}}\ntables: {x: {key: a, on: {A: {b: b}}}}"
		next := strings.Replace(w.rules, "old", "new", 1)
		w.load = func() (*rules.Set, error) { return loadRules(t, next), nil }
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		for i := range 40 {
			if i == 20 {
				l.service.Reload()
			}
			more <- order("c1", "eu")
		}
		synctest.Wait()
		l.halt()
		after, _, _ := loadedSets(t, w.fs)
		if len(after) != 2 {
			t.Fatalf("rules were loaded after %v lines", after)
		}
		alerts, _, _ := found(t, w.fs)
		old := 0
		for _, a := range alerts {
			if strings.Contains(a, ": old ") {
				old++
			}
		}
		if len(alerts) != 40 || old != after[1] {
			t.Errorf("%d of %d alerts are of the old rules, and %d lines stand before the new ones", old, len(alerts), after[1])
		}
	})
}
