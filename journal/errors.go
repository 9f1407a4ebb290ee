package journal

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrInUse says that another process has the log open.
	ErrInUse = errors.New("the log is in use")
	// ErrNewer says that a newer Kelpie wrote the log.
	ErrNewer = errors.New("the log has a newer format")
	// ErrDamaged is what every [DamageError] is (errors.Is).
	ErrDamaged = errors.New("the log is damaged")
	// ErrDiskFull says that there was no room to append. Nothing of the append is in the log, nothing that was
	// acknowledged is lost, and a later append works as soon as there is room.
	ErrDiskFull = errors.New("the disk is full")
	// ErrFailed says that the storage failed. The log takes no append any more; open it again.
	ErrFailed = errors.New("storage failed")
	// ErrClosed says that the log has been closed.
	ErrClosed = errors.New("the log is closed")
	// ErrRemoved says that retention has removed the record.
	ErrRemoved = errors.New("the record has been removed by retention")
	// ErrNotYet says that there is no record with this offset yet.
	ErrNotYet = errors.New("the record is not there yet")
	// ErrReadOnly says that a log opened read-only was asked to append.
	ErrReadOnly = errors.New("the log is open read-only")
	// ErrNone says that there is no log in a folder that was opened read-only.
	ErrNone = errors.New("there is no log")
	// ErrTooLarge says that a record or batch is larger than the log takes.
	ErrTooLarge = errors.New("too large")
)

// DamageError says what of a log cannot be read, and where that is.
type DamageError struct {
	Segment  string // the file's name
	Position int64  // in bytes, in the file
	First    int64  // offset of the first record that is lost
	Next     int64  // offset of the first one behind it that can be read; -1 if nobody can tell
	Reason   string
}

// Error implements error.
func (e *DamageError) Error() string {
	what := fmt.Sprintf("records from %d on", e.First)
	switch {
	case e.Next == e.First:
		what = "no record, but the bytes between them,"
	case e.Next == e.First+1:
		what = fmt.Sprintf("record %d", e.First)
	case e.Next > e.First:
		what = fmt.Sprintf("records %d to %d", e.First, e.Next-1)
	}
	return fmt.Sprintf("journal: segment %s is damaged at byte %d: %s cannot be read: %s", e.Segment, e.Position, what, e.Reason)
}

// Is makes every DamageError an ErrDamaged.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// writeError gives a failed write its kind: ErrDiskFull, which passes, or ErrFailed, which does not.
func writeError(op string, err error) error {
	kind := ErrFailed
	if isFull(err) {
		kind = ErrDiskFull
	}
	return fmt.Errorf("journal: %s: %w: %w", op, kind, err)
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
