// Package window holds spans of event time and what is computed over them, purely: aggregates with accumulators that
// live in their caller's bytes, one file each; the time-ordered log of one key's entries; lists of panes and sessions;
// the alignment of windows to the clock or to a time zone; and, for windows with many values, ordered multisets,
// counting sets, monotonic queues and sketches.
//
// Nothing here knows of rules, keys or storage, keeps a clock, or locks.
package window
