package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/rules"
)

// ruleText is a rule as the oracle writes it: its lines without the name and without their indent.
type ruleText struct {
	name  string
	lines []string
}

// split takes the oracle's rules apart: the tables' text, and the rules.
func split(yaml string) (tables string, all []ruleText) {
	tables, body, _ := strings.Cut(yaml, "rules:\n")
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "  "); ok && !strings.HasPrefix(name, " ") {
			all = append(all, ruleText{name: strings.TrimSuffix(name, ":")})
			continue
		}
		r := &all[len(all)-1]
		r.lines = append(r.lines, strings.TrimPrefix(line, "    "))
	}
	return tables, all
}

func join(tables string, all []ruleText) string {
	var b strings.Builder
	b.WriteString(tables + "rules:\n")
	for _, r := range all {
		b.WriteString("  " + r.name + ":\n    " + strings.Join(r.lines, "\n    ") + "\n")
	}
	return b.String()
}

func (r ruleText) has(prefix string) int {
	return slices.IndexFunc(r.lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
}

// facts returns the lines of let.
func (r ruleText) facts() (at []int) {
	for i, l := range r.lines {
		if strings.HasPrefix(l, "  ") {
			at = append(at, i)
		}
	}
	return at
}

var overLength = regexp.MustCompile(`over (\d+)(ms|s|h|d)`)

// edit changes a rule as people do. The result may be no valid rule.
func edit(t *rapid.T, r ruleText) ruleText {
	r.lines = slices.Clone(r.lines)
	remove := func(prefix string) {
		if i := r.has(prefix); i >= 0 {
			r.lines = slices.Delete(r.lines, i, i+1)
		}
	}
	always := func() {
		remove("ready:")
		remove("resolve:")
		r.lines[r.has("when:")] = "when: 'true'"
	}
	for range rapid.IntRange(0, 2).Draw(t, "edits") {
		facts := r.facts()
		switch rapid.SampledFrom([]string{"condition", "fact gone", "facts gone", "other window", "more", "where", "for", "when judged"}).Draw(t, "edit") {
		case "condition":
			always()
		case "fact gone":
			if len(facts) > 1 {
				i := rapid.SampledFrom(facts).Draw(t, "fact")
				r.lines = slices.Delete(r.lines, i, i+1)
				always()
			}
		case "facts gone":
			if len(facts) > 0 {
				r.lines = slices.Delete(r.lines, facts[0]-1, facts[len(facts)-1]+1)
				always()
			}
		case "other window":
			if len(facts) > 0 {
				i := rapid.SampledFrom(facts).Draw(t, "fact")
				r.lines[i] = overLength.ReplaceAllString(r.lines[i], "over 2$1$2")
			}
		case "more":
			if len(facts) > 0 {
				more := rapid.SampledFrom([]string{"count over 4s", "sum(x) over 2s", "distinct(s) over 10s", "last(s) over 3s", "count of B over 2s",
					"count where x > 1 over 5s", "unseen(s) over 5s", "count over session 2s", "count each 1s", "max(x) each 2s"}).Draw(t, "fact")
				r.lines = slices.Insert(r.lines, facts[len(facts)-1]+1, fmt.Sprintf("  m%d: '%s'", len(r.lines), more))
			}
		case "where":
			remove("where:")
			r.lines = slices.Insert(r.lines, 1, "where: x > 0")
		case "for":
			remove("for:")
			remove("expire:")
			r.lines = append(r.lines, "for: 1s", "expire: 3s")
		case "when judged":
			remove("on:")
			r.lines = append(r.lines, "on: "+rapid.SampledFrom([]string{"event", "close", "[event, close]"}).Draw(t, "on"))
		}
	}
	return r
}

func valid(yaml string) bool {
	_, err := rules.LoadBytes("rules.yml", []byte(yaml), rules.Options{})
	return err == nil
}

// others draws rules that are edited copies of those given.
func others(t *rapid.T, tables string, of []ruleText) (all []ruleText) {
	for range rapid.IntRange(0, 3).Draw(t, "others") {
		r := edit(t, rapid.SampledFrom(of).Draw(t, "rule"))
		r.name = fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"a", "z"}).Draw(t, "name"), len(all))
		if valid(join(tables, []ruleText{r})) {
			all = append(all, r)
		}
	}
	return all
}

