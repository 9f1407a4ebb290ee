package alert

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

func openStore(t testing.TB, fs vfs.FS) *state.Store {
	t.Helper()
	s, err := state.Open("state", state.Options{FS: fs, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func commit(t testing.TB, s *state.Store, fill func(*state.Batch) error) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	if err := fill(b); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(b, true); err != nil {
		t.Fatal(err)
	}
}

func full() *Alert {
	return &Alert{
		ID: "0123456789abcdef0123456789abcdef", Rule: "order-burst", Key: []string{"ann", "eu"}, Severity: "high", Mode: "alert",
		State: Resolved, Opened: 1_767_607_200_000, Updated: 1_767_607_260_000, Resolved: 1_767_607_800_000, Reason: Left,
		Opener:  Opener{Event: "e6", Position: "log@42"},
		Message: "ann <ann@example.com> & co placed 6 orders",
		Values: []Value{
			{Name: "spend", Value: event.Value{Kind: event.Decimal, N: 2505, Scale: 1}, Inexact: true},
			{Name: "orders", Value: event.IntValue(6), Limit: "> 5"},
			{Name: "who", Value: event.IntValue(12_345), Approx: 0.01},
			{Name: "new", Value: event.BoolValue(true)},
			{Name: "last", Value: event.StringValue("x\"y"), Limit: `!= "x"`},
		},
		Labels: map[string]string{"team": "fraud", "area": "eu"}, Actions: []string{"flag-account"},
		Warming: []string{"spend"}, Evaluations: 3, Rules: "f00d",
		Evidence:     &window.Span{Start: 1_767_606_600_000, End: 1_767_607_200_001},
		Acknowledged: &Mark{By: "ann", At: 1_767_606_700_000, Comment: "on it"}, Verdict: &Mark{By: "bob", At: 1_767_606_800_000, Word: TruePositive},
		ResolvedBy: &Mark{By: "ann", At: 1_767_606_900_000},
	}
}

const fullJSON = `{"id":"0123456789abcdef0123456789abcdef","rule":"order-burst","key":["ann","eu"],` +
	`"severity":"high","mode":"alert","state":"resolved","opened":"2026-01-05T10:00:00.000Z",` +
	`"updated":"2026-01-05T10:01:00.000Z","resolved":"2026-01-05T10:10:00.000Z","reason":"left",` +
	`"opener":{"event":"e6","position":"log@42"},"message":"ann <ann@example.com> & co placed 6 orders",` +
	`"values":{"spend":250.5,"orders":6,"who":12345,"new":true,"last":"x\"y"},` +
	`"approx":{"who":0.01},"inexact":["spend"],"limits":{"orders":"> 5","last":"!= \"x\""},"warming":["spend"],"labels":{"area":"eu","team":"fraud"},` +
	`"actions":["flag-account"],"evaluations":3,"rules":"f00d",` +
	`"evidence":{"start":"2026-01-05T09:50:00.000Z","end":"2026-01-05T10:00:00.001Z"},` +
	`"acknowledged":{"by":"ann","at":"2026-01-05T09:51:40.000Z","comment":"on it"},` +
	`"verdict":{"by":"bob","at":"2026-01-05T09:53:20.000Z","word":"true_positive"},` +
	`"resolved_by":{"by":"ann","at":"2026-01-05T09:55:00.000Z"}}`

func TestJSON(t *testing.T) {
	f := func(a *Alert, want string) {
		t.Helper()
		got, err := a.MarshalJSON()
		if err != nil || string(got) != want {
			t.Errorf("alert is written as\n%s, %v, want\n%s", got, err, want)
		}
		var back Alert
		if err := json.Unmarshal([]byte(want), &back); err != nil || !reflect.DeepEqual(&back, a) {
			t.Errorf("alert reads back as\n%+v, %v, want\n%+v", back, err, a)
		}
	}
	f(full(), fullJSON)
	f(&Alert{ID: "1", Key: []string{"ann"}, State: Firing, Opener: Opener{Window: &window.Span{Start: 0, End: 60_000}}},
		`{"id":"1","rule":"","key":"ann","severity":"","mode":"","state":"firing","opened":"1970-01-01T00:00:00.000Z",`+
			`"updated":"1970-01-01T00:00:00.000Z","opener":{"window":{"start":"1970-01-01T00:00:00.000Z","end":"1970-01-01T00:01:00.000Z"}},`+
			`"message":"","values":{},"evaluations":0}`)
	f(&Alert{ID: "1", Key: []string{}, State: Firing},
		`{"id":"1","rule":"","key":[],"severity":"","mode":"","state":"firing","opened":"1970-01-01T00:00:00.000Z",`+
			`"updated":"1970-01-01T00:00:00.000Z","opener":{},"message":"","values":{},"evaluations":0}`)
}

// FuzzJSON reads any bytes as a stored alert: what can be read is written and read again as it was.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(fullJSON))
	f.Add([]byte(`{"key":"a","values":{"x":[1,{"y":null}],"z":1e400}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a, again Alert
		if err := json.Unmarshal(b, &a); err != nil {
			return
		}
		out, err := a.MarshalJSON()
		if err != nil {
			t.Fatalf("%v cannot be written: %v", a, err)
		}
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s cannot be read: %v", out, err)
		}
		if twice, err := again.MarshalJSON(); err != nil || string(twice) != string(out) {
			t.Errorf("%s is written again as %s, %v", out, twice, err)
		}
	})
}

func TestID(t *testing.T) {
	w := &window.Span{Start: 0, End: 60_000}
	ids := map[string]string{}
	add := func(what, id string) {
		t.Helper()
		if len(id) != 32 {
			t.Errorf("%s: id %q is not 32 digits", what, id)
		}
		if other, ok := ids[id]; ok {
			t.Errorf("%s and %s have one id", what, other)
		}
		ids[id] = what
	}
	add("plain", ID("r", []string{"ann"}, 5, Opener{Event: "e1", Position: "log@1"}))
	add("other rule", ID("s", []string{"ann"}, 5, Opener{Event: "e1"}))
	add("other key", ID("r", []string{"bob"}, 5, Opener{Event: "e1"}))
	add("two keys", ID("r", []string{"a", "nn"}, 5, Opener{Event: "e1"}))
	add("keys cut elsewhere", ID("r", []string{"an", "n"}, 5, Opener{Event: "e1"}))
	add("no key", ID("r", nil, 5, Opener{Event: "e1"}))
	add("other time", ID("r", []string{"ann"}, 6, Opener{Event: "e1"}))
	add("by position", ID("r", []string{"ann"}, 5, Opener{Position: "e1"}))
	add("by window", ID("r", []string{"ann"}, 5, Opener{Window: w}))
	if ID("r", []string{"ann"}, 5, Opener{Event: "e1", Position: "events.jsonl:9"}) != ID("r", []string{"ann"}, 5, Opener{Event: "e1", Position: "log@1"}) {
		t.Error("the id of an alert depends on where its event was read")
	}
	if got := ID("r", []string{"ann"}, 5, Opener{Event: "e1"}); got != "7820ab554f7ad6a2225d6877f1289b04" {
		t.Errorf("ids have changed: %s", got)
	}
}

func TestStore(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	a, b, c := full(), full(), full()
	b.ID, b.Rule, b.Key, b.State, b.Opened, b.Mode = "0123b", "quiet", []string{"bob"}, Firing, a.Opened+1, Shadow
	c.ID, c.Severity, c.Opened = "4", "low", a.Opened+2
	commit(t, s, func(batch *state.Batch) error {
		for _, x := range []*Alert{a, b, c} {
			if err := errors.Join(Put(batch, x), Enqueue(batch, x, KindOpened)); err != nil {
				return err
			}
		}
		return nil
	})
	if s.LastMessage() != 2 {
		t.Errorf("%d messages, want 2: a shadow rule tells nobody", s.LastMessage())
	}
	f := func(q Query, want string) {
		t.Helper()
		found, err := List(s, q)
		var ids []string
		for _, x := range found {
			ids = append(ids, x.ID[:min(5, len(x.ID))])
		}
		if got := strings.Join(ids, " "); got != want || err != nil {
			t.Errorf("List(%+v) = %s, %v, want %s", q, got, err, want)
		}
	}
	f(Query{}, "4 0123b 01234")
	f(Query{State: Firing}, "0123b")
	f(Query{State: Resolved, Oldest: true}, "01234 4")
	f(Query{Rule: "order-burst", Limit: 1}, "4")
	f(Query{Rule: "order-burst", Limit: 1, After: c}, "01234")
	f(Query{Key: []string{"bob"}}, "0123b")
	f(Query{Severity: "low"}, "4")
	f(Query{From: a.Opened + 1, To: a.Opened + 2}, "0123b")

	if got, err := Get(s, "01234"); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("Get = %+v, %v", got, err)
	}
	if _, err := Get(s, "0123"); err == nil || !strings.Contains(err.Error(), "0123b") {
		t.Errorf("Get of an unclear id: %v", err)
	}
	if _, err := Get(s, "9"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Get of nothing: %v", err)
	}
}
