// Package journal is the embedded append-only log: what happened, in the order in which it was accepted.
//
// A log is a folder of segment files; a segment is a header and a run of blocks; a block holds many records and is
// what is compressed, checked and read as a whole (docs/format.md shows the bytes). Records are numbered from 0
// without gaps: a record's number is its offset.
//
// What holds at any moment, and after any crash:
//
//   - An append that was acknowledged is durable and readable. The acknowledgement comes after the sync, never before.
//   - Blocks that are synced together are a group. One goroutine writes, one group at a time, so a crash can only
//     tear the last group. Every block names the group that it belongs to: a block of a later group proves that an
//     unreadable one before it was durable, and so is damaged and not torn.
//   - A torn tail is cut when the log is opened. Damage is an error that names segment and offset; nothing is
//     skipped in silence.
//   - Bytes that are durable are never written again. A segment of which a write failed takes no further block: the
//     next one goes to a new segment, whose header says where the one before it ends.
//   - What a source has delivered is stored in the same block as where reading it goes on, so that every record is
//     appended once. See [Log.Progress].
package journal
