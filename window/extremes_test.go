package window

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// TestExtremes slides a window over values that come out of order, against a fold over what is in it.
func TestExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queues := map[string]*Extremes{"min": MinQueue(), "max": MaxQueue()}
		type entry struct {
			time int64
			v    event.Value
		}
		var all []entry
		now, popped := int64(0), int64(-1000)
		for seq := range rapid.IntRange(0, 60).Draw(t, "steps") {
			now += rapid.Int64Range(0, 3).Draw(t, "step")
			e := entry{now - rapid.Int64Range(0, 8).Draw(t, "late"), numbersWithTwins().Draw(t, "value")}
			if rapid.Bool().Draw(t, "small") {
				e.v = event.IntValue(rapid.Int64Range(0, 3).Draw(t, "int"))
			}
			if e.time > popped {
				all = append(all, e)
				for _, q := range queues {
					q.Insert(e.time, uint64(seq), e.v)
				}
			}
			popped = max(popped, now-rapid.Int64Range(5, 12).Draw(t, "length"))
			var vals []event.Value
			for _, e := range all {
				if e.time > popped {
					vals = append(vals, e.v)
				}
			}
			for name, q := range queues {
				q.PopThrough(popped)
				want, wantExact := ByName(name, 0).Fold(vals)
				if got, exact := q.Value(); got != want || exact != wantExact {
					t.Fatalf("%s is %+v (%v), want %+v (%v)", name, got, exact, want, wantExact)
				}
				if q.Len() > len(vals) {
					t.Fatalf("%d kept of %d", q.Len(), len(vals))
				}
			}
		}
	})
}

func TestExtremesEmpty(t *testing.T) {
	q := MinQueue()
	q.Insert(1, 1, event.StringValue("1"))
	q.Insert(1, 2, event.Value{})
	if v, exact := q.Value(); !v.IsMissing() || !exact || q.Len() != 0 {
		t.Errorf("value %v of nothing", v)
	}
	q.Insert(2, 3, event.IntValue(5))
	q.Reset()
	if v, _ := q.Value(); !v.IsMissing() {
		t.Errorf("value %v after Reset", v)
	}
}

func BenchmarkExtremes(b *testing.B) {
	random := rand.New(rand.NewPCG(7, 7))
	vals := make([]event.Value, 1<<12)
	for i := range vals {
		vals[i] = number(random.Int64N(100_000), 2)
	}
	q := MaxQueue()
	b.ReportAllocs()
	for i := range b.N {
		q.Insert(int64(i), 0, vals[i&(1<<12-1)])
		q.PopThrough(int64(i - 10_000))
		q.Value()
	}
}
