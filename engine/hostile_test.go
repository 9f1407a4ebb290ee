package engine_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/rules"
)

// hostile is a scenario of somebody who means harm. Whether it ends quickly is for the timeout of the tests to say.
func hostile(yaml string, lines ...string) oracle.Scenario {
	s := oracle.Scenario{RulesYAML: yaml}
	for _, l := range lines {
		s.Lines = append(s.Lines, []byte(l))
	}
	return s
}

// TestHugeTexts has a megabyte as a key, as an argument, as a field that is kept, and as an id: all are counted, and survive
// the store.
func TestHugeTexts(t *testing.T) {
	const yaml = `
tables:
  tab: {key: k, on: {A: {last: s, n: += 1}}}
rules:
  r:
    event: A
    by: k
    let: {n: count over 10s, different: distinct(s) over 10s, prior: previous over 10s, begin: first(s) over 10s, same: count over 10s by s}
    when: n > 1 && prior.s != s
    alert: "{{k}} {{s}}"
  c:
    event: A
    by: [k, s]
    let: {n: count each 10s, d: distinct(k) each 10s, f: first(s) each 10s}
    when: n > 0
`
	huge := strings.Repeat("x", 30_000*thorough)
	var lines []string
	for i := range 4 {
		lines = append(lines, fmt.Sprintf(`{"type":"A","time":%d,"id":"%d%s","k":"%sk","s":"%s%d"}`, 1_700_000_000_000+i*3000, i, huge, huge, huge, i))
	}
	s := hostile(yaml, lines...)
	s.Options.Drain = true
	want := run(t, s, way{1, 1})
	if rows, lives := bytes.Count(want.rows, []byte("\n")), bytes.Count(want.lives, []byte("\n")); rows != 8 || lives != 5 {
		t.Errorf("%d rows and %d lives", rows, lives)
	}
	for _, what := range []int{evict, restart} {
		same(t, oracle.Scenario{}, "huge", want, resultOf(t, s, what))
	}
}

// resultOf folds with a store, and does the same after each event.
func resultOf(t *testing.T, s oracle.Scenario, what int) result {
	return newDurable(t, s, way{2, 1}).run(func() int { return what })
}

// TestMegabyteKey has keys as large as an event may be.
func TestMegabyteKey(t *testing.T) {
	key := strings.Repeat("k", 1_000_000)
	s := hostile("rules:\n  r:\n    event: A\n    by: k\n    let: {n: count over 10s, d: distinct(k) over 10s, f: last(k) over 10s}\n    when: n > 1\n",
		`{"type":"A","time":1700000000000,"k":"`+key+`"}`,
		`{"type":"A","time":1700000001000,"k":"`+key+`"}`,
		`{"type":"A","time":1700000002000,"k":"`+key+key+`"}`,
		`{"type":"A","time":1700000003000,"k":"`+key+`"}`)
	want := run(t, s, way{1, 1})
	if n := bytes.Count(want.rows, []byte("\n")); n != 3 {
		t.Errorf("%d rows", n)
	}
	same(t, oracle.Scenario{}, "evicted", want, resultOf(t, s, evict))
}

// TestDeepEvents refuses nesting of any depth as one event.
func TestDeepEvents(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	s := hostile("rules:\n  r:\n    event: A\n    let: {n: count over 10s}\n    when: n > 1\n",
		`{"type":"A","time":1700000000000,"k":`+deep+strings.Repeat("]", 100_000)+`}`,
		`{"type":"A","time":1700000000000,"k":`+deep,
		strings.Repeat(`{"k":`, 100_000)+"1"+strings.Repeat("}", 100_000),
		`{"type":"A","time":1700000001000}`)
	if got := run(t, s, way{1, 10}); bytes.Count(got.rows, []byte("\n")) != 1 {
		t.Errorf("rows %s", got.rows)
	}
}