// about returns the lines that are about some rules.
func about(lines []byte, names []string) (out []byte) {
	for line := range bytes.Lines(lines) {
		for _, name := range names {
			if bytes.HasPrefix(line, fmt.Appendf(nil, `{"rule":"%s",`, name)) {
				out = append(out, line...)
			}
		}
	}
	return out
}

// TestOtherRulesChange wants what a rule says never to depend on what becomes of others: they come, go and are edited
// while it runs.
func TestOtherRulesChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		tables, mine := split(s.RulesYAML)
		versions := make([]string, rapid.IntRange(2, 3).Draw(t, "versions"))
		for i := range versions {
			versions[i] = join(tables, append(others(t, tables, mine), mine...))
		}
		w := way{rapid.SampledFrom([]int{1, 2}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 3, 10}).Draw(t, "batch")}
		want := run(t, s, w)
		x := s
		x.RulesYAML = versions[0]
		d := newDurable(t, x, w)
		d.mute = rapid.Bool().Draw(t, "mute")
		if d.mute {
			want.rows = nil
		}
		got := d.run(func() int {
			if !oneIn(t, 5, "change") {
				return nothing
			}
			d.s.RulesYAML = rapid.SampledFrom(versions).Draw(t, "version")
			return restart
		})
		names := []string{}
		for _, r := range mine {
			names = append(names, r.name)
		}
		got.rows, got.lives = about(got.rows, names), about(got.lives, names)
		x.RulesYAML = strings.Join(versions, "\n")
		same(t, x, "other rules changed", want, got)
	})
}

func oneIn(t *rapid.T, n int, label string) bool { return rapid.IntRange(0, n-1).Draw(t, label) == n-1 }

// TestVersion wants the text of a plan to make the same plan again.
func TestVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		units := engine.NewUnits()
		p := planOf(t, s, units)
		q, err := engine.ParsePlan(string(p.Version()), units)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Version())
		}
		if !bytes.Equal(p.Version(), q.Version()) || p.Fingerprint() != q.Fingerprint() {
			t.Fatalf("%s\nbecame\n%s", p.Version(), q.Version())
		}
		if !engine.SameParts(p, q) {
			t.Fatalf("the rows have other parts:\n%s", p.Version())
		}
	})
}

// seen is a row of features as far as it tells of facts.
type seen struct {
	Rule     string
	Key      json.RawMessage
	Time     string
	Position string
	Values   map[string]json.RawMessage
}

func (r *seen) place() string {
	return fmt.Sprint(r.Rule, " ", string(r.Key), " ", r.Time, " ", r.Position)
}

