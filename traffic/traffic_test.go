package traffic

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func generator(t *testing.T, c Config) *Generator {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestPlantedIsFound compares what was planted with what the founding rules say: all of it, and nothing else.
func TestPlantedIsFound(t *testing.T) {
	f := func(name string, c Config, atLeast int) {
		t.Run(name, func(t *testing.T) {
			g := generator(t, c)
			j := newJudge(t)
			newest := int64(math.MinInt64)
			for {
				line, ok := g.Next(nil)
				if !ok {
					break
				}
				j.add(line)
				newest = max(newest, g.EventTime())
			}
			j.closeMinutes(newest)
			compare(t, g.Labels(), j.openings, atLeast)
		})
	}
	for seed := range uint64(2) {
		f(fmt.Sprintf("attacks/seed %d", seed), Config{Seed: seed, Events: 60_000, AttackEvery: minute, Disorder: Disorder{Share: 0.1}}, 10)
		f(fmt.Sprintf("quiet/seed %d", seed), Config{Seed: seed, Events: 40_000, Disorder: Disorder{Share: 0.5, Bound: 10 * second}}, 0)
	}
	f("few customers", Config{Events: 30_000, Customers: 50, Attacks: 20}, 5)
	f("one customer", Config{Events: 10_000, Customers: 1, Attacks: 5}, 0)
	f("a slow shop", Config{Events: 20_000, Rate: 2, Attacks: 40, Disorder: Disorder{Share: 0.1}}, 25)
	f("a fast shop", Config{Events: 80_000, Rate: 400, Customers: 100_000, AttackEvery: 10 * second}, 4)
	f("half a day", Config{Duration: 12 * hour, Rate: 1.5, Attacks: 40}, 30)
}

func compare(t *testing.T, planted []Label, found []opening, atLeast int) {
	t.Helper()
	if len(planted) < atLeast {
		t.Errorf("%d attacks planted, expected at least %d", len(planted), atLeast)
	}
	rest := slices.Clone(found)
	for _, l := range planted {
		i := slices.IndexFunc(rest, func(o opening) bool {
			return o.Rule == l.Rule && o.Key == l.Key && o.At >= l.From && o.At <= l.To
		})
		if i < 0 {
			t.Errorf("planted and not found: %s %s from %s to %s, %d events", l.Rule, l.Key, formatTime(l.From), formatTime(l.To), len(l.Events))
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, o := range rest {
		t.Errorf("found and not planted: %s %s at %s", o.Rule, o.Key, formatTime(o.At))
	}
}

// TestLabelsNameTheirEvents reads the labelled events back.
func TestLabelsNameTheirEvents(t *testing.T) {
	g := generator(t, Config{Events: 60_000, Attacks: 12, UUIDs: true, Disorder: Disorder{Share: 0.1}})
	byID := map[string]shopEvent{}
	for line, ok := g.Next(nil); ok; line, ok = g.Next(line[:0]) {
		var e shopEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		byID[e.ID] = e
	}
	kinds := map[Kind]int{}
	for _, l := range g.Labels() {
		kinds[l.Kind]++
		for _, id := range l.Events {
			e, ok := byID[id]
			at := e.Time.UnixMilli()
			if !ok || at < l.From || at > l.To || l.Key != map[Kind]string{Burst: e.Customer, Overrun: e.Customer, Spike: e.Region, Storm: e.Service}[l.Kind] {
				t.Errorf("%s %s: event %q does not belong to it: %+v", l.Kind, l.Key, id, e)
			}
		}
	}
	if len(kinds) != 4 {
		t.Errorf("kinds planted: %v, expected all four", kinds)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	all := func(c Config) []byte {
		g := generator(t, c)
		var b []byte
		for ok := true; ok; {
			b, ok = g.Next(b)
		}
		return b
	}
	c := Config{Seed: 7, Events: 20_000, AttackEvery: minute, Disorder: Disorder{Share: 0.2}}
	if !bytes.Equal(all(c), all(c)) {
		t.Error("two streams of one seed differ")
	}
	longer := c
	longer.Events = 30_000
	if !bytes.HasPrefix(all(longer), all(c)) {
		t.Error("a longer stream does not begin as the shorter one")
	}
	other := c
	other.Seed = 8
	if bytes.Equal(all(c), all(other)) {
		t.Error("two seeds give the same stream")
	}
}

// TestEvents checks the shape of every type: strict JSON, amounts that add up, ids that do not repeat, about 450 bytes.
func TestEvents(t *testing.T) {
	for _, c := range []Config{{Events: 40_000}, Bench(1, 40_000, 1000), {Events: 5000, UUIDs: true}} {
		g := generator(t, c)
		types, ids, size := map[string]int{}, map[string]bool{}, 0
		for line, ok := g.Next(nil); ok; line, ok = g.Next(line[:0]) {
			size += len(line)
			var e struct {
				ID, Type string
				Time     time.Time
				Amount   json.Number
				Items    []struct {
					Qty   int64
					Price json.Number
				}
				Device struct{ OS string }
				Geo    struct{ Lat, Lon *float64 }
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if ids[e.ID] || e.Device.OS == "" || e.Geo.Lat == nil || e.Geo.Lon == nil || line[len(line)-1] != '\n' {
				t.Fatalf("%s: not as it should be", line)
			}
			if e.Time.UnixMilli() != g.EventTime() {
				t.Fatalf("%s: EventTime says %s", line, formatTime(g.EventTime()))
			}
			var sum int64
			for _, i := range e.Items {
				sum += i.Qty * cents(t, i.Price)
			}
			if e.Type == "OrderCreated" && (sum != cents(t, e.Amount) || sum <= 0) {
				t.Fatalf("%s: items are worth %d cents", line, sum)
			}
			ids[e.ID] = true
			types[e.Type]++
		}
		if mean := float64(size) / float64(g.Written()); mean < 400 || mean > 500 {
			t.Errorf("an event has %.0f bytes, expected about 450", mean)
		}
		if len(types) != 4 {
			t.Errorf("types: %v, expected four", types)
		}
	}
}

func cents(t *testing.T, n json.Number) int64 {
	t.Helper()
	whole, part, ok := strings.Cut(n.String(), ".")
	if !ok || len(part) != 2 {
		t.Fatalf("%q has not two decimals", n)
	}
	v, err := strconv.ParseInt(whole+part, 10, 64)
	if err != nil {
		t.Fatalf("%q: %v", n, err)
	}
	return v
}

func TestDisorder(t *testing.T) {
	g := generator(t, Config{Events: 50_000, AttackEvery: minute, Disorder: Disorder{Share: 0.2, Bound: 3 * second}})
	late, last := 0, int64(0)
	for _, ok := g.Next(nil); ok; _, ok = g.Next(nil) {
		if g.Now() < last {
			t.Fatalf("the clock went back from %d to %d", last, g.Now())
		}
		last = g.Now()
		by := g.Now() - g.EventTime()
		if by < 0 || by > 3*second {
			t.Fatalf("an event is %d ms late, at most 3000 were asked for", by)
		}
		if by > 0 {
			late++
		}
	}
	if share := float64(late) / 50_000; math.Abs(share-0.2) > 0.01 {
		t.Errorf("%.3f of the events are late, expected 0.2", share)
	}
}

// TestShape checks that customers follow Zipf's law, the day its curve, and the end its setting.
func TestShape(t *testing.T) {
	g := generator(t, Config{Duration: 24 * hour, Rate: 2, Customers: 1000})
	hours, customers := map[int]int{}, map[string]int{}
	for line, ok := g.Next(nil); ok; line, ok = g.Next(line[:0]) {
		var e shopEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		hours[e.Time.Hour()]++
		customers[e.Customer]++
	}
	if n := float64(g.Written()); math.Abs(n/(24*3600*2)-1) > 0.02 {
		t.Errorf("%v events in a day, expected about %d", n, 24*3600*2)
	}
	if g.Now() >= DefaultStart+24*hour || g.Now() < DefaultStart+24*hour-minute {
		t.Errorf("the last event came at %s", formatTime(g.Now()))
	}
	if hours[3]*4 > hours[19] {
		t.Errorf("at three %d events, at nineteen %d", hours[3], hours[19])
	}
	type count struct {
		name string
		n    int
	}
	var order []count
	for name, n := range customers {
		order = append(order, count{name, n})
	}
	slices.SortFunc(order, func(a, b count) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
	if top, last := order[0].n, order[len(order)-1].n; top < 10*last {
		t.Errorf("the keenest customer has %d events, the last %d", top, last)
	}
}

func TestConfigErrors(t *testing.T) {
	f := func(c Config, want string) {
		t.Helper()
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v): error %v, expected %q in it", c, err, want)
		}
	}
	f(Config{Rate: -1}, "rate")
	f(Config{Rate: math.NaN()}, "rate")
	f(Config{Events: -1}, "negative")
	f(Config{Customers: -1}, "customers")
	f(Config{Disorder: Disorder{Share: 2}}, "share")
	f(Config{Disorder: Disorder{Share: 1, Bound: hour}}, "disorder")
	f(Config{Attacks: 3}, "a stream that ends")
	f(Config{Attacks: 3, AttackEvery: minute, Events: 1000}, "not both")
	f(Config{AttackEvery: 5}, "at least a second")
	bench := Bench(1, 1000, 10)
	bench.Attacks = 1
	f(bench, "none")
}

// TestSparse checks a stream whose events are further apart than its attacks, and times before 1970.
func TestSparse(t *testing.T) {
	g := generator(t, Config{Start: -10 * hour, Events: 2000, Rate: 0.001, AttackEvery: minute, Flat: true})
	last := int64(math.MinInt64)
	for line, ok := g.Next(nil); ok; line, ok = g.Next(line[:0]) {
		if g.Now() < last || !json.Valid(line) {
			t.Fatalf("%s: after %d", line, last)
		}
		last = g.Now()
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	g := generator(t, Config{Disorder: Disorder{Share: 0.1}})
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(2000, func() { g.Next(buf) }); n > 0.01 {
		t.Errorf("an event allocates %v times", n)
	}
}

func TestWriteLabels(t *testing.T) {
	var b strings.Builder
	labels := []Label{
		{Kind: Burst, Rule: "order-burst", Key: "c7", From: DefaultStart, To: DefaultStart + minute, Events: []string{"evt-1", "evt-2"}},
		{Kind: Storm, Rule: "error-rate", Key: "cart", From: DefaultStart, To: DefaultStart + 1},
	}
	if err := WriteLabels(&b, labels); err != nil {
		t.Fatal(err)
	}
	want := `kind,rule,key,from,to,events
burst,order-burst,c7,2026-01-05T10:00:00.000Z,2026-01-05T10:01:00.000Z,evt-1 evt-2
storm,error-rate,cart,2026-01-05T10:00:00.000Z,2026-01-05T10:00:00.001Z,
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
