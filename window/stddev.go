package window

import (
	"math"
	"math/bits"

	"kelpie/event"
)

// stddevAggregate is the standard deviation of the sample: sqrt(Σ(x - mean)² / (n - 1)), missing for n < 2.
//
// Ints and Decimals are kept as exact sums of x and of x², so that the variance is one exact fraction, rounded once, in
// any order: never worse than computing the mean first. Floats are kept as mean and sum of squared deviations (Welford,
// Technometrics 4, 1962) and joined with the exact part as Chan, Golub and LeVeque do (The American Statistician 37, 1983).
//
// Accumulator, 96 bytes:
//
//	 0  the exact sum of x, 192 bits (decimal)
//	24  how many Floats there are
//	32  their mean, the bits of a float64
//	40  their sum of squared deviations, the bits of a float64
//	48  how many Ints and Decimals there are
//	56  the exact sum of x², in units of 10^-36, 320 bits
type stddevAggregate struct{}

const (
	stddevSize    = 96
	squaresOffset = 56
	squaresWords  = 5 // x² is below 2^246: room for 2^74 of them
)

func (stddevAggregate) Name() string              { return "stddev" }
func (stddevAggregate) Size() int                 { return stddevSize }
func (stddevAggregate) Invertible() bool          { return true }
func (stddevAggregate) HasFloats(acc []byte) bool { return hasFloats(acc) }

func (stddevAggregate) Add(acc []byte, v event.Value) {
	switch v.Kind {
	case event.Int, event.Decimal:
		addDecimal(acc, v, 0)
		addSquare(acc, v, 0)
		putWord(acc, 48, getWord(acc, 48)+1)
	case event.Float:
		m := loadMoments(acc)
		m.join(moments{n: 1, mean: math.Float64frombits(uint64(v.N))})
		m.store(acc)
	}
}

func (stddevAggregate) Sub(acc []byte, v event.Value) {
	switch v.Kind {
	case event.Int, event.Decimal:
		addDecimal(acc, v, ^uint64(0))
		addSquare(acc, v, ^uint64(0))
		putWord(acc, 48, getWord(acc, 48)-1)
	case event.Float:
		m := loadMoments(acc)
		m.remove(math.Float64frombits(uint64(v.N)))
		m.store(acc)
	}
}

func (stddevAggregate) Merge(acc, other []byte) {
	mergeDecimal(acc, other)
	var c uint64
	for at := squaresOffset; at < stddevSize; at += 8 {
		var w uint64
		w, c = bits.Add64(getWord(acc, at), getWord(other, at), c)
		putWord(acc, at, w)
	}
	putWord(acc, 48, getWord(acc, 48)+getWord(other, 48))
	if hasFloats(other) {
		m := loadMoments(acc)
		m.join(loadMoments(other))
		m.store(acc)
	}
}

func (stddevAggregate) Value(acc []byte) (event.Value, bool) {
	n := getWord(acc, 48)
	if !hasFloats(acc) {
		if n < 2 {
			return event.Value{}, true
		}
		return event.FloatValue(math.Sqrt(exactDeviations(acc, n, n-1))), true
	}
	var m moments
	if n > 0 {
		m = moments{n: n, mean: loadDecimal(acc).over(n), squares: exactDeviations(acc, n, 1)}
	}
	m.join(loadMoments(acc))
	if m.n < 2 {
		return event.Value{}, false
	}
	return event.FloatValue(math.Sqrt(m.squares / float64(m.n-1))), false
}

func (a stddevAggregate) Fold(vals []event.Value) (event.Value, bool) {
	var acc [stddevSize]byte
	for _, v := range vals {
		a.Add(acc[:], v)
	}
	return a.Value(acc[:])
}

// addSquare adds the square of an Int or a Decimal to the sum of squares; with flip all ones it subtracts.
func addSquare(acc []byte, v event.Value, flip uint64) {
	hi, lo, _ := magnitude(v)
	s3, s2 := bits.Mul64(hi, hi)
	m1, m0 := bits.Mul64(hi, lo)
	s1, s0 := bits.Mul64(lo, lo)
	s1, c := bits.Add64(s1, m0<<1, 0) // the middle product counts twice
	s2, c = bits.Add64(s2, m1<<1|m0>>63, c)
	s3, _ = bits.Add64(s3, m1>>63, c)

	sum := acc[squaresOffset:stddevSize]
	s0, c = bits.Add64(getWord(sum, 0), s0^flip, flip&1)
	s1, c = bits.Add64(getWord(sum, 8), s1^flip, c)
	s2, c = bits.Add64(getWord(sum, 16), s2^flip, c)
	s3, c = bits.Add64(getWord(sum, 24), s3^flip, c)
	s4, _ := bits.Add64(getWord(sum, 32), flip, c)
	putWord(sum, 0, s0)
	putWord(sum, 8, s1)
	putWord(sum, 16, s2)
	putWord(sum, 24, s3)
	putWord(sum, 32, s4)
}

// exactDeviations returns Σ(x - mean)² over the n exact values, divided by by, rounded once:
// (n·Σx² - (Σx)²) / (10^36·n·by).
func exactDeviations(acc []byte, n, by uint64) float64 {
	var squares [squaresWords]uint64
	for i := range squares {
		squares[i] = getWord(acc, squaresOffset+8*i)
	}
	sum, _ := loadDecimal(acc).abs()
	num := product(squares[:], []uint64{n})
	words := [...]uint64{sum.lo, sum.mid, sum.hi}
	square := product(words[:], words[:])
	num.subtract(&square)

	unit := product(pow10[decimalScale:decimalScale+1], pow10[decimalScale:decimalScale+1])
	count := product([]uint64{n}, []uint64{by})
	den := product(unit[:2], count[:2])
	return num.over(&den)
}

// moments are number, mean and sum of squared deviations of float64s.
type moments struct {
	n             uint64
	mean, squares float64
}

func loadMoments(acc []byte) moments {
	return moments{getWord(acc, 24), math.Float64frombits(getWord(acc, 32)), math.Float64frombits(getWord(acc, 40))}
}

func (m moments) store(acc []byte) {
	putWord(acc, 24, m.n)
	putWord(acc, 32, math.Float64bits(m.mean))
	putWord(acc, 40, math.Float64bits(m.squares))
}

// join adds other's values to m. The conversions keep products from being fused with sums, which would make results
// differ between processors.
func (m *moments) join(other moments) {
	if m.n == 0 {
		*m = other
		return
	}
	n := float64(m.n + other.n)
	share := float64(other.n) / n
	d := other.mean - m.mean
	m.mean += float64(d * share)
	m.squares += other.squares + float64(float64(d*d)*float64(float64(m.n)*share))
	m.n += other.n
}

// remove takes one value away again; the rounding of what was added before remains.
func (m *moments) remove(x float64) {
	if m.n <= 1 {
		*m = moments{}
		return
	}
	m.n--
	d := x - m.mean
	m.mean -= d / float64(m.n)
	m.squares = max(0, m.squares-float64(d*(x-m.mean)))
}
