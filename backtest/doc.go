// Package backtest runs rules over history: what would they have caught.
//
// A backtest is the engine that runs live, with state in memory and nobody to tell: no package that can notify anyone is
// among its imports, and a test walks them. So the alerts of a backtest are those of the service, with the same ids.
//
// One run folds the history once for several variants of the rules: today's, those they are compared with, and one for each
// value of a param that is swept. The variants are planned together, so that what is equal in them is folded once.
//
// Results do not depend on the number of shards, nor on how the history is cut into parts. Whoever wants to know more than
// the Result hands a Sink to Run.
package backtest
