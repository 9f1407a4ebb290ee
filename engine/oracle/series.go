package oracle

import (
	"math"

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
	b := f.bucketStart(j)
	begun := false
	for at := b - f.Window.Before - f.Window.Over; at < b-f.Window.Before; at += f.Window.Each {
		in := f.bucket(all, at)
		begun = begun || len(in) > 0
		if !begun || f.Seasonal && mod(at, week) != mod(b, week) {
			continue
		}
		if v, _ := aggregate(f.Fact, in, float64(f.Window.Each)/1000); !v.IsMissing() {
			vals = append(vals, v)
		}
	}
	return vals
}

// bucket returns the events of the bucket that were not too late for it.
func (f *factState) bucket(all []sample, start int64) (in []sample) {
	end := start + f.Window.Each
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

// unusual says how far the bucket that is judged is from the past ones.
func (f *factState) unusual(j *judgement, all []sample, vals []event.Value) event.Value {
	v, _ := aggregate(f.Fact, f.bucket(all, f.bucketStart(j)), float64(f.Window.Each)/1000)
	x, ok := v.Float64()
	past := numbers(vals)
	if !ok || len(past) == 0 {
		return event.Value{}
	}
	of := func(agg string, q float64) float64 {
		v, _ := ofNumbers(agg, q, append([]event.Value(nil), past...))
		f, ok := v.Float64()
		if !ok {
			return math.NaN()
		}
		return f
	}
	switch f.Series {
	case "ratio_to_mean":
		return event.FloatValue(x / of("avg", 0))
	case "ratio_to_median":
		return event.FloatValue(x / of("p50", 0.5))
	case "zscore":
		return event.FloatValue((x - of("avg", 0)) / of("stddev", 0))
	case "robust_zscore":
		median := of("p50", 0.5)
		var off []event.Value
		for _, p := range past {
			y, _ := p.Float64()
			off = append(off, event.FloatValue(math.Abs(y-median)))
		}
		past = off
		return event.FloatValue(0.6745 * (x - median) / of("p50", 0.5))
	}
	return event.Value{}
}
