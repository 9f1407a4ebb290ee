package rules

import (
	"strings"
	"testing"

	"kelpie/event"
)

func TestMessage(t *testing.T) {
	w := newWorld(sample)
	w.scope.By = []event.Path{{"customer_id"}}
	r := &Rule{
		Name:      "burst",
		By:        []event.Path{{"customer_id"}, {"device", "id"}},
		Facts:     []*Fact{{Name: "orders", Agg: "count"}, {Name: "prev", Agg: "previous"}, {Name: "spend", Agg: "sum"}, {Name: "who"}},
		TableRefs: []TableRef{{Name: "credit.limit"}, {Name: "credit.outstanding"}},
	}
	env := &Env{
		Facts:  []event.Value{event.IntValue(6), event.BoolValue(true), event.FloatValue(0.1 + 0.2), {}},
		Tables: []event.Value{{}, event.StringValue("40")},
	}
	f := func(want string, key ...string) {
		t.Helper()
		if got, _ := r.Message(env, key); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f("burst for c1: orders = 6, spend = 0.3, credit.outstanding = 40", "c1")
	f("burst for c1, d2: orders = 6, spend = 0.3, credit.outstanding = 40", "c1", "d2")
	f("burst: orders = 6, spend = 0.3, credit.outstanding = 40")

	r.Facts, r.TableRefs = nil, nil
	f("burst for c1", "c1")
	f("burst for "+strings.Repeat("ü", maxShown-1)+"…", strings.Repeat("ü", 100_000))

	x, err := CompileTemplate("{{customer_id}} has {{status}}", &w.scope)
	if err != nil {
		t.Fatal(err)
	}
	r.Alert, env = x, &w.env
	f("c7 has paid", "c7")
}
