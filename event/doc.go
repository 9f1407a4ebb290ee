// Package event says what happened, when, and where it was read. It is the ground floor: it imports
// nothing of the project.
//
// An event is one JSON object with a type, a time and perhaps an id. A [Decoder] reads it in one pass,
// validates the whole document, and leaves in a [Record] where the wanted fields stand; a field becomes a
// [Value] only when somebody asks for it. What is no event is answered with a [Refusal], never with a panic.
//
// What holds everywhere:
//
//   - Times are int64 milliseconds since the Unix epoch, UTC, within the years 0000 to 9999.
//   - Equal numbers are equal values: 1, 1.0 and 10e-1 are the Int 1; a Float is never an integer within int64.
//   - Nothing here looks at a clock, and no result depends on what was decoded before.
package event
