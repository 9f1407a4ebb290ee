// Package engine is the fold: it takes batches of events, advances the watermark event by event, updates tables and
// facts, judges rules and steps the lives of alerts. It has no clock and writes nothing; for the same events in the same
// order it gives the same effects, however they are cut into batches and spread over shards.
//
// # From rules to rows
//
// A Plan (plan.go, scope.go) turns a set of rules around. Rules over the same events (same types, filter, key, longest
// window, way of being judged) share a scope; all scopes and tables of one key dimension share one row per key value.
// A row is bytes (package state); what is in the block of a scope, a table or an instance is written where it is
// declared. Facts that are equal are one fact. A rule that reads several keys has a lane of its own, which one shard folds.
//
// # One event
//
// A batch is decoded and its events are routed to shards by key (decode.go), those of a stride while the one before is
// folded. A shard (shard.go) handles, lane by lane and for each of its events in log order: what the watermark has made due
// (timers.go), what has left the windows of open instances (life.go), tables (tables.go), facts (fold.go, sessions.go), late
// windows, and at last the rules (judge.go, limits.go). Effects carry their place in the order of the fold and are put
// together at the end of the stride (output.go).
//
// Sums, counts, ratios and deviations over sliding windows are kept in accumulators that entries are added to and taken
// from; what has no inverse is computed from the entries (facts.go). Windows aligned to the clock keep an accumulator
// per pane; hopping windows and series merge panes (series.go).
//
// # What is durable
//
// Flush gathers the changed rows and the checkpoint into one batch (commit.go). Recover opens an engine where a store
// was committed last; reading goes on from Next. The brute force in package oracle, written from the semantics alone,
// is what the tests hold the engine to.
//
// # The service
//
// Around the fold stands a Service (run.go and the files run_*.go): it brings inputs into the log (run_intake.go,
// run_reader.go, run_tick.go), folds what is durable there (run_loop.go, run_recover.go), commits beside the fold
// (run_commit.go), and changes the rules while it runs (run_reload.go). It has a clock, which it is given.
package engine
