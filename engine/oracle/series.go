package oracle

import (
	"math"
	"slices"

	"kelpie/event"
)

const week = 7 * 24 * 3600 * 1000

// series computes a function over the values of past buckets, and how many they are.
func (f *factState) series(j *judgement, all []sample) (v event.Value, samples int64) {
	vals := f.buckets(j, all)
	n := int64(len(vals))
	switch f.Series {
	case "count":
		return event.IntValue(n), n
	case "avg", "sum", "min", "max", "stddev":
		v, _ = ofNumbers(f.Series, 0, numbers(vals))
		return v, n
	case "ratio_to_mean", "ratio_to_median", "zscore", "robust_zscore", "ewma":
		return f.unusual(j, all, vals), n
	}
	v, _ = ofNumbers(f.Series, f.SeriesQ, numbers(vals))
	return v, n
}

// bucketStart is the start of the bucket that is being judged.
func (f *factState) bucketStart(j *judgement) int64 {
	if j.how == onClose {
		return f.rule.floor(j.asOf-1, f.Window.Each)
	}
	return f.rule.floor(j.asOf, f.Window.Each)
}

// buckets returns the values of the buckets in [b - D - s, b - s), from the first that holds an event on.
func (f *factState) buckets(j *judgement, all []sample) (vals []event.Value) {
	b, w := f.bucketStart(j), f.Window
	begun := false
	for n := (w.Before + w.Over) / w.Each; n > w.Before/w.Each; n-- {
		at := f.rule.beats(b, w.Each, -int(n))
		in := f.bucket(all, at)
		begun = begun || len(in) > 0
		if !begun || f.Seasonal && f.rule.ofWeek(at) != f.rule.ofWeek(b) {
			continue
		}
		if v, _ := f.value(in, f.bucketSeconds(at)); !v.IsMissing() {
			vals = append(vals, v)
		}
	}
	return vals
}

func (f *factState) bucketEnd(start int64) int64 { return f.rule.beats(start, f.Window.Each, 1) }

func (f *factState) bucketSeconds(start int64) float64 {
	return float64(f.bucketEnd(start)-start) / 1000
}

// bucket returns the events of the bucket that were not too late for it.
func (f *factState) bucket(all []sample, start int64) (in []sample) {
	end := f.bucketEnd(start)
	for _, s := range between(all, start, end) {
		if s.seenW < end+f.rule.o.opts.Lateness {
			in = append(in, s)
		}
	}
	return in
}

func numbers(vals []event.Value) (nums []event.Value) {
	for _, v := range vals {
		if v.IsNumber() {
			nums = append(nums, v)
		}
	}
	return nums
}

// unusual says how far the bucket that is judged is from the past ones. On an event that bucket must be open.
func (f *factState) unusual(j *judgement, all []sample, vals []event.Value) event.Value {
	at := f.bucketStart(j)
	if j.how != onClose && j.w >= f.bucketEnd(at) {
		return event.Value{}
	}
	v, _ := f.value(f.bucket(all, at), f.bucketSeconds(at))
	x, ok := v.Float64()
	past := numbers(vals)
	if !ok || len(past) == 0 {
		return event.Value{}
	}
	switch f.Series {
	case "ratio_to_mean":
		return event.FloatValue(x / of("avg", past))
	case "ratio_to_median":
		return event.FloatValue(x / of("p50", past))
	case "zscore":
		return inUnits(x-of("avg", past), of("stddev", past))
	case "robust_zscore":
		median := of("p50", past)
		var off []event.Value
		for _, p := range past {
			y, _ := p.Float64()
			off = append(off, event.FloatValue(math.Abs(y-median)))
		}
		if mad := of("p50", off); mad != 0 {
			return event.FloatValue(0.6745 * (x - median) / mad)
		}
		return inUnits(x-median, 1.253314*of("avg", off))
	}
	return ewma(x, past)
}

// of computes an aggregate of numbers, NaN where there is none.
func of(agg string, nums []event.Value) float64 {
	v, _ := ofNumbers(agg, 0.5, slices.Clone(nums))
	if f, ok := v.Float64(); ok {
		return f
	}
	return math.NaN()
}

// inUnits is a deviation in units of the spread; without spread only no deviation has a score.
func inUnits(deviation, spread float64) event.Value {
	if deviation == 0 && spread == 0 {
		return event.IntValue(0)
	}
	return event.FloatValue(deviation / spread)
}

// ewma is the deviation from the mean with weights 0.3·0.7^k (0.7^(n-1) for the oldest), in units of the standard
// deviation with the same weights, corrected for its bias.
func ewma(x float64, past []event.Value) event.Value {
	if len(past) < 2 {
		return event.Value{}
	}
	weights := make([]float64, len(past))
	mean, bias, variance := 0.0, 1.0, 0.0
	for i, p := range past {
		weights[i] = math.Pow(0.7, float64(len(past)-1-i))
		if i > 0 {
			weights[i] *= 0.3
		}
		y, _ := p.Float64()
		mean += weights[i] * y
		bias -= weights[i] * weights[i]
	}
	same := !slices.ContainsFunc(past, func(p event.Value) bool { return !event.Equal(p, past[0]) })
	if same {
		mean, _ = past[0].Float64()
	}
	for i, p := range past {
		y, _ := p.Float64()
		variance += weights[i] * (y - mean) * (y - mean)
	}
	return inUnits(x-mean, math.Sqrt(variance/bias))
}
