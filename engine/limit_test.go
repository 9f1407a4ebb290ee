package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kelpie/engine"
	"kelpie/engine/oracle"
)

// limitRules has facts with a limit alone in their log, and, as rule b, the same with others that need every entry.
func limitRules(more string) string {
	return fmt.Sprintf(`rules:
  a:
    event: A
    by: k
    let: {d: distinct(s) over 1h, p: p90(x) over 1h}
    when: d > 30
  b:
    event: A
    by: k
    let: {d: distinct(s) over 1h, p: p90(x) over 1h%s}
    when: d > 30
`, more)
}

func limitScenario(more string, random *rand.Rand, n int, distance int64, late int) oracle.Scenario {
	s := oracle.Scenario{RulesYAML: limitRules(more)}
	t := int64(1_700_000_000_000)
	for range n {
		t += random.Int64N(2*distance + 1)
		if random.IntN(200) == 0 {
			t += random.Int64N(7_200_000)
		}
		at := t
		if late > 0 && random.IntN(late) == 0 {
			at -= random.Int64N(3_700_000)
		}
		s.Lines = append(s.Lines, fmt.Appendf(nil, `{"type":"A","time":%d,"k":"%c","x":%d,"s":"%d"}`, at, "aab"[random.IntN(3)], 1+random.IntN(900), random.IntN(120)))
	}
	return s
}

type limitRow struct {
	Rule   string             `json:"rule"`
	Values map[string]float64 `json:"values"`
	Approx map[string]float64 `json:"approx"`
}

// TestLimit holds that values beyond the limit do not depend on companions, batches, shards or other facts, that those
// within it are exact, as are other facts beside them, and that those beyond are near.
func TestLimit(t *testing.T) {
	for seed := range uint64(9) {
		if thorough == 1 && seed%4 != 0 {
			continue // one of each distance and lateness
		}
		random := rand.New(rand.NewPCG(seed, 1))
		n, distance := 150+random.IntN(200), []int64{1000, 20_000, 60_000}[seed%3]
		late := []int{0, 3, 20}[seed/3]
		s := limitScenario("", random, n, distance, late)
		few := func(e *engine.Engine) { e.SetLimit(40, 2) }
		rows, lives := foldAs(t, s, way{1, 7}, few)
		for name, tune := range map[string]func(e *engine.Engine){
			"without companions": func(e *engine.Engine) { few(e); e.SetBig(small, 0) },
			"with companions":    func(e *engine.Engine) { few(e); e.SetBig(small, 1<<20) },
		} {
			r, l := foldAs(t, s, way{2, 1000}, tune)
			if !bytes.Equal(rows, r) || !bytes.Equal(lives, l) {
				t.Fatalf("%s: other rows\n%s", name, firstOther(rows, r))
			}
		}
		mixed := s
		mixed.RulesYAML = limitRules(", m: sum(x) where x > 300 over 1h")
		both, bothLives := foldAs(t, mixed, way{1, 7}, few)
		if !bytes.Equal(ofRule(both, "a"), ofRule(rows, "a")) {
			t.Fatalf("with other facts: other rows\n%s", firstOther(ofRule(rows, "a"), ofRule(both, "a")))
		}
		if !bytes.Equal(ofRule(bothLives, "a"), ofRule(lives, "a")) {
			t.Fatalf("with other facts: other lives\n%s", firstOther(ofRule(lives, "a"), ofRule(bothLives, "a")))
		}
		for _, x := range []struct {
			s    oracle.Scenario
			rows []byte
		}{{s, rows}, {mixed, both}} {
			exact, _ := foldAs(t, x.s, way{1, 7}, func(*engine.Engine) {})
			nearly(t, readRows(t, x.rows), readRows(t, exact))
		}
	}
}

// nearly holds rows to the exact ones.
func nearly(t *testing.T, rows, exact []limitRow) {
	for i, r := range rows {
		for name, v := range exact[i].Values {
			got, approx := r.Values[name], r.Approx[name]
			if approx == 0 && got != v {
				t.Fatalf("row %d: %s is %v, not %v, and says to be exact", i, name, got, v)
			}
			if want := map[string]float64{"d": 0.008125, "p": 1.0 / 128}[name]; approx != 0 && approx != want {
				t.Fatalf("row %d: %s has the error %v, not %v", i, name, approx, want)
			}
			if name == "d" && approx != 0 && math.Abs(got-v) > 2+0.25*v {
				t.Fatalf("row %d: %s is %v, far from %v", i, name, got, v)
			}
		}
	}
}

func readRows(t *testing.T, b []byte) (rows []limitRow) {
	for _, l := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var r limitRow
		if err := json.Unmarshal(l, &r); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		rows = append(rows, r)
	}
	return rows
}

func ofRule(b []byte, rule string) []byte {
	lines := slices.DeleteFunc(bytes.Split(b, []byte("\n")), func(l []byte) bool {
		return !bytes.Contains(l, fmt.Appendf(nil, `"rule":%q`, rule))
	})
	return bytes.Join(lines, []byte("\n"))
}

// firstOther shows the first line that differs.
func firstOther(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d:\n%s\n%s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// TestLimitBounds holds that a window of many more than 10,000 values takes not much more room than one of 10,000.
func TestLimitBounds(t *testing.T) {
	for _, fact := range []string{"distinct(s)", "p90(x)"} {
		e, all := bigEngine(t, fact, 15_000+4_500*thorough, 20_000+6_000*thorough)
		for _, b := range all {
			if _, err := e.Step(b); err != nil {
				t.Fatal(err)
			}
		}
		if n := e.RowBytes(); n > 4<<20 {
			t.Errorf("%s: rows of %d bytes", fact, n)
		}
	}
}
