// Package source is what the engine reads: records with positions, in batches, in an order that never changes.
//
// [Files] reads JSON lines from files and standard input, [Follow] a file that grows and rotates, [Log] the embedded
// log. Each reads ahead in one goroutine of its own, which ends with Close. Batches refer to large buffers that are used
// again when they are released, so a record costs no allocation.
//
// A line is what stands between line ends (LF or CR LF); the last one needs none. Lines of white space are skipped, but
// they count for line numbers. A line that is too long is never held in memory: it comes as a batch of kind
// [journal.Cut] with its beginning.
package source