// TestManyNewKeys has a flood of keys that never come again. What is in memory stays within the budget, and what has
// expired leaves the state.
func TestManyNewKeys(t *testing.T) {
	const (
		keys   = thorough * 6000
		stride = keys / 60
		budget = thorough * 200_000
	)
	s := hostile("rules:\n  r:\n    event: A\n    by: k\n    let: {n: count over 10s, d: distinct(s) over 10s}\n    when: n > 1\n")
	d := newDurable(t, s, way{2, 1})
	defer d.store.Close()
	d.recover()
	at, most, strides := int64(1_700_000_000_000), int64(0), 0
	for k := 0; k < keys; k += stride {
		b := &engine.Batch{}
		for i := range stride {
			from := len(b.Buf)
			b.Buf = fmt.Appendf(b.Buf, `{"type":"A","time":%d,"k":"key %d","s":"%d"}`, at+int64(k+i), k+i, i)
			b.Lines = append(b.Lines, engine.Line{Start: from, End: len(b.Buf), Offset: int64(k + i + 1)})
		}
		d.take(d.engine.Step(b))
		d.commit()
		d.engine.Trim(budget)
		if c := d.engine.Counters(); strides > 10 {
			most = max(most, c.Memory)
		}
		strides++
	}
	if most > budget*5/4 {
		t.Errorf("%d bytes of rows in memory, %d are allowed", most, budget)
	}
	c := d.engine.Counters()
	t.Logf("at most %d bytes, %d rows in memory, %d in the store", most, c.Rows, c.Cold)
	for _, w := range []int64{200_000, 3_600_000, 7_200_000, 10_800_000} { // after the longest window and all that lingers
		d.take(d.engine.Tick(at + keys + w))
		d.commit()
		d.engine.Trim(budget)
	}
	if c := d.engine.Counters(); c.Rows+c.Cold > 0 {
		t.Errorf("%d rows in memory and %d in the store have not been forgotten", c.Rows, c.Cold)
	}
}

// TestRemoteTimes has the first and the last time there is, and what is between them passing at once.
func TestRemoteTimes(t *testing.T) {
	const yaml = `
rules:
  sliding:
    event: A
    by: k
    let: {n: count over 10s, old: count over 10s before 1d}
    when: n > 0
  beat:
    event: A
    by: k
    let: {n: count each 1s}
    when: n > 0
  hop:
    event: A
    let: {n: count over 1m each 1s}
    when: n > 0
  session:
    event: A
    by: k
    on: close
    let: {n: count over session 10s}
    when: n > 0
  series:
    event: A
    by: k
    let: {z: zscore(count each 1h) over 30d}
    when: z > 3
  held:
    event: A
    by: k
    let: {n: count over 365d}
    for: 300d
    when: n > 0
`
	lines := []string{
		`{"type":"A","time":"0000-01-01T00:00:00Z","k":"a"}`,
		`{"type":"A","time":"0000-01-01T00:00:00+23:59","k":"a"}`,
		`{"type":"A","time":"9999-12-31T23:59:59.999Z","k":"a"}`,
		`{"type":"A","time":"9999-12-31T23:59:59.999-23:59","k":"a"}`,
		`{"type":"A","time":"0000-01-01T00:00:00.001Z","k":"a"}`,
		`{"type":"A","time":1e300,"k":"a"}`, `{"type":"A","time":-9e18,"k":"a"}`, `{"type":"A","time":9223372036854775807,"k":"a"}`,
	}
	for _, byTime := range []bool{false, true} {
		for _, lateness := range []int64{0, 5000} {
			s := hostile(yaml, lines...)
			s.Options = oracle.Options{ByTime: byTime, Lateness: lateness, Drain: true, Disorder: 1000}
			want, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, s, way{2, 1})
			differ(t, "rows", oracle.WriteRows(want.Rows), got.rows, s)
			differ(t, "lives", oracle.WriteAlerts(want.Alerts), got.lives, s)
		}
	}
}

// TestJumps lets a year, and ten thousand, pass between two events while an alert is open that only its own expression
// resolves, on a beat of a second.
func TestJumps(t *testing.T) {
	const yaml = `
rules:
  r:
    event: A
    by: k
    let: {n: count each 1s}
    when: n > 0
    resolve: n > 5
    expire: 10000d
  both:
    event: A
    by: k
    on: [event, close]
    let: {n: count each 1s, m: count over 1h}
    when: n > 0
    resolve: n > 5
  held:
    event: A
    by: k
    for: 1000d
    let: {n: count each 1s}
    when: n >= 0
`
	for _, end := range []string{"2024-11-14T00:00:00Z", "9999-12-31T23:59:59Z"} {
		s := hostile(yaml, `{"type":"A","time":"2023-11-14T00:00:00Z","k":"a"}`, `{"type":"A","time":"`+end+`","k":"b"}`)
		s.Options.Drain = true
		if got := run(t, s, way{2, 1}); !bytes.Contains(got.lives, []byte(`"rule":"r","key":"a"`)) {
			t.Errorf("lives %s", got.lives)
		}
	}
}

