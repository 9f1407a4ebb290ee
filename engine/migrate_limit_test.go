package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"kelpie/engine"
	"kelpie/engine/oracle"
)

// sketchRules have facts of every kind that values are folded into sketches for.
const sketchRules = `rules:
  slide:
    event: A
    by: k
    let: {d: distinct(s) over 1m, p: p90(x) over 1m}
    when: d > 1000
  beat:
    event: A
    by: k
    let: {d: distinct(s) each 20s, p: p50(x) over 1m each 20s}
    when: d > 1000
  visit:
    event: A
    by: k
    let: {d: distinct(s) over session 10s, p: median(x) over session 10s}
    when: d > 1000
  past:
    event: A
    by: k
    let: {n: count each 5s, d: 'max(distinct(s) each 5s) over 1m', p: 'mean(p50(x) each 5s) over 1m'}
    when: n > 1000
`

// TestMigrateSketches changes rules whose windows hold many more values than their limit: what has been folded into
// sketches goes on, whatever becomes of the rule around it.
func TestMigrateSketches(t *testing.T) {
	few := func(e *engine.Engine) { e.SetLimit(3, 0) }
	for i, edit := range []struct {
		name string
		*strings.Replacer
	}{
		{"other conditions", strings.NewReplacer("> 1000", "> 2000")},
		{"other names", strings.NewReplacer("slide:", "glide:", "beat:", "pulse:", "visit:", "stay:", "past:", "history:")},
		{"longer windows", strings.NewReplacer("let: {", "let: {long: count over 5m, ")},
		{"a fact gone", strings.NewReplacer("p: p90(x) over 1m", "q: 1 + 1", "p: median(x) over session 10s", "q: 1 + 1")},
		{"other rules", strings.NewReplacer("rules:\n", "rules:\n  also: {event: A, by: k, let: {n: distinct(x) over 30s}, when: n > 9}\n")},
	} {
		if thorough < 10 && i%3 > 0 {
			continue
		}
		t.Run(edit.name, func(t *testing.T) {
			old := oracle.Scenario{RulesYAML: sketchRules}
			for i := range 160 {
				old.Lines = append(old.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a","s":"v%d","x":%d}`, 1_700_000_000_000+500*i, i%37, i*i%101))
			}
			changed := old
			changed.RulesYAML = edit.Replace(sketchRules)
			d := newDurable(t, old, way{2, 10})
			d.tune = few
			batch, said := 0, 0
			got := d.run(func() int {
				if batch++; batch != 8 {
					return nothing
				}
				d.s.RulesYAML, said = changed.RulesYAML, len(d.recorder.rows)
				return restart
			})
			want, _ := foldAs(t, changed, way{1, 10}, few)
			values := map[string]seen{}
			for _, r := range rowsOf(t, want) {
				values[r.place()] = r
			}
			compared := 0
			for _, r := range rowsOf(t, got.rows[said:]) {
				for _, fact := range []string{"d", "p"} {
					w, v := string(values[r.place()].Values[fact]), string(r.Values[fact])
					if w != v {
						t.Errorf("%s: %s is %s, want %s", r.place(), fact, v, w)
					}
					if v != "" {
						compared++
					}
				}
			}
			if rough := strings.Count(string(got.rows[said:]), `"approx"`); compared < 150 || rough < 100 {
				t.Errorf("%d values compared, %d rows with sketches", compared, rough)
			}
		})
	}
}
