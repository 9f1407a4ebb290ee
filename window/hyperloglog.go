package window

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// DistinctSketch stands in for a Counter beyond the limit up to which distinct is exact. Its estimate has a standard error
// of DistinctError. The zero DistinctSketch is empty.
//
// It is a HyperLogLog (Flajolet, Fusy, Gandouet and Meunier, 2007) with 2^14 registers and 64-bit hashes, read with Ertl's
// improved estimator (arXiv:1702.01284), which needs no table of corrections. The registers are the maximum over the
// values, so sketch and bytes depend on the set of values alone, not on their order or on how they were merged.
type DistinctSketch struct {
	registers []uint8 // none while empty
}

// DistinctError is the relative standard error of a DistinctSketch: 1.04 / sqrt(2^14).
const DistinctError = 0.008125

const (
	hllBits      = 14
	hllRegisters = 1 << hllBits
	hllRanks     = 64 - hllBits + 1 // the largest value of a register
	hllSparse    = 4096             // with fewer registers in use the bytes list them

	hllEmptyForm, hllSparseForm, hllDenseForm = 0, 1, 2
)

// Add adds the value with this hash and reports whether the estimate may have changed.
func (s *DistinctSketch) Add(h Hash128) (changed bool) {
	s.allocate()
	rank := uint8(min(bits.LeadingZeros64(h.Hi<<hllBits), hllRanks-1) + 1)
	if r := &s.registers[h.Hi>>(64-hllBits)]; *r < rank {
		*r = rank
		return true
	}
	return false
}

// Merge adds all values of other.
func (s *DistinctSketch) Merge(other *DistinctSketch) {
	if len(other.registers) == 0 {
		return
	}
	s.allocate()
	for i, r := range other.registers {
		s.registers[i] = max(s.registers[i], r)
	}
}

// Estimate returns about how many different values were added.
func (s *DistinctSketch) Estimate() int64 {
	if len(s.registers) == 0 {
		return 0
	}
	var counts [hllRanks + 1]float64 // how many registers have which rank
	for _, r := range s.registers {
		counts[r]++
	}
	const m = hllRegisters
	z := m * hllTau(1-counts[hllRanks]/m)
	for k := hllRanks - 1; k >= 1; k-- {
		z = (z + counts[k]) / 2
	}
	z += m * hllSigma(counts[0]/m)
	n := math.Round(m * m / (2 * math.Ln2) / z)
	if n >= math.MaxInt64 { // every register full: no honest stream comes there
		return math.MaxInt64
	}
	return int64(n)
}

// hllSigma corrects for registers that are still zero: x + Σ x^(2^k)·2^(k-1).
func hllSigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		if z == before {
			return z
		}
		y += y
	}
}

// hllTau corrects for registers that can grow no more: (1 - x - Σ (1 - x^(2^-k))²·2^-k) / 3.
func hllTau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y /= 2
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}

// Reset empties the sketch and keeps its memory.
func (s *DistinctSketch) Reset() { clear(s.registers) }

func (s *DistinctSketch) allocate() {
	if s.registers == nil {
		s.registers = make([]uint8, hllRegisters)
	}
}

// AppendBinary appends the sketch's bytes: version, form, then nothing for an empty one; for fewer than hllSparse
// registers in use their number, then for each the distance from the one before and its value; else all registers, six
// bits each, four in three bytes. It returns no error.
func (s *DistinctSketch) AppendBinary(dst []byte) ([]byte, error) {
	used := 0
	for _, r := range s.registers {
		if r != 0 {
			used++
		}
	}
	switch {
	case used == 0:
		return append(dst, sketchVersion, hllEmptyForm), nil
	case used < hllSparse:
		return s.appendSparse(append(dst, sketchVersion, hllSparseForm), used), nil
	}
	return s.appendDense(append(dst, sketchVersion, hllDenseForm)), nil
}

func (s *DistinctSketch) appendSparse(dst []byte, used int) []byte {
	dst = binary.AppendUvarint(dst, uint64(used))
	before := -1
	for i, r := range s.registers {
		if r != 0 {
			dst = binary.AppendUvarint(dst, uint64(i-before))
			dst = append(dst, r)
			before = i
		}
	}
	return dst
}

func (s *DistinctSketch) appendDense(dst []byte) []byte {
	for i := 0; i < hllRegisters; i += 4 {
		four := uint32(s.registers[i]) | uint32(s.registers[i+1])<<6 | uint32(s.registers[i+2])<<12 | uint32(s.registers[i+3])<<18
		dst = append(dst, byte(four), byte(four>>8), byte(four>>16))
	}
	return dst
}

// UnmarshalBinary replaces the sketch by the one whose bytes AppendBinary made; bytes that cannot be such are an error,
// and leave it empty.
func (s *DistinctSketch) UnmarshalBinary(data []byte) error {
	s.Reset()
	r := reader{data: data}
	if r.byte() != sketchVersion {
		return errSketch
	}
	switch r.byte() {
	case hllEmptyForm:
	case hllSparseForm:
		s.readSparse(&r)
	case hllDenseForm:
		s.readDense(&r)
	default:
		r.failed = true
	}
	if r.failed || len(r.data) > 0 {
		s.Reset()
		return errSketch
	}
	return nil
}

func (s *DistinctSketch) readSparse(r *reader) {
	s.allocate()
	used, at := r.uvarint(), -1
	if used == 0 || used >= hllSparse {
		r.failed = true
		return
	}
	for ; used > 0 && !r.failed; used-- {
		step, rank := r.uvarint(), r.byte()
		if step == 0 || step >= uint64(hllRegisters-at) || rank == 0 || rank > hllRanks {
			r.failed = true
			return
		}
		at += int(step)
		s.registers[at] = rank
	}
}

func (s *DistinctSketch) readDense(r *reader) {
	if len(r.data) != hllRegisters/4*3 {
		r.failed = true
		return
	}
	s.allocate()
	used := 0
	for i := range s.registers {
		at := i / 4 * 3
		four := uint32(r.data[at]) | uint32(r.data[at+1])<<8 | uint32(r.data[at+2])<<16
		rank := uint8(four >> (6 * (i % 4)) & 63)
		if rank > hllRanks {
			r.failed = true
			return
		}
		if rank != 0 {
			used++
		}
		s.registers[i] = rank
	}
	r.data = nil
	r.failed = used < hllSparse
}
