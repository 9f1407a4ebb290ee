package event

import (
	"fmt"
	"unicode/utf8"
)

// Reason is the class of a refusal.
type Reason string

// The classes.
const (
	NotJSON        Reason = "not-json" // also bytes after the object
	InvalidUTF8    Reason = "invalid-utf8"
	DuplicateKey   Reason = "duplicate-key"
	HalfSurrogate  Reason = "half-surrogate"
	NotAnObject    Reason = "not-an-object"
	TooDeep        Reason = "too-deep"
	TooLong        Reason = "too-long"
	MissingType    Reason = "missing-type"
	MissingTime    Reason = "missing-time"
	UnparsableTime Reason = "unparsable-time"
	InFuture       Reason = "in-future"
	NoValue        Reason = "no-value" // a record that has a key only (a tombstone)
	Lost           Reason = "lost"     // records that were gone before they could be read
)

// Refusal says why an event was refused, and where in it (byte offset from 0).
type Refusal struct {
	Reason Reason
	Offset int
	Detail string
}

// Error makes a Refusal an error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", r.Reason, r.Offset, r.Detail)
}

// firstInvalidUTF8 returns the offset of the first byte of b that is not UTF-8, or len(b).
func firstInvalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(b)
}

// excerpt returns at most 40 bytes of b from offset on, for a message.
func excerpt(b []byte, offset int) []byte { return b[offset:min(len(b), offset+40)] }
