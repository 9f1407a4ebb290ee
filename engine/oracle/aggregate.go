package oracle

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"

	"kelpie/event"
	"kelpie/rules"
)

// sample is an event in a fact: it passed the filters. arg is the argument's value, missing where there is none.
type sample struct {
	*happened
	arg event.Value
}

// exact returns a number as a fraction.
func exact(v event.Value) *big.Rat {
	switch v.Kind {
	case event.Int:
		return new(big.Rat).SetInt64(v.N)
	case event.Decimal:
		d := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Scale)), nil)
		return new(big.Rat).SetFrac(big.NewInt(v.N), d)
	}
	return new(big.Rat).SetFloat64(math.Float64frombits(uint64(v.N)))
}

// nearest returns the float64 nearest to x.
func nearest(x *big.Rat) event.Value {
	f, _ := x.Float64()
	return event.FloatValue(f)
}

// aggregate computes the fact's value over events in (time, position) order; seconds is the window's length for rate.
// inexact says that numbers which are no exact decimals were added.
func aggregate(f *rules.Fact, in []sample, seconds float64) (v event.Value, inexact bool) {
	with := make([]event.Value, 0, len(in))
	for _, s := range in {
		if !s.arg.IsMissing() {
			with = append(with, s.arg)
		}
	}
	switch f.Agg {
	case "count":
		if f.Arg == nil {
			return event.IntValue(int64(len(in))), false
		}
		return event.IntValue(int64(len(with))), false
	case "rate":
		return event.FloatValue(float64(len(in)) / seconds), false
	case "distinct":
		return distinct(with), false
	case "ratio":
		return ratio(with), false
	case "first", "last":
		if len(with) == 0 {
			return event.Value{}, false
		}
		if f.Agg == "first" {
			return with[0], false
		}
		return with[len(with)-1], false
	}
	return ofNumbers(f.Agg, f.Quantile, slices.DeleteFunc(with, func(v event.Value) bool { return !v.IsNumber() }))
}

// value is aggregate, by a sketch where there are too many values.
func (f *factState) value(in []sample, seconds float64) (v event.Value, inexact bool) {
	o := f.rule.o
	if o.opts.Limit > 0 && (f.Agg == "distinct" || f.Agg == "median" || f.Agg[0] == 'p' && f.Agg != "previous") {
		var vals []event.Value
		for _, s := range in {
			if _, ok := event.AppendKey(nil, s.arg); ok && f.Agg == "distinct" || s.arg.IsNumber() {
				vals = append(vals, s.arg)
			}
		}
		if len(vals) > o.opts.Limit {
			v, o.off = o.opts.Sketch(f.Agg, f.Quantile, vals)
			return v, false
		}
	}
	return aggregate(f.Fact, in, seconds)
}

// ofNumbers computes the aggregates that take numbers only.
func ofNumbers(agg string, q float64, nums []event.Value) (event.Value, bool) {
	switch agg {
	case "sum":
		return sum(nums, 1)
	case "avg":
		if len(nums) == 0 {
			return event.Value{}, false
		}
		return sum(nums, len(nums))
	case "stddev":
		return stddev(nums)
	}
	slices.SortStableFunc(nums, compareNumbers)
	switch {
	case len(nums) == 0:
		return event.Value{}, false
	case agg == "min":
		return nums[0], false
	case agg == "max":
		return nums[len(nums)-1], false
	}
	return quantile(nums, q), false
}

// compareNumbers compares exactly.
func compareNumbers(a, b event.Value) int {
	x, _ := a.Float64()
	y, _ := b.Float64()
	if x != y { // rounding keeps the order
		return cmp.Compare(x, y)
	}
	return exact(a).Cmp(exact(b))
}

// sum adds the numbers, decimals exactly and float64s in the order given, and divides once.
func sum(nums []event.Value, n int) (v event.Value, inexact bool) {
	total, floats := new(big.Rat), 0.0
	for _, v := range nums {
		if v.Kind == event.Float {
			f, _ := v.Float64()
			floats += f
			inexact = true
			continue
		}
		total.Add(total, exact(v))
	}
	if math.IsInf(floats, 0) || math.IsNaN(floats) {
		return event.Value{}, inexact
	}
	total.Add(total, new(big.Rat).SetFloat64(floats))
	return nearest(total.Quo(total, new(big.Rat).SetInt64(int64(n)))), inexact
}

// stddev is the sample's standard deviation, exact up to its last two roundings.
func stddev(nums []event.Value) (v event.Value, inexact bool) {
	n := int64(len(nums))
	if n < 2 {
		return event.Value{}, false
	}
	mean := new(big.Rat)
	for _, v := range nums {
		mean.Add(mean, exact(v))
		inexact = inexact || v.Kind == event.Float
	}
	mean.Quo(mean, new(big.Rat).SetInt64(n))
	squares := new(big.Rat)
	for _, v := range nums {
		d := new(big.Rat).Sub(exact(v), mean)
		squares.Add(squares, d.Mul(d, d))
	}
	squares.Quo(squares, new(big.Rat).SetInt64(n-1))
	root, _ := new(big.Float).Sqrt(new(big.Float).SetPrec(200).SetRat(squares)).Float64()
	return event.FloatValue(root), inexact
}

// quantile interpolates between ranks (type 7) of sorted numbers.
func quantile(sorted []event.Value, q float64) event.Value {
	h, _ := new(big.Rat).SetString(strconv.FormatFloat(q, 'g', -1, 64))
	h.Mul(h, new(big.Rat).SetInt64(int64(len(sorted)-1)))
	rank := new(big.Int).Quo(h.Num(), h.Denom())
	i := int(rank.Int64())
	x := exact(sorted[i])
	if i+1 < len(sorted) {
		part := h.Sub(h, new(big.Rat).SetInt(rank))
		step := new(big.Rat).Sub(exact(sorted[i+1]), x)
		x.Add(x, step.Mul(step, part))
	}
	return nearest(x)
}

func distinct(vals []event.Value) event.Value {
	seen := map[string]bool{}
	for _, v := range vals {
		if k, ok := event.AppendKey(nil, v); ok {
			seen[string(k)] = true
		}
	}
	return event.IntValue(int64(len(seen)))
}

// ratio is the share of truths; the arguments are bools.
func ratio(vals []event.Value) event.Value {
	n, yes := 0, 0
	for _, v := range vals {
		if b, ok := v.Bool(); ok {
			n++
			if b {
				yes++
			}
		}
	}
	if n == 0 {
		return event.Value{}
	}
	return event.FloatValue(float64(yes) / float64(n))
}
