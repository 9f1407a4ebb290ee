package oracle

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"kelpie/rules"

	"pgregory.net/rapid"
)

// Scenario is a rule set with a stream and time settings, small enough to be read when it fails.
type Scenario struct {
	RulesYAML string
	Lines     [][]byte
	Options   Options
}

// Run loads the scenario's rules and runs the oracle; the lines are those of a file events.jsonl.
func (s Scenario) Run() (Result, error) {
	set, err := rules.LoadBytes("rules.yml", []byte(s.RulesYAML), rules.Options{})
	if err != nil {
		return Result{}, fmt.Errorf("oracle: %w", err)
	}
	return Run(set, s.Options, FileLines("events.jsonl", s.Lines))
}

// String shows all of the scenario.
func (s Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "options: order by time %v, disorder %d, lateness %d, drain %v\nrules.yml:\n%s\nevents.jsonl:\n",
		s.Options.ByTime, s.Options.Disorder, s.Options.Lateness, s.Options.Drain, s.RulesYAML)
	for _, l := range s.Lines {
		fmt.Fprintf(&b, "%s\n", l)
	}
	return b.String()
}

// scale is the durations and steps of time of one scenario: few and related, so that edges collide often.
type scale struct {
	each      []string // lengths of windows on a beat
	over      []string // lengths of sliding windows and gaps
	short     []string // for, cooldown, expire
	steps     []int64  // from one event to the next, ms
	back      []int64  // how far out of order an event is
	disorder  []int64
	factor    []int    // buckets in a series, beats in a hopping window
	counts    []string // what counts are compared with
	sums      []string // what sums are
	seasonal  bool
	timezones []string
	starts    []int64 // of the stream; nil: start
}

var seconds = scale{
	each:     []string{"1s", "2s", "3s", "500ms"},
	over:     []string{"2s", "1s", "3s", "5s", "10s", "999ms"},
	short:    []string{"1s", "2s", "500ms", "5s"},
	steps:    []int64{1000, 0, 1, 500, 999, 2000, 3000, 5000, 1001, 20000},
	back:     []int64{0, 0, 0, 0, 0, 500, 1000, 1001, 2000, 5000, 15000},
	disorder: []int64{0, 1000, 2000, 5000},
	factor:   []int{2, 1, 3, 5},
	counts:   []string{"1", "2", "0", "3"},
	sums:     []string{"1", "2", "0.3", "0", "1.5"},
}

var weeks = scale{
	each:      []string{"1h", "1d", "12h"},
	over:      []string{"1d", "7d", "2h", "6h"},
	short:     []string{"1h", "1d"},
	steps:     []int64{7 * day, 0, day, hour, 7*day - hour, 30 * 60000, 7*day + hour, 1},
	back:      []int64{0, 0, 0, 0, hour, day},
	disorder:  []int64{0, hour, day},
	factor:    []int{14, 7, 21},
	counts:    []string{"1", "2", "0", "3"},
	sums:      []string{"1", "2", "0.3", "0", "1.5"},
	seasonal:  true,
	timezones: []string{"", "", "Asia/Kolkata"},
}

// clocks is for zones whose clocks are changed while events come: Berlin at night; Santiago and Havana at midnight; Lord Howe
// by half an hour.
var clocks = scale{
	each:      []string{"1d", "12h", "1h", "6h", "2d"},
	over:      []string{"1d", "2h", "30m", "25h"},
	short:     []string{"1h", "1d"},
	steps:     []int64{hour, 0, 6 * hour, 30 * 60000, day - hour, day, day + hour, 2 * day, 7 * day, 15 * 60000},
	back:      []int64{0, 0, 0, 0, hour, day},
	disorder:  []int64{0, hour, day},
	factor:    []int{2, 1, 3, 7},
	counts:    []string{"1", "2", "0", "3"},
	sums:      []string{"1", "2", "0.3", "0", "1.5"},
	seasonal:  true,
	timezones: []string{"Europe/Berlin", "America/Santiago", "America/Havana", "Australia/Lord_Howe", ""},
	// A few days before a change: Berlin's and Havana's autumn (2023-10-29, 2023-11-05), everybody's spring.
	starts: []int64{19656 * day, 19659*day + 22*hour, 19601 * day, 19630 * day, 19789 * day, 19810 * day, 19816 * day},
}

// dense is for long streams: hundreds of events in a window.
var dense = scale{
	each:     []string{"1s", "500ms", "2s"},
	over:     []string{"2s", "1s", "5s", "50ms", "10s", "1001ms"},
	short:    []string{"20ms", "500ms", "100ms"},
	steps:    []int64{10, 0, 1, 5, 20, 7, 10, 10, 10, 3, 50},
	back:     []int64{0, 0, 0, 0, 0, 0, 5, 20, 100, 500},
	disorder: []int64{0, 20, 100, 1000},
	factor:   []int{2, 1, 3, 5},
	counts:   []string{"50", "100", "1", "20", "400"},
	sums:     []string{"100", "500.5", "0.3", "50"},
}

const (
	hour  = int64(3600_000)
	day   = 24 * hour
	start = 19675 * day // a Tuesday in November 2023
)

// Random draws a scenario. It shrinks towards one rule that counts in a sliding window, and few plain events.
func Random(t *rapid.T) Scenario {
	sc := seconds
	if oneIn(t, 8, "weeks") {
		sc = weeks
	}
	return random(t, sc)
}

// RandomClocks draws a scenario whose rules are in time zones, while the clocks of these are changed.
func RandomClocks(t *rapid.T) Scenario { return random(t, clocks) }

