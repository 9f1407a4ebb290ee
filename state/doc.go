// Package state keeps all that Kelpie remembers, in one Pebble store, and is the only package that opens it: the rows
// of every key dimension, alerts, what is to be sent, refused events, rule versions, and the checkpoint that says up
// to where the log has been folded into them.
//
// # One commit point
//
// Everything that the fold does is gathered in a Batch, with the Checkpoint it leads to, and becomes true in one
// Commit. So in whatever state a crash leaves the store, rows, alerts, outbox and checkpoint agree: reading the log
// again from the checkpoint gives what would have been there. A commit that is not synced may be lost by a crash of
// the machine, but only together with everything after it.
//
// The engine is the only writer, but for delivery rows, which belong to the dispatcher of package alert.
//
// # Failure
//
// An error of the storage is ErrFatal: the store takes no further commit, since nobody knows what has reached the
// disk. The process is to stop, be started again and recover from the checkpoint.
//
// The keys are listed in keys.go, the values where they are written; docs/format.md shows both.
package state
