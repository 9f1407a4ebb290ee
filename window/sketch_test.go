package window

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyFloats draws finite float64s of all sizes and signs, zero and the very small among them.
func anyFloats() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1000, 1000), rapid.Just(0.0), rapid.Just(5e-324), rapid.Just(-math.MaxFloat64))
}

func quantileSketchOf(xs []float64) *QuantileSketch {
	s := new(QuantileSketch)
	for _, x := range xs {
		s.Add(x)
	}
	return s
}

func bytesOf(t interface{ Fatalf(string, ...any) }, s interface {
	AppendBinary([]byte) ([]byte, error)
}) string {
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatalf("bytes: %v", err)
	}
	return string(b)
}

// TestQuantileSketchError: at every rank the value is within the error that is stated.
func TestQuantileSketchError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(anyFloats(), 1, 200).Draw(t, "values")
		s := quantileSketchOf(xs)
		slices.Sort(xs)
		for k, x := range xs {
			got := s.at(uint64(k))
			if math.Abs(got-x) > QuantileError*math.Abs(x)+0x1p-1022 {
				t.Fatalf("rank %d is %v, want %v", k, got, x)
			}
		}
	})
}

func TestQuantileSketchExamples(t *testing.T) {
	s := new(QuantileSketch)
	if !s.Quantile(0.5).IsMissing() {
		t.Error("a quantile of nothing")
	}
	for i := range 100_000 {
		s.Add(float64(i + 1))
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.95, 0.99, 1} {
		want := 1 + q*99_999
		if got, _ := s.Quantile(q).Float64(); math.Abs(got-want) > QuantileError*want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if s.Len() != 100_000 || len(s.buckets) > 17*64 {
		t.Errorf("%d values in %d buckets", s.Len(), len(s.buckets))
	}
	same := quantileSketchOf([]float64{49.99, 49.99, 49.99})
	if got, _ := same.Quantile(0.5).Float64(); got != 49.99 {
		t.Errorf("the median of equal values is %v", got)
	}
}

// TestQuantileSketchBytes: one multiset of values has one sketch and one text of bytes, whatever the order and the
// merges, and they read back.
func TestQuantileSketchBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(anyFloats(), 0, 100).Draw(t, "values")
		all := bytesOf(t, quantileSketchOf(xs))
		mixed := slices.Clone(xs)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		cut := rapid.IntRange(0, len(xs)).Draw(t, "cut")
		merged := quantileSketchOf(mixed[:cut])
		merged.Merge(quantileSketchOf(mixed[cut:]))
		if got := bytesOf(t, merged); got != all {
			t.Fatalf("merged %x, want %x", got, all)
		}
		back := quantileSketchOf([]float64{1, 2, 3})
		if err := back.UnmarshalBinary([]byte(all)); err != nil {
			t.Fatalf("read back: %v", err)
		}
		if got := bytesOf(t, back); got != all {
			t.Fatalf("read back %x, want %x", got, all)
		}
		if len(all) > 1 {
			if err := back.UnmarshalBinary([]byte(all[:len(all)-1])); err == nil || back.Len() != 0 {
				t.Fatal("a torn sketch was read")
			}
		}
	})
}

func FuzzQuantileSketch(f *testing.F) {
	f.Add([]byte(bytesOf(f, new(QuantileSketch))))
	f.Add([]byte(bytesOf(f, quantileSketchOf([]float64{0, 1, -1, 1e300, 5e-324, 1.001}))))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := quantileSketchOf([]float64{7})
		if err := s.UnmarshalBinary(data); err != nil {
			if s.Len() != 0 {
				t.Fatal("not empty after an error")
			}
			return
		}
		s.Quantile(0.5)
		once := bytesOf(t, s)
		if err := s.UnmarshalBinary([]byte(once)); err != nil {
			t.Fatalf("own bytes: %v", err)
		}
		if again := bytesOf(t, s); again != once {
			t.Fatalf("%x, then %x", once, again)
		}
	})
}

func BenchmarkQuantileSketch(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 5))
	xs := make([]float64, 1<<12)
	for i := range xs {
		xs[i] = random.ExpFloat64() * 100
	}
	s := quantileSketchOf(xs)
	run := func(name string, f func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				f(i)
			}
		})
	}
	run("add", func(i int) { s.Add(xs[i&(1<<12-1)]) })
	run("quantile", func(int) { s.Quantile(0.95) })
	var into QuantileSketch
	run("merge", func(int) { into.Merge(s) })
	var dst []byte
	run("bytes", func(int) { dst, _ = s.AppendBinary(dst[:0]) })
}
