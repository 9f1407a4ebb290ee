package window

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

func TestDistinct(t *testing.T) {
	f := func(want int64, vals ...event.Value) {
		t.Helper()
		if got, exact := (distinctAggregate{}).Fold(vals); got != event.IntValue(want) || !exact {
			t.Errorf("distinct of %v is %v, want %d", vals, got, want)
		}
	}
	f(5, ints(2, 4, 4, 4, 5, 5, 7, 9)...)
	f(1, event.IntValue(1), event.StringValue("1"))
	f(2, event.BoolValue(true), event.StringValue("true"), event.StringValue(""))
	f(1, dec(5, 1), event.Value{Kind: event.Float, N: floatBits(0.5)}, event.StringValue("0.5"))
	f(0, event.Value{}, event.Value{Kind: event.Object, S: "{}"}, event.Value{Kind: event.List, S: "[]"})
}

func TestDistinctAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringN(0, 3, 6), 0, 300).Draw(t, "texts")
		seen := map[string]bool{}
		vals := make([]event.Value, len(texts))
		for i, s := range texts {
			seen[s] = true
			vals[i] = event.StringValue(s)
		}
		if got, _ := (distinctAggregate{}).Fold(vals); got.N != int64(len(seen)) {
			t.Fatalf("distinct is %d, want %d", got.N, len(seen))
		}
	})
}

func TestRatio(t *testing.T) {
	yes, no := event.BoolValue(true), event.BoolValue(false)
	if got, exact := (ratioAggregate{}).Fold([]event.Value{yes, no, yes, {}, event.IntValue(1)}); got != event.FloatValue(2.0/3) || !exact {
		t.Errorf("ratio is %v (%v)", got, exact)
	}
	if got, _ := (ratioAggregate{}).Fold([]event.Value{no, no}); got != event.IntValue(0) {
		t.Errorf("ratio of no and no is %v", got)
	}
}

func TestFirstLast(t *testing.T) {
	vals := []event.Value{event.StringValue("a"), event.IntValue(2), event.FloatValue(0.1)}
	if got, exact := (firstAggregate{}).Fold(vals); got != vals[0] || !exact {
		t.Errorf("first is %v (%v)", got, exact)
	}
	if got, exact := (lastAggregate{}).Fold(vals); got != vals[2] || exact {
		t.Errorf("last is %v (%v)", got, exact)
	}
}

// TestSeriesFunc: over the counts of past buckets, exactly.
func TestSeriesFunc(t *testing.T) {
	f := func(name string, q float64, want event.Value, counts ...int64) {
		t.Helper()
		fold := SeriesFunc(name, q)
		if fold == nil {
			t.Fatalf("no function %s", name)
		}
		if got, exact := fold(ints(counts...)); got != want || !exact {
			t.Errorf("%s of %v is %v, want %v", name, counts, got, want)
		}
	}
	f("avg", 0, event.FloatValue(2.2), 1, 0, 2, 1, 7)
	f("mean", 0, event.IntValue(4), 2, 1, 7, 6)
	f("median", 0.5, event.IntValue(1), 1, 0, 2, 1, 7)
	f("p95", 0.95, event.IntValue(96), counting(101)...)
	f("min", 0, event.IntValue(0), 1, 0, 2)
	f("max", 0, event.IntValue(7), 1, 0, 7)
	f("sum", 0, event.IntValue(11), 1, 0, 2, 1, 7)
	f("stddev", 0, event.IntValue(1), 1, 2, 3)
	f("count", 0, event.IntValue(3), 1, 0, 2)
	for _, name := range []string{"avg", "median", "p95", "min", "max", "stddev"} {
		f(name, 0.5, event.Value{})
	}
	f("sum", 0, event.IntValue(0))
	f("count", 0, event.IntValue(0))
	for _, name := range []string{"ratio_to_mean", "zscore", "distinct", "ratio", "first", "last", "previous", ""} {
		if SeriesFunc(name, 0.5) != nil {
			t.Errorf("a function %q", name)
		}
	}
}

func counting(n int64) []int64 {
	ns := make([]int64, n)
	for i := range ns {
		ns[i] = int64(i) + 1
	}
	return ns
}

// TestCounter compares with a map through a life of adding and removing, in a small table with long runs.
func TestCounter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Counter
		model := map[Hash128]uint64{}
		hashes := rapid.Custom(func(t *rapid.T) Hash128 {
			return Hash128{Hi: rapid.Uint64Range(0, 3).Draw(t, "hi"), Lo: rapid.Uint64Range(0, 40).Draw(t, "lo") * 7}
		})
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			h := hashes.Draw(t, "hash")
			if rapid.IntRange(0, 2).Draw(t, "op") > 0 {
				if first := c.Add(h); first != (model[h] == 0) {
					t.Fatalf("adding %v: first %v", h, first)
				}
				model[h]++
			} else if last := c.Remove(h); last != (model[h] == 1) {
				t.Fatalf("removing %v: last %v", h, last)
			} else if model[h] > 1 {
				model[h]--
			} else {
				delete(model, h)
			}
			if c.Len() != len(model) || c.Count(h) != model[h] {
				t.Fatalf("len %d, want %d; %v is there %d times, want %d", c.Len(), len(model), h, c.Count(h), model[h])
			}
		}
		for h, n := range model {
			if c.Count(h) != n {
				t.Fatalf("%v is there %d times, want %d", h, c.Count(h), n)
			}
		}
		c.Reset()
		if c.Len() != 0 {
			t.Fatal("not empty after Reset")
		}
	})
}

func BenchmarkCounter(b *testing.B) {
	hashes := make([]Hash128, 1<<15)
	for i := range hashes {
		hashes[i] = HashText(fmt.Append(nil, i%12_000))
	}
	var c Counter
	for _, h := range hashes[:10_000] {
		c.Add(h)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		c.Remove(hashes[i&(1<<15-1)])
		c.Add(hashes[(i+10_000)&(1<<15-1)])
	}
}

func BenchmarkDistinctFold(b *testing.B) {
	vals := make([]event.Value, 1000)
	for i := range vals {
		vals[i] = event.StringValue(fmt.Sprint("device-", i%700))
	}
	b.ReportAllocs()
	for range b.N {
		distinctAggregate{}.Fold(vals)
	}
}
