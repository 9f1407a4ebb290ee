package window

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// checkOrdered compares the multiset with a sorted list, and its chunks with what its comment promises.
func checkOrdered(t interface{ Fatalf(string, ...any) }, o *Ordered, model []float64) {
	if o.Len() != len(model) {
		t.Fatalf("len %d, want %d", o.Len(), len(model))
	}
	for k, want := range model {
		if got := o.Select(k); got != want {
			t.Fatalf("rank %d is %v, want %v", k, got, want)
		}
	}
	for i, c := range o.chunks {
		if len(c) == 0 || len(c) > orderedChunk || !slices.IsSorted(c) || i > 0 && o.chunks[i-1][len(o.chunks[i-1])-1] > c[0] {
			t.Fatalf("chunk %d is %v", i, c)
		}
	}
}

func TestOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o Ordered
		var model []float64
		values := rapid.OneOf(rapid.Float64Range(-10, 10), rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }))
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			x := values.Draw(t, "value")
			at, found := slices.BinarySearch(model, x)
			if rapid.IntRange(0, 2).Draw(t, "op") > 0 {
				o.Insert(x)
				model = slices.Insert(model, at, x)
				continue
			}
			if o.Delete(x) != found {
				t.Fatalf("deleting %v: not %v", x, found)
			}
			if found {
				model = slices.Delete(model, at, at+1)
			}
		}
		checkOrdered(t, &o, model)
		vals := make([]event.Value, len(model))
		for i, x := range model {
			vals[i] = event.FloatValue(x)
		}
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		if want, _ := Quantile(q).Fold(vals); o.Quantile(q) != want {
			t.Fatalf("quantile %v is %v, want %v", q, o.Quantile(q), want)
		}
		o.Reset()
		checkOrdered(t, &o, nil)
	})
}

// TestOrderedWindow slides a window of 10,000 over values that drift, come in runs and repeat.
func TestOrderedWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	var o Ordered
	var window []float64
	for i := range 60_000 {
		x := float64(i/7%5000) + float64(random.IntN(20))
		o.Insert(x)
		window = append(window, x)
		if len(window) > 10_000 {
			if !o.Delete(window[0]) {
				t.Fatalf("%v is lost", window[0])
			}
			window = window[1:]
		}
		if i%15_000 == 14_999 {
			sorted := slices.Clone(window)
			slices.Sort(sorted)
			checkOrdered(t, &o, sorted)
		}
	}
	if most := 4*len(window)/orderedChunk + 1; len(o.chunks) > most {
		t.Errorf("%d chunks, want at most %d", len(o.chunks), most)
	}
}

func BenchmarkOrdered(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 5))
	xs := make([]float64, 1<<15)
	for i := range xs {
		xs[i] = random.ExpFloat64() * 100
	}
	var o Ordered
	for _, x := range xs[:10_000] {
		o.Insert(x)
	}
	i := 0
	slide := func() {
		o.Delete(xs[i&(1<<15-1)])
		o.Insert(xs[(i+10_000)&(1<<15-1)])
		i++
	}
	for range 1 << 16 { // so that every chunk has grown
		slide()
	}
	b.Run("slide", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			slide()
		}
	})
	b.Run("quantile", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			o.Quantile(0.95)
		}
	})
}