// TestManyFilters has more filters and facts in a rule than a word has bits: it is refused by name, or it is right.
func TestManyFilters(t *testing.T) {
	for _, n := range []int{62, 63, 64, 65, 200} {
		for _, window := range []string{"over 10s", "each 10s"} {
			var b strings.Builder
			b.WriteString("rules:\n  r:\n    event: A\n    by: k\n    let:\n")
			for i := range n {
				fmt.Fprintf(&b, "      n%d: count where x == %d %s\n", i, i, window)
			}
			fmt.Fprintf(&b, "    when: n%d > 0\n", n-1)
			s := hostile(b.String(), fmt.Sprintf(`{"type":"A","time":1700000000000,"k":"a","x":%d}`, n-1), `{"type":"A","time":1700000001000,"k":"a","x":0}`)
			s.Options.Drain = true
			set, err := rules.LoadBytes("rules.yml", []byte(s.RulesYAML), rules.Options{})
			if err == nil {
				_, err = engine.NewPlan(set, event.Spec{}, engine.TimeSpec{}, engine.NewUnits())
			}
			if err != nil {
				if want := fmt.Sprintf("engine: the facts of rule %q have %d different filters; 63 are the most", "r", n); n < 64 || err.Error() != want {
					t.Errorf("%d: %v", n, err)
				}
				continue
			}
			want, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, s, way{1, 10})
			differ(t, "rows", oracle.WriteRows(want.Rows), got.rows, s)
		}
	}
}

// TestManyRules has thousands of rules over one key, each with a fact of its own.
func TestManyRules(t *testing.T) {
	var b strings.Builder
	b.WriteString("rules:\n")
	const n = thorough * 150
	for i := range n {
		fmt.Fprintf(&b, "  r%d:\n    event: A\n    by: k\n    let: {n: count where x > %d over %ds}\n    when: n > 1\n", i, i%100, 1+i)
	}
	s := hostile(b.String())
	for i := range 10 {
		s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a","x":200}`, 1_700_000_000_000+i*100))
	}
	got := run(t, s, way{2, 1})
	if opened := bytes.Count(got.lives, []byte("\n")); opened != n {
		t.Errorf("%d alerts of %d rules", opened, n)
	}
	if d := newDurable(t, s, way{2, 5}); !bytes.Equal(d.run(func() int { return restart }).lives, got.lives) {
		t.Error("the store changes the lives")
	}
}

// TestHugeRuleFile refuses ten megabytes with a clear answer.
func TestHugeRuleFile(t *testing.T) {
	for _, text := range []string{
		"rules:\n" + strings.Repeat("  a: {event: A, when: x > 1}\n", 400_000),
		"rules:\n  a:\n    event: A\n    when: " + strings.Repeat("x > 1 || ", 1_200_000) + "x > 2\n",
		strings.Repeat("[", 10<<20), strings.Repeat("- ", 5<<20), strings.Repeat("#", 10<<20),
	} {
		if _, err := rules.LoadBytes("rules.yml", []byte(text), rules.Options{}); err == nil || len(err.Error()) > 10_000 {
			t.Errorf("%.20q…: %.200v", text, err)
		}
	}
}

// TestLaboriousRule has expressions that look at a megabyte again and again: the rule gets an error, others go on.
func TestLaboriousRule(t *testing.T) {
	const yaml = `
rules:
  hard:
    event: A
    let: {n: count over 10s}
    when: n > 0 && WORK
  easy:
    event: A
    let: {n: count over 10s}
    when: n > 0
`
	work := strings.Repeat(`s matches "(a|b|ab)*(x|y)+[a-z]{20}$" || `, 40) + "false"
	s := hostile(strings.ReplaceAll(yaml, "WORK", "("+work+")"),
		`{"type":"A","time":1700000000000,"s":"`+strings.Repeat("ab", 250_000)+`"}`, `{"type":"A","time":1700000001000,"s":"b"}`)
	set := ruleSet(t, s.RulesYAML)
	p, err := engine.NewPlan(set, event.Spec{}, engine.TimeSpec{}, engine.NewUnits())
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(p, engine.Options{})
	for _, b := range batches(s.Lines, e.Partition(event.Position{Stream: "events.jsonl"}), 1) {
		if _, err := e.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	hard, easy := e.Counters().Rules[0], e.Counters().Rules[1]
	if hard.Rule != "hard" {
		hard, easy = easy, hard
	}
	if hard.Errors != 1 || hard.LastError == "" || easy.Errors != 0 || easy.Evaluated != 2 || easy.Opened != 1 {
		t.Errorf("hard %+v, easy %+v", hard, easy)
	}
}

// TestHugeRowStored keeps a row of megabytes in the store.
func TestHugeRowStored(t *testing.T) {
	s := hostile("rules:\n  r:\n    event: A\n    by: k\n    let: {d: distinct(s) over 1h, f: first(s) over 1h, p: p99(x) over 1h}\n    when: d > 900\n")
	text := strings.Repeat("t", 2000)
	for i := range 1000 {
		s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"a","x":%d,"s":"%d %s"}`, 1_700_000_000_000+i, i, i, text))
	}
	w := way{1, 500}
	same(t, oracle.Scenario{}, "huge row", run(t, s, w), newDurable(t, s, w).run(func() int { return restart }))
}
