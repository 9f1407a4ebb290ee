package window

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func distinctSketchOf(from, to int) *DistinctSketch {
	s := new(DistinctSketch)
	for i := from; i < to; i++ {
		s.Add(HashText(binary.LittleEndian.AppendUint64(nil, uint64(i))))
	}
	return s
}

// TestDistinctSketchError: within four standard errors at every size, however often each value comes.
func TestDistinctSketchError(t *testing.T) {
	s := new(DistinctSketch)
	if s.Estimate() != 0 {
		t.Error("something in nothing")
	}
	added := 0
	for _, n := range []int{1, 2, 10, 100, 1000, 5000, 10_000, 20_000, 40_000, 80_000, 200_000, 500_000} {
		s.Merge(distinctSketchOf(added/2, n)) // the second half of it for the second time
		added = n
		got := float64(s.Estimate())
		if math.Abs(got-float64(n)) > 4*DistinctError*float64(n)+0.5 {
			t.Errorf("%v of %d, off by %.2f %%", got, n, 100*(got/float64(n)-1))
		}
	}
}

// TestDistinctSketchSpread: over many sets the error is the one that is stated, and without bias.
func TestDistinctSketchSpread(t *testing.T) {
	const sets, n = 60, 12_000
	sum, squares := 0.0, 0.0
	for i := range sets {
		off := float64(distinctSketchOf(i*n, (i+1)*n).Estimate())/n - 1
		sum += off
		squares += off * off
	}
	if spread := math.Sqrt(squares / sets); spread > 1.4*DistinctError || math.Abs(sum/sets) > DistinctError/2 {
		t.Errorf("standard error %v, bias %v, stated %v", spread, sum/sets, DistinctError)
	}
}

// TestDistinctSketchFull: registers that can grow no more do not break the estimate.
func TestDistinctSketchFull(t *testing.T) {
	s := new(DistinctSketch)
	for i := range uint64(hllRegisters) {
		s.Add(Hash128{Hi: i << (64 - hllBits)})
	}
	if got := s.Estimate(); got <= 0 {
		t.Errorf("estimate %d", got)
	}
}

// TestDistinctSketchBytes: one set has one text of bytes, listed or dense, whatever the order and the merges.
func TestDistinctSketchBytes(t *testing.T) {
	check := func(t *rapid.T, n int) {
		all := bytesOf(t, distinctSketchOf(0, n))
		cut := rapid.IntRange(0, n).Draw(t, "cut")
		merged := distinctSketchOf(cut, n)
		merged.Merge(distinctSketchOf(0, cut))
		merged.Merge(new(DistinctSketch))
		if got := bytesOf(t, merged); got != all {
			t.Fatal("merged bytes differ")
		}
		back := distinctSketchOf(0, 10)
		if err := back.UnmarshalBinary([]byte(all)); err != nil || bytesOf(t, back) != all {
			t.Fatalf("read back: %v", err)
		}
		if err := back.UnmarshalBinary([]byte(all[:len(all)-1])); err == nil || back.Estimate() != 0 {
			t.Fatal("a torn sketch was read")
		}
	}
	t.Run("listed", rapid.MakeCheck(func(t *rapid.T) { check(t, rapid.IntRange(0, 300).Draw(t, "n")) }))
	t.Run("dense", rapid.MakeCheck(func(t *rapid.T) { check(t, rapid.IntRange(3000, 9000).Draw(t, "n")) }))
}

func FuzzDistinctSketch(f *testing.F) {
	for _, n := range []int{0, 1, 10, 8000} {
		f.Add([]byte(bytesOf(f, distinctSketchOf(0, n))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := distinctSketchOf(0, 10)
		if err := s.UnmarshalBinary(data); err != nil {
			if s.Estimate() != 0 {
				t.Fatal("not empty after an error")
			}
			return
		}
		if s.Estimate() < 0 {
			t.Fatalf("estimate %d", s.Estimate())
		}
		once := bytesOf(t, s)
		if err := s.UnmarshalBinary([]byte(once)); err != nil || bytesOf(t, s) != once {
			t.Fatalf("own bytes: %v", err)
		}
	})
}

func BenchmarkDistinctSketch(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 5))
	hashes := make([]Hash128, 1<<12)
	for i := range hashes {
		hashes[i] = Hash128{Hi: random.Uint64(), Lo: random.Uint64()}
	}
	s := distinctSketchOf(0, 20_000)
	run := func(name string, f func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				f(i)
			}
		})
	}
	run("add", func(i int) { s.Add(hashes[i&(1<<12-1)]) })
	run("estimate", func(int) { s.Estimate() })
	into := distinctSketchOf(0, 1)
	run("merge", func(int) { into.Merge(s) })
	var dst []byte
	run("bytes", func(int) { dst, _ = s.AppendBinary(dst[:0]) })
}
