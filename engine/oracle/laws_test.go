package oracle

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"kelpie/event"

	"pgregory.net/rapid"
)

// agree wants the same rows and alerts of two runs.
func agree(t rapid.TB, s Scenario, a, b Result) {
	t.Helper()
	for _, pair := range [][2][]byte{{WriteRows(a.Rows), WriteRows(b.Rows)}, {WriteAlerts(a.Alerts), WriteAlerts(b.Alerts)}} {
		diffs, err := Compare(pair[0], pair[1], 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range diffs {
			t.Error(d)
		}
	}
	if t.Failed() {
		t.Fatalf("%s", s)
	}
}

func run(t rapid.TB, s Scenario) Result {
	t.Helper()
	out, err := s.Run()
	if err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	return out
}

// TestScenariosLoad wants every drawn rule set to be valid and every run to keep the simplest invariants.
func TestScenariosLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Random(t)
		out := run(t, s)
		for i, a := range out.Alerts {
			if a.Resolved != nil && *a.Resolved < a.Opened {
				t.Fatalf("an alert resolves before it opens: %s\n%s", WriteAlerts(out.Alerts[i:i+1]), s)
			}
		}
	})
}

// sorted returns the scenario with its events in order of time, one event a time, and nothing that is no event.
func sorted(t *rapid.T, s Scenario) (Scenario, []int64) {
	t.Helper()
	byTime := map[int64][]byte{}
	for _, l := range s.Lines {
		if ms, ok := timeOf(t, l); ok && byTime[ms] == nil {
			byTime[ms] = l
		}
	}
	times := slices.Sorted(maps.Keys(byTime))
	s.Lines = nil
	for _, ms := range times {
		s.Lines = append(s.Lines, byTime[ms])
	}
	return s, times
}

func timeOf(t rapid.TB, line []byte) (int64, bool) {
	t.Helper()
	d, err := event.NewDecoder(&event.Schema{})
	if err != nil {
		t.Fatal(err)
	}
	var r event.Record
	if strings.TrimSpace(string(line)) == "" || d.Decode(line, &r) != nil {
		return 0, false
	}
	return r.Time, true
}

// placeless takes positions away, which another order of arrival changes.
func placeless(out Result) Result {
	for i := range out.Rows {
		out.Rows[i].Position = ""
	}
	for i := range out.Alerts {
		out.Alerts[i].Position = ""
	}
	return out
}

// TestOrderTimeShuffled holds order: time to its promise: the order of arrival within the disorder changes nothing.
func TestOrderTimeShuffled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, times := sorted(t, Random(t))
		s.Options.ByTime = true
		shuffled := s
		arrival := map[int64]int64{}
		for _, at := range times {
			arrival[at] = at + rapid.Int64Range(0, s.Options.Disorder).Draw(t, "delay")
		}
		order := slices.Clone(times)
		slices.SortStableFunc(order, func(a, b int64) int { return cmp.Compare(arrival[a], arrival[b]) })
		shuffled.Lines = nil
		for _, at := range order {
			i, _ := slices.BinarySearch(times, at)
			shuffled.Lines = append(shuffled.Lines, s.Lines[i])
		}
		agree(t, shuffled, placeless(run(t, s)), placeless(run(t, shuffled)))
	})
}

// TestOrderTimeIsArrivalInOrder wants the same of both orders where events come in order and no disorder is allowed for.
func TestOrderTimeIsArrivalInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := sorted(t, Random(t))
		s.Options.ByTime = true
		arrival := s
		arrival.Options.ByTime, arrival.Options.Disorder = false, 0
		agree(t, s, run(t, s), run(t, arrival))
	})
}

// TestDisorderOpensNothing wants rules that are judged on events alone to say the same under any disorder when
// nothing is out of order. Tables are left out: a leaving judgement reads them as of when it is due.
func TestDisorderOpensNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := sorted(t, Random(t))
		if strings.Contains(s.RulesYAML, "tables:") || strings.Contains(s.RulesYAML, " each ") || strings.Contains(s.RulesYAML, "on: close") {
			t.Skip()
		}
		s.Options.ByTime = false
		other := s
		s.Options.Disorder = 0
		agree(t, other, run(t, s), run(t, other))
	})
}

// TestLongScenarios wants of a few long streams that either order says the same of events in order.
func TestLongScenarios(t *testing.T) {
	for seed := range 8 {
		s := rapid.Custom(RandomLong).Example(seed)
		s.Options.ByTime, s.Options.Disorder = true, 0
		var in [][]byte
		newest := int64(0)
		for _, l := range s.Lines {
			if ms, ok := timeOf(t, l); ok && ms >= newest {
				newest, in = ms, append(in, l)
			}
		}
		s.Lines = in
		arrival := s
		arrival.Options.ByTime = false
		agree(t, s, run(t, s), run(t, arrival))
	}
}