func rowsOf(t rapid.TB, lines []byte) (all []seen) {
	for line := range bytes.Lines(lines) {
		var r seen
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// changing is a stream in which the rules change once: what was said before and after, and what had been read by then.
type changing struct {
	old, new     oracle.Scenario
	w            way
	tune         func(*engine.Engine)
	read         int
	before, then []byte
}

// drawTune draws the limit up to which distinct counts and percentiles are exact: mostly one that no window comes to, or so
// few values that what has been folded into sketches has to go on, too.
func drawTune(t *rapid.T) func(*engine.Engine) {
	limit := rapid.SampledFrom([]int{10_000, 10_000, 1, 3}).Draw(t, "limit")
	return func(e *engine.Engine) { e.SetLimit(limit, 0) }
}

// drawChange draws rules, what they were before (with other rules beside them), and events in order of time.
func drawChange(t *rapid.T) changing {
	s := oracle.Random(t)
	s.Lines = linesOf(datedLines(t, s))
	tables, mine := split(s.RulesYAML)
	before := others(t, tables, mine)
	for _, r := range mine {
		if e := edit(t, r); valid(join(tables, []ruleText{e})) {
			before = append(before, e)
		}
	}
	w := way{rapid.SampledFrom([]int{1, 2}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 3, 10}).Draw(t, "batch")}
	c := changing{old: s, new: s, w: w, tune: drawTune(t)}
	if len(before) == 0 {
		t.Skip()
	}
	c.old.RulesYAML = join(tables, before)
	d := newDurable(t, c.old, w)
	d.tune = c.tune
	change, said := rapid.IntRange(0, 30).Draw(t, "change"), 0
	got := d.run(func() int {
		if c.read += w.batch; c.read != change*w.batch {
			return nothing
		}
		d.s.RulesYAML = s.RulesYAML
		said = len(d.recorder.rows)
		return restart
	})
	c.read = min(change*w.batch, len(s.Lines))
	if d.s.RulesYAML != s.RulesYAML {
		t.Skip()
	}
	c.before, c.then = got.rows[:said], got.rows[said:]
	return c
}

func (c *changing) String() string {
	return fmt.Sprintf("%s\nbefore, for %d events:\n%s", c.new, c.read, c.old.RulesYAML)
}

// facts compares the plans of before and after.
func (c *changing) facts(t *rapid.T) (shared map[string]map[string]bool, all map[string]bool) {
	units := engine.NewUnits()
	return engine.SharedFacts(planOf(t, c.old, units), planOf(t, c.new, units))
}

// TestFactsGoOn wants a fact that stays the same to have the values that it would have had if the new rules had run from the
// beginning, whatever has become of its rule: its name, its conditions, its other facts, its longest window.
func TestFactsGoOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange(t)
		shared, all := c.facts(t)
		want, _ := foldAs(t, c.new, c.w, c.tune)
		compareFacts(t, rowsOf(t, want), rowsOf(t, c.then), shared, all, c.String())
	})
}

// TestFactsStartEmpty wants a fact that is new to have the values that it would have had if there had been nothing before
// the change, whatever other facts know of that time.
func TestFactsStartEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange(t)
		if strings.Contains(c.new.RulesYAML, " max ") { // where a session begins decides where the next one does
			t.Skip()
		}
		shared, _ := c.facts(t)
		fresh := c.new
		fresh.Lines = fresh.Lines[c.read:]
		want := map[string]seen{}
		alone, _ := foldAs(t, fresh, c.w, c.tune)
		for _, r := range rowsOf(t, alone) {
			want[r.when()] = r
		}
		for _, r := range rowsOf(t, c.then) {
			x, ok := want[r.when()]
			if !ok {
				continue
			}
			for name, v := range r.Values {
				if strings.HasPrefix(name, "f") && !shared[r.Rule][name] && string(x.Values[name]) != string(v) {
					t.Fatalf("%s of %s: want %s, got %s\n%s", name, r.place(), x.Values[name], v, &c)
				}
			}
		}
	})
}

// when is the place of a row in a stream that begins elsewhere and has one event a time.
func (r *seen) when() string {
	return fmt.Sprint(r.Rule, " ", string(r.Key), " ", r.Time, " ", r.Position == "")
}

// compareFacts wants all rows after the change among those that are wanted, with the same values of shared facts.
func compareFacts(t *rapid.T, want, after []seen, shared map[string]map[string]bool, all map[string]bool, story string) {
	expected := map[string][]seen{}
	for _, r := range want {
		expected[r.place()] = append(expected[r.place()], r)
	}
	found := map[string]int{}
	for _, r := range after {
		k := found[r.place()]
		found[r.place()]++
		if k >= len(expected[r.place()]) {
			if len(shared[r.Rule]) > 0 && all[r.Rule] {
				t.Fatalf("there should be no row %s\n%s", r.place(), story)
			}
			continue
		}
		x := expected[r.place()][k]
		for name := range shared[r.Rule] {
			if string(r.Values[name]) != string(x.Values[name]) {
				t.Fatalf("%s of %s: want %s, got %s\n%s", name, r.place(), x.Values[name], r.Values[name], story)
			}
		}
	}
	if len(after) == 0 {
		return
	}
	first := slices.IndexFunc(want, func(r seen) bool { return r.place() == after[0].place() })
	for _, r := range want[max(first, 0):] {
		if found[r.place()] == 0 && first >= 0 && len(shared[r.Rule]) > 0 && all[r.Rule] {
			t.Fatalf("there should be a row %s\n%s", r.place(), story)
		}
	}
}
