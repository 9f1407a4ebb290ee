package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kelpie/event"
	"kelpie/rules"
)

// zonedRules have aligned windows of every kind, judged by events and on closes.
func zonedRules(zone string) string {
	return `rules:
  open:
    {event: A, timezone: ` + zone + `, on: event, let: {today: count each 1d, past: sum(count each 1d) over 2d, earlier: max(count each 6h) over 1d before 12h}, when: today > 0}
  closed:
    {event: A, timezone: ` + zone + `, let: {hops: count over 3d each 1d, past: sum(count each 1d) over 2d}, when: hops > 0}
  sliding:
    {event: A, let: {n: count over 1d}, when: n > 0}
`
}

// TestFullFrom holds that a fact is full from the time on as of which it begins where it has been kept, around changes of
// the clock, too.
func TestFullFrom(t *testing.T) {
	changes := map[string]string{"Europe/Berlin": "2023-10-29", "America/New_York": "2024-03-10", "America/Santiago": "2023-09-03",
		"Australia/Lord_Howe": "2024-04-07", "Pacific/Apia": "2011-12-30", "UTC": "2024-01-01"}
	for zone, day := range changes {
		set, err := rules.LoadBytes("rules.yml", []byte(zonedRules(zone)), rules.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewPlan(set, event.Spec{}, TimeSpec{}, NewUnits())
		if err != nil {
			t.Fatal(err)
		}
		change, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		e := New(p, Options{})
		rapid.Check(t, func(t *rapid.T) {
			const quarter = 15 * 60_000
			at := func(name string) int64 {
				return change.UnixMilli() + quarter*rapid.Int64Range(-5*96, 5*96).Draw(t, name) + rapid.Int64Range(-1, 1).Draw(t, name)
			}
			e.warmth.start, e.newest = at("kept"), at("newest")
			for _, rp := range p.rules {
				for i := range rp.facts {
					fp := &rp.facts[i]
					full := fp.from(e.newest, !rp.OnEvent) >= e.warmth.start
					if fp.Window.Kind == rules.Sliding { // as of the moment before
						full = fp.from(e.newest-1, false) >= e.warmth.start
					}
					if got := e.newest >= e.fullFrom(rp, fp); got != full {
						t.Fatalf("%s: %s of %s, kept from %v, as of %v: full %v, want %v", zone, fp.Name, rp.Name,
							time.UnixMilli(e.warmth.start).UTC(), time.UnixMilli(e.newest).UTC(), got, full)
					}
				}
			}
		})
		e.warmth.start, e.newest = none, none
		if all := e.Warming(); len(all) != 0 {
			t.Errorf("before anything was read %v warm up", all)
		}
	}
}

// TestWarmingByTime wants the same facts to be full whoever came first, with order: time.
func TestWarmingByTime(t *testing.T) {
	set, err := rules.LoadBytes("rules.yml", []byte("rules:\n  r: {event: A, let: {n: count over 5s}, when: n > 0}\n"), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(set, event.Spec{}, TimeSpec{ByTime: true, Disorder: 2000}, NewUnits())
	if err != nil {
		t.Fatal(err)
	}
	const first, second = `{"type":"A","time":1000000}`, `{"type":"A","time":1001000}`
	for _, text := range []string{first + second, second + first} {
		e := New(p, Options{})
		part := e.Partition(event.Position{Stream: "log", Kind: event.LogPosition})
		_, err := e.Step(&Batch{Partition: part, Buf: []byte(text), Lines: []Line{{End: len(first)}, {Start: len(first), End: len(text), Offset: 1}}})
		if err == nil {
			_, err = e.End(false)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.warmth.start != 1_000_000_000 {
			t.Errorf("%s: facts are kept since %d", text, e.warmth.start)
		}
	}
}
