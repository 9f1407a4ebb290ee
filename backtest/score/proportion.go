package score

import "math"

// Proportion is a share, with the interval in which it lies with 95 % confidence if what was counted is a sample
// (Wilson's score interval; E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927).
type Proportion struct {
	Of    int      `json:"of"`    // how many were counted
	Hits  int      `json:"hits"`  // how many of them hold
	Value *float64 `json:"value"` // Hits / Of; null: nothing was counted
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// z is the quantile of the normal distribution for 95 %, both sides.
const z = 1.959963984540054

// NewProportion returns the share of hits among n.
func NewProportion(hits, n int) Proportion {
	p := Proportion{Of: n, Hits: hits}
	if n == 0 {
		return p
	}
	k, m := float64(hits), float64(n)
	v := k / m
	mid := (k + z*z/2) / (m + z*z)
	half := z / (m + z*z) * math.Sqrt(k*(m-k)/m+z*z/4)
	low, high := max(0, mid-half), min(1, mid+half)
	p.Value, p.Low, p.High = &v, &low, &high
	return p
}

// share returns hits/n, or nil where n is 0.
func share(hits, n int) *float64 {
	if n == 0 {
		return nil
	}
	v := float64(hits) / float64(n)
	return &v
}
