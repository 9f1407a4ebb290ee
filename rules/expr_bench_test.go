package rules

import (
	"testing"

	"kelpie/event"
)

// benchWorld is an environment over a decoded record, as on the hot path.
func benchWorld(b *testing.B, src string) (*Expr, *Env) {
	var paths []event.Path
	slot := func(p event.Path) int {
		paths = append(paths, p)
		return len(paths) - 1
	}
	sc := &Scope{Slot: slot,
		Facts: map[string]FactName{"orders": {0, NumberType, false}, "current": {0, NumberType, false}, "normal": {1, NumberType, true},
			"requests": {2, NumberType, false}, "failing": {3, NumberType, false}},
		Tables: map[string]TableName{"credit": {0, map[string]TableField{"limit": {0, NumberType}, "outstanding": {1, NumberType}}}},
		Table:  func(r TableRef) int { return r.Field }}
	x, err := Compile(src, sc)
	if err != nil {
		b.Fatal(showError(src, err))
	}
	d, derr := event.NewDecoder(&event.Schema{Spec: event.Spec{Type: "type", Time: "time", ID: "id"}, Paths: paths})
	if derr != nil {
		b.Fatal(derr)
	}
	rec := &event.Record{}
	raw := []byte(`{"type":"OrderCreated","time":"2026-01-05T10:00:00Z","status":"paid","amount":120.50,"count":3,"customer_id":"c1"}`)
	if r := d.Decode(raw, rec); r != nil {
		b.Fatal(r)
	}
	return x, &Env{Rec: rec, HasEvent: true, Time: rec.Time, Samples: []int64{0, 12, 0, 0},
		Facts:  []event.Value{event.IntValue(5), event.FloatValue(7.25), event.IntValue(120), event.FloatValue(0.07)},
		Tables: []event.Value{event.IntValue(1000), event.ParseNumber([]byte("700.30"))}}
}

// BenchmarkCondition evaluates conditions of the founding rules and their like.
func BenchmarkCondition(b *testing.B) {
	for _, src := range []string{
		"orders > 5",
		"current > 10 * max(normal, 3)",
		"requests >= 100 and failing > 5%",
		"samples(normal) >= 10",
		"credit.outstanding > credit.limit",
		`status != "test"`,
		`status in ["open", "paid", "held"]`,
		"amount > 100",
		"count >= 3 and amount < 500",
		`status == "paid" && amount > 100 && orders > 2`,
		"(orders ?? 0) > 1",
		`type == "OrderCreated"`,
	} {
		b.Run(src, func(b *testing.B) {
			x, env := benchWorld(b, src)
			if _, ok := x.Test(env); !ok {
				b.Fatal(env.Missing)
			}
			b.ReportAllocs()
			for b.Loop() {
				x.Test(env)
			}
		})
	}
}

// BenchmarkCompile is what checking one condition costs.
func BenchmarkCompile(b *testing.B) {
	sc := &Scope{Facts: map[string]FactName{"orders": {0, NumberType, false}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`orders > 5 and amount >= 10 and status in ["open", "paid"]`, sc); err != nil {
			b.Fatal(err)
		}
	}
}
