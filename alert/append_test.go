package alert

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"kelpie/event"
	"kelpie/window"
)

// reflected is what encoding/json makes of the record of an alert.
func reflected(a *Alert) ([]byte, error) {
	span := func(s *window.Span) *spanJSON {
		if s == nil {
			return nil
		}
		return &spanJSON{timeJSON(s.Start), timeJSON(s.End)}
	}
	r := record{
		ID: a.ID, Rule: a.Rule, By: a.By, Key: a.Key, Severity: a.Severity, Mode: a.Mode, State: a.State,
		Opened: timeJSON(a.Opened), Updated: timeJSON(a.Updated), Reason: a.Reason,
		Opener:  openerJSON{a.Opener.Event, a.Opener.Position, span(a.Opener.Window)},
		Message: a.Message, Values: a.Values, Warming: a.Warming, Labels: a.Labels, Actions: a.Actions,
		Evaluations: a.Evaluations, Rules: a.Rules, Evidence: span(a.Evidence),
		Acknowledged: markOf(a.Acknowledged), Verdict: markOf(a.Verdict), ResolvedBy: markOf(a.ResolvedBy),
	}
	if a.State == Resolved {
		r.Resolved = (*timeJSON)(&a.Resolved)
	}
	for _, v := range a.Values {
		if v.Approx != 0 {
			if r.Approx == nil {
				r.Approx = map[string]float64{}
			}
			r.Approx[v.Name] = v.Approx
		}
		if v.Inexact {
			r.Inexact = append(r.Inexact, v.Name)
		}
	}
	r.Limits = slices.DeleteFunc(slices.Clone(a.Values), func(v Value) bool { return v.Limit == "" })
	return marshal(r)
}

// every is an alert of which no field is empty.
func every(t testing.TB) *Alert {
	a := full()
	a.By = []string{"customer_id", "region"}
	a.Opener.Window = &window.Span{Start: 1, End: 2}
	a.Traced, a.Shown = true, []Shown{{0, 3, []string{"customer_id"}}}
	for v, i := reflect.ValueOf(*a), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is empty: it is to be set here, and written by appendRow", v.Type().Field(i).Name)
		}
	}
	return a
}

// TestAppendJSON holds that the bytes are those of encoding/json, and that they stand behind what is there.
func TestAppendJSON(t *testing.T) {
	empty := &Alert{State: Firing}
	one := every(t)
	one.Key, one.State, one.Values = one.Key[:1], Firing, one.Values[:0]
	for _, a := range []*Alert{every(t), one, empty} {
		want, err := reflected(a)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.AppendJSON([]byte("before ")); err != nil || string(got) != "before "+string(want) {
			t.Errorf("appended\n%s, %v, want\n%s", got, err, want)
		}
	}
}

// FuzzAppendJSON holds that any text means what it means to encoding/json.
func FuzzAppendJSON(f *testing.F) {
	f.Add("<a href=\"x\">&</a>\x00\b\f\n\r\t\x7f\\")
	f.Add("not UTF-8 \xff, line ends \u2028 \u2029, \U0001f600")
	f.Fuzz(func(t *testing.T, s string) {
		a := every(t)
		a.Message, a.Rule, a.Key, a.Opener.Event, a.By, a.Labels = s, s, []string{s, s}, s, []string{s}, map[string]string{s: s}
		a.Verdict.Comment = s
		a.Values = append(a.Values, Value{Name: "text", Value: event.StringValue(s)})
		want, err := reflected(a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var x, y any
		if json.Unmarshal(got, &x) != nil || json.Unmarshal(want, &y) != nil || !reflect.DeepEqual(x, y) {
			t.Errorf("appended\n%s, want\n%s", got, want)
		}
	})
}

// BenchmarkAppendJSON compares with encoding/json.
func BenchmarkAppendJSON(b *testing.B) {
	a := every(b)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf, _ = a.AppendJSON(buf[:0])
		}
	})
	b.Run("reflected", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = reflected(a)
		}
	})
}
