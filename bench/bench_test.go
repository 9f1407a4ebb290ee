package main

import (
	"os"
	"testing"

	"kelpie/engine"
	"kelpie/event"
)

// TestMain lets a study start this program again for a crash.
func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	os.Exit(m.Run())
}

// tiny is enough to see that a study works.
var tiny = sizes{Events: 20_000, Customers: 1000, Keys: 5000, Recovered: 5000, Runs: 1, Decisions: 5000, Cores: 2}

// BenchmarkStudies runs every study once on little, to keep them alive: their figures say nothing.
func BenchmarkStudies(b *testing.B) {
	for i := range studies {
		b.Run(studies[i].name, func(b *testing.B) {
			for b.Loop() {
				l := &lab{sizes: tiny, dir: b.TempDir()}
				rows, err := l.report(&studies[i])
				if err != nil {
					b.Fatal(err)
				}
				if len(rows) == 0 {
					b.Fatal("no rows")
				}
			}
		})
	}
}

// BenchmarkStep folds a batch of the founding rules' traffic in which nothing is found, in steady state. Objects and
// bytes are those of a whole batch of 4 MiB; per event they are reported beside it.
func BenchmarkStep(b *testing.B) {
	l := &lab{sizes: sizes{Events: 400_000, Customers: 40_000, Cores: 2}, dir: b.TempDir()}
	st, err := newSteady(l)
	if err != nil {
		b.Fatal(err)
	}
	if err := st.restart(); err != nil {
		b.Fatal(err)
	}
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		if st.next == len(st.batches) {
			b.StopTimer()
			if err := st.restart(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		events += len(st.batches[st.next].Lines)
		if err := st.upTo(st.next + 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// TestTable pins what the README's table looks like.
func TestTable(t *testing.T) {
	s := []sample{{events: 1000, wall: 2_000_000, cpu: 3_000_000, allocs: 10, peak: 5 << 20, yardstick: measure{250_000, 4}}}
	tab := table{machine: machine{date: "2026-01-05", commit: "commit abc", cpu: "a processor", cores: 2, memory: 4 << 30, system: "go1.26"},
		rows: []row{rateRow("what", s, 400_000), ratioRow("that", s, s, 0.5)}}
	const want = `| what | 500k/s (500k–500k) | 2.00 | 3.00 (0.75) | 5 MiB | 0.010 | ≥ 400k/s | reached |
| that | 1.00 × (1.00–1.00), 2000 ns | 2.00 | 3.00 (0.75) | 5 MiB | 0.010 | ≤ 0.5 × | MISSED |
`
	text := tab.markdown()
	if got := text[len(text)-len(want):]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestManyRules holds that the rules of the study of rules can be loaded, and that no two are the same.
func TestManyRules(t *testing.T) {
	set, err := loadRules(manyRules(1000))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range set.Rules {
		filter := r.Where.Canon
		if seen[filter+r.Events[0]] {
			t.Errorf("%s: filter %s stands twice", r.Name, filter)
		}
		seen[filter+r.Events[0]] = true
	}
	if _, err := engine.NewPlan(set, event.Spec{}, timeSpec, engine.NewUnits()); err != nil {
		t.Fatal(err)
	}
}
