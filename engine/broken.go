package engine

import (
	"fmt"
	"runtime/debug"
)

// Broken is the error of an engine that has met what cannot be: a row of the state that is not as the engine wrote it, or
// a mistake of the engine's own. It says nothing more, and what it has folded since the last commit is not to be committed.
type Broken struct {
	While string // what it was doing
	Cause any    // what it found, as the runtime says it
	Stack []byte // where
}

// Error implements error.
func (b *Broken) Error() string {
	return fmt.Sprintf("engine: %s: %v: a row of the state is damaged, or this is a mistake of Kelpie's; a state that is deleted is made anew from the log",
		b.While, b.Cause)
}

// guarded is share, and returns what has gone wrong in some shard. A panic is an error: nobody can do anything about
// it, but the process has more to do than to fold, and is to end in order.
func (e *Engine) guarded(events int, f func(i int)) error {
	e.share(events, func(i int) {
		sh := e.shards[i]
		defer func() {
			if p := recover(); p != nil {
				sh.fatal(&Broken{While: sh.doing(), Cause: p, Stack: debug.Stack()})
			}
		}()
		f(i)
	})
	for _, sh := range e.shards {
		if sh.err != nil {
			return sh.err
		}
	}
	return nil
}

// doing says what the shard folds.
func (sh *shard) doing() string {
	if evs := sh.engine.evs; int(sh.out.ev) < len(evs) {
		return "folding " + sh.engine.position(evs[sh.out.ev].seq)
	}
	return "folding"
}

// orBroken makes a panic of the calling function, which it is deferred by, an error.
func orBroken(while string, err *error) {
	if p := recover(); p != nil {
		*err = &Broken{While: while, Cause: p, Stack: debug.Stack()}
	}
}
