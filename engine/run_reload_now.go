package engine

import (
	"context"
	"errors"
)

// Reloaded is what came of reading the rules again.
type Reloaded struct {
	Version string // of the rules that run now
	Same    bool   // they are the same as before
	Filling string // version of those that were read, which wait until their windows have been filled; "": none do
}

// ErrRefused says that there are mistakes in the rules that were read, so that the old ones go on. It wraps rules.Errors,
// where the mistakes have places.
var ErrRefused = errors.New("the new rules are refused, the old ones go on")

// reloadAnswer is what somebody who waits for a reload is told.
type reloadAnswer struct {
	Reloaded
	err error
}

// ReloadNow is Reload, and returns what came of it.
func (s *Service) ReloadNow(ctx context.Context) (Reloaded, error) {
	wait := make(chan reloadAnswer, 1)
	select {
	case s.reloadWaits <- wait:
	case <-s.ended:
		return Reloaded{}, ErrNotRunning
	case <-ctx.Done():
		return Reloaded{}, ctx.Err()
	}
	select {
	case a := <-wait:
		return a.Reloaded, a.err
	case <-s.ended:
		return Reloaded{}, ErrNotRunning
	case <-ctx.Done():
		return Reloaded{}, ctx.Err()
	}
}

// reloaded tells those who wait what came of reading the rules, which are those that run now.
func (l *loop) reloaded(r loadedRules) {
	a := reloadAnswer{Reloaded: Reloaded{Version: l.rules, Same: r.same}}
	if l.filler != nil {
		a.Filling = l.filler.Version
	}
	if r.err != nil {
		a.err = errors.Join(ErrRefused, r.err)
	}
	for _, wait := range l.reloadWaits {
		wait <- a
	}
	l.reloadWaits = nil
}
