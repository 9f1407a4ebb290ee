package backtest

import "kelpie/backtest/score"

// Precision is the share of right ones among what was caught and is known: of events, or, for rules that are judged only
// when windows close, of keys. nil: there are no labels, or nothing that is known was caught.
func (f *Figures) Precision() *float64 {
	if l := f.level(); l != nil {
		return l.Precision.Value
	}
	return nil
}

// Recall is the share of the known positives that was caught, at the same level. nil: there are none.
func (f *Figures) Recall() *float64 {
	if l := f.level(); l != nil {
		return l.Recall.Value
	}
	return nil
}

// F1 is the harmonic mean of both. nil: there is neither.
func (f *Figures) F1() *float64 {
	if l := f.level(); l != nil {
		return l.F1
	}
	return nil
}

// level is the one that figures without the name of a level are about.
func (f *Figures) level() *score.Level {
	switch {
	case f.Truth == nil:
		return nil
	case f.Truth.Events != nil:
		return f.Truth.Events
	}
	return f.Truth.Keys
}
