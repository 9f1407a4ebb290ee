package engine_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/window"
)

// TestValuesOfAlerts wants the values of an alert to say what they are compared with, and how exact they are: of the
// judgement that opened it, and of the newest one.
func TestValuesOfAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		w.rules = `
rules:
  many:
    event: A
    params: {most: 10000}
    let: {prev: previous over 1h, visitors: distinct(x) over 1h, same: visitors, total: sum(y) over 1h}
    when: visitors > most and total > 0`
		var lines [][]byte
		for i := range 11_000 {
			lines = append(lines, fmt.Appendf(nil, `{"type":"A","time":"2026-01-05T10:00:00Z","x":%d,"y":0.12345678901234567890123}`, i))
		}
		w.inputs = []engine.Input{input("shop", lines, 1000)}
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := alertsIn(t, w.fs)
		if len(all) != 1 || len(all[0].Values) != 3 {
			t.Fatalf("%+v", all)
		}
		f := func(i int, want alert.Value) {
			t.Helper()
			want.Value = all[0].Values[i].Value
			if !reflect.DeepEqual(all[0].Values[i], want) {
				t.Errorf("%+v, want %+v", all[0].Values[i], want)
			}
		}
		f(0, alert.Value{Name: "visitors", Approx: window.DistinctError, Limit: "> 10000"})
		f(1, alert.Value{Name: "same"})
		f(2, alert.Value{Name: "total", Inexact: true, Limit: "> 0", Fields: []string{"y"}})
	})
}
