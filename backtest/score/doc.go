// Package score says how well alerts met what people know to be true.
//
// People know of events, of spans of time of a key, or of alerts that they were fraud (positive) or not (negative):
// [ReadLabels] reads that. A [Truth] holds it against the events of a history, and a [Judge] for each rule counts what
// the rule hit and missed, at four levels: events, keys, incidents (what happened to one key in one go) and alerts.
//
// What nobody has labelled is unknown. It is counted apart, and instead of calling it false, precision is given as it is
// among what is known, with the bounds between which it lies whatever the unknown turns out to be. Who knows that all
// positives are labelled says so ([Options].Unlabelled), and after which delay that holds.
//
// All of it is pure: the same labels, events and alerts give the same figures, in whatever order alerts come.
package score
