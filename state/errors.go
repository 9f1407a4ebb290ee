package state

import (
	"errors"
	"fmt"
)

var (
	// ErrFatal is what every failure of the storage is (errors.Is): the store takes no commit any more. Stop,
	// start again and recover.
	ErrFatal = errors.New("storage failed")
	// ErrInUse says that another process has the folder open.
	ErrInUse = errors.New("the state is in use")
	// ErrNewer says that a newer Kelpie wrote the state.
	ErrNewer = errors.New("the state has a newer format")
	// ErrOlder says that an older Kelpie wrote the state in a format that is not read any more.
	ErrOlder = errors.New("the state has an older format")
	// ErrNone says that there is no state in a folder that was opened read-only.
	ErrNone = errors.New("there is no state")
	// ErrReadOnly says that a store opened read-only was asked to commit.
	ErrReadOnly = errors.New("the state is open read-only")
	// ErrNotFound says that the one row asked for is not there.
	ErrNotFound = errors.New("not found")
)

// storageError is a failure of the storage: it is ErrFatal and whatever caused it.
type storageError struct {
	op  string
	err error
}

func (e *storageError) Error() string   { return "state: " + e.op + ": " + e.err.Error() }
func (e *storageError) Unwrap() []error { return []error{ErrFatal, e.err} }

// fatal makes err, which may be nil, a failure of the storage in op.
func fatal(op string, err error) error {
	if err == nil {
		return nil
	}
	return &storageError{op, err}
}

// damaged says that a stored value cannot be read: the storage failed, or somebody wrote into it.
func damaged(what string, key []byte) error {
	return &storageError{"read " + what, fmt.Errorf("damaged value at key %x", key)}
}