func random(t *rapid.T, sc scale) Scenario {
	s := Scenario{RulesYAML: (&ruleGen{t: t, scale: sc}).set(), Options: drawOptions(t, sc)}
	var drawn []drawnEvent
	for range 4 { // a slice that rapid draws is short
		some := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) drawnEvent { return drawEvent(t, sc) }), 0, 20)
		drawn = append(drawn, some.Draw(t, "events")...)
	}
	from := start
	if sc.starts != nil {
		from = pick(t, "start", sc.starts...)
	}
	s.Lines = lines(drawn, from)
	return s
}

// RandomLong draws a scenario with 200 to 1,200 events of few keys, so that windows hold hundreds. The events come of a
// drawn seed: only their number shrinks.
func RandomLong(t *rapid.T) Scenario {
	s := Scenario{RulesYAML: (&ruleGen{t: t, scale: dense}).set(), Options: drawOptions(t, dense)}
	n := rapid.IntRange(200, 1200).Draw(t, "events")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	one := func(from []int64) int64 { return from[random.IntN(len(from))] }
	drawn := make([]drawnEvent, n)
	for i := range drawn {
		drawn[i] = drawnEvent{
			step: one(dense.steps), back: one(dense.back), twice: random.IntN(50) == 0,
			typ: string("AAAABC"[random.IntN(6)]),
			k:   fmt.Sprintf(`"%c"`, "aaab"[random.IntN(4)]),
			g:   fmt.Sprintf(`"%c"`, "uvw"[random.IntN(3)]),
			x:   fmt.Sprintf("%d.%02d", random.IntN(5), random.IntN(100)),
			s:   fmt.Sprintf(`"%c"`, 'p'+rune(random.IntN(20))),
		}
		if random.IntN(20) == 0 {
			drawn[i].x = []string{"", `"1"`, "null", "-3", "1e2", "7"}[random.IntN(6)]
		}
	}
	s.Lines = lines(drawn, start)
	return s
}

func drawOptions(t *rapid.T, sc scale) Options {
	o := Options{
		ByTime:   oneIn(t, 3, "by time"),
		Disorder: pick(t, "disorder", sc.disorder...),
		Drain:    rapid.Bool().Draw(t, "drain"),
	}
	if oneIn(t, 2, "lateness") {
		o.Lateness = pick(t, "lateness", sc.disorder[1:]...)
	}
	return o
}

// lines writes events, one after the other.
func lines(events []drawnEvent, from int64) (out [][]byte) {
	cursor := from
	for i, e := range events {
		cursor += e.step
		out = append(out, e.line(i+1, cursor-e.back))
		if e.twice {
			out = append(out, e.line(i+1, cursor-e.back))
		}
	}
	return out
}

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

// oneIn is true once in n draws, and shrinks to false.
func oneIn(t *rapid.T, n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(t, label) == n-1
}

// drawnEvent is one line before its time is known. Values are JSON, "" leaves the field out.
type drawnEvent struct {
	step, back          int64
	typ, k, g, x, s, id string
	form                int // how the time is written
	twice               bool
	junk                string // a line that is no event
}

func drawEvent(t *rapid.T, sc scale) drawnEvent {
	e := drawnEvent{
		step: pick(t, "step", sc.steps...),
		back: pick(t, "back", sc.back...),
		typ:  pick(t, "type", "A", "A", "A", "B", "C"),
		k:    pick(t, "k", `"a"`, `"a"`, `"a"`, `"b"`, `1`),
		g:    pick(t, "g", `"u"`, `"u"`, `"v"`),
		x:    pick(t, "x", `1`, `2`, `3`, `0`, `0.1`, `0.2`, `0.3`, `1.5`, `-1`),
		s:    pick(t, "s", `"p"`, `"q"`),
	}
	if !oneIn(t, 4, "odd") {
		return e
	}
	switch rapid.IntRange(0, 7).Draw(t, "what is odd") {
	case 0:
		e.k = pick(t, "k", `"1"`, `1.0`, `true`, `"true"`, ``, `null`, `[1]`, `1e0`)
	case 1:
		e.g = pick(t, "g", ``, `null`, `7`)
	case 2:
		e.x = pick(t, "x", ``, `null`, `"1"`, `true`, `1e400`, `-0`, `100e-2`, `1234567.0000001`, `0.1234567890123456789`, `1e17`)
	case 3:
		e.s = pick(t, "s", ``, `null`, `5`, `true`, `"é"`, `5.0`)
	case 4:
		e.form = rapid.IntRange(1, 3).Draw(t, "form")
	case 5:
		e.twice = true
	case 6:
		e.id = pick(t, "id", `none`, `7`)
	case 7:
		e.junk = pick(t, "junk", `nonsense`, ` `, `{"type":"A"}`, `{"type":"A","time":"soon"}`, `[]`)
	}
	return e
}

// line writes the event; its id is its number.
func (e drawnEvent) line(n int, ms int64) []byte {
	if e.junk != "" {
		return []byte(e.junk)
	}
	at := time.UnixMilli(ms).UTC()
	form := [...]string{
		at.Format(`"2006-01-02T15:04:05.000Z"`),
		fmt.Sprint(ms),
		fmt.Sprintf("%d.%03d", ms/1000, ms%1000),
		at.In(time.FixedZone("", -5*3600-1800)).Format(`"2006-01-02T15:04:05.000-07:00"`),
	}[e.form]
	fields := []string{`"type":"` + e.typ + `"`, `"time":` + form}
	switch e.id {
	case "":
		fields = append(fields, fmt.Sprintf(`"id":"e%d"`, n))
	case "none":
	default:
		fields = append(fields, `"id":`+e.id)
	}
	for _, f := range [][2]string{{"k", e.k}, {"g", e.g}, {"x", e.x}, {"s", e.s}} {
		if f[1] != "" {
			fields = append(fields, `"`+f[0]+`":`+f[1])
		}
	}
	return []byte("{" + strings.Join(fields, ",") + "}")
}
