package window

import (
	"math"
	"math/bits"
)

// wide is an unsigned integer of 512 bits, least word first: room for what sums of squares and their quotients need,
// without allocation.
type wide [8]uint64

// bitLen returns the number of bits without leading zeros.
func (x *wide) bitLen() int {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] != 0 {
			return 64*i + bits.Len64(x[i])
		}
	}
	return 0
}

// shiftLeft multiplies x by 2^n; the bits must have room.
func (x *wide) shiftLeft(n int) {
	words, n := n/64, n%64
	for i := len(x) - 1; i >= 0; i-- {
		var w uint64
		if j := i - words; j >= 0 {
			w = x[j] << n
			if j > 0 && n > 0 {
				w |= x[j-1] >> (64 - n)
			}
		}
		x[i] = w
	}
}

// addProduct adds a*b, shifted left by at words, to x.
func (x *wide) addProduct(a, b uint64, at int) {
	hi, lo := bits.Mul64(a, b)
	var c uint64
	x[at], c = bits.Add64(x[at], lo, 0)
	x[at+1], c = bits.Add64(x[at+1], hi, c)
	for i := at + 2; c != 0 && i < len(x); i++ {
		x[i], c = bits.Add64(x[i], 0, c)
	}
}

// product returns the product of two integers that have at most len(wide) words together.
func product(a, b []uint64) (p wide) {
	for i, v := range a {
		if v == 0 {
			continue
		}
		for j, w := range b {
			p.addProduct(v, w, i+j)
		}
	}
	return p
}

// subtract takes y from x and reports whether the result went below zero (and wrapped).
func (x *wide) subtract(y *wide) bool {
	var b uint64
	for i := range x {
		x[i], b = bits.Sub64(x[i], y[i], b)
	}
	return b != 0
}

// add adds y to x and reports whether the result wrapped.
func (x *wide) add(y *wide) bool {
	var c uint64
	for i := range x {
		x[i], c = bits.Add64(x[i], y[i], c)
	}
	return c != 0
}

// over returns the float64 that is nearest to x/den, ties to even. Both are spoilt. den is not 0; the quotient must be
// a normal float64 or 0, and x, den and x/den's numerator below 2^440 after scaling, which holds for all callers.
//
// The quotient is scaled to an integer of 55 or 56 bits, and what remains is folded into its lowest bit, which lies
// beyond the rounding bit: so the conversion to float64 is the only rounding. One division of words estimates it, at
// most 2 too high (Knuth, The Art of Computer Programming 2, 4.3.1, theorem B).
func (x *wide) over(den *wide) float64 {
	length := x.bitLen()
	if length == 0 {
		return 0
	}
	scale := 55 - (length - den.bitLen())
	if scale >= 0 {
		x.shiftLeft(scale)
	} else {
		den.shiftLeft(-scale)
	}
	top := (den.bitLen() - 1) / 64
	align := bits.LeadingZeros64(den[top])
	x.shiftLeft(align)
	den.shiftLeft(align)

	q, _ := bits.Div64(x[top+1], x[top], den[top])
	whole := product(den[:top+1], []uint64{q})
	for below := x.subtract(&whole); below; q-- {
		below = !x.add(den)
	}
	if x.bitLen() != 0 {
		q |= 1
	}
	return math.Ldexp(float64(q), -scale)
}
