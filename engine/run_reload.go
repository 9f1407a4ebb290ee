package engine

import (
	"context"
	"errors"

	"kelpie/alert"
	"kelpie/rules"
)

// load reads the rules again, in a goroutine of its own, since there may be many: the loop goes on meanwhile.
func (l *loop) load(ctx context.Context) {
	if l.loading || l.s.o.Load == nil {
		l.loadAgain = l.loading
		return
	}
	l.loading = true
	running, old := l.rules, l.engine.plan
	l.loads.Go(func() {
		l.loaded <- l.s.loadRules(ctx, running, old)
	})
}

// loadingEnded takes in what came of reading the rules again.
func (l *loop) loadingEnded(ctx context.Context, r loadedRules) error {
	l.loading = false
	switch {
	case l.loadAgain: // the files changed meanwhile
		l.loadAgain = false
		l.load(ctx)
	case r.err != nil:
		l.refuse(r.err)
	case r.v != nil:
		if l.filler != nil && l.filler.Version == r.plan.Fingerprint() {
			break // they are on their way
		}
		x, fill, err := l.fillable(r.v, r.plan)
		if err != nil {
			return err
		}
		if fill {
			l.startFilling(ctx, x)
			break
		}
		l.stopFilling()
		l.loading = true
		l.loads.Go(func() { l.loaded <- l.s.bringRules(ctx, r.v, r.plan) })
	case r.same:
		l.stopFilling()
		l.s.o.Logger.Info("kelpie: the rules are the same as before", "version", l.rules)
		l.tally.Refusal = nil
		l.publish()
	}
	if !l.loading {
		l.reloaded(r)
	}
	return nil
}

// adopt goes on with other rules, in which nothing is wrong, and with windows that were filled for them; f nil: none were.
func (l *loop) adopt(v *version, f *fill) error {
	if err := l.quiesce(); err != nil {
		return err
	}
	phase := l.s.Phase()
	l.s.enter(Recovering)
	old := l.engine
	if err := l.install(v, f); err != nil {
		return err
	}
	l.tally.retire(old.Counters())
	if err := l.welcome(); err != nil {
		return err
	}
	l.s.o.Logger.Info("kelpie: rules changed", "rules", len(v.set.Rules), "version", l.rules)
	// With order: time the new engine needs again what waited in the old one: all of it, whoever wants to stop meanwhile.
	if err := l.catchUp(context.Background(), l.engine.readUpTo()); err != nil {
		return err
	}
	l.s.enter(phase)
	l.publish()
	return nil
}

// refuse goes on with the rules that there are.
func (l *loop) refuse(err error) {
	l.tally.RefusedReloads++
	l.tally.Refusal = err
	var wrong rules.Errors
	if errors.As(err, &wrong) {
		l.s.o.Logger.Error("kelpie: the new rules are refused, the old ones go on", "mistakes", len(wrong))
		for _, e := range wrong[:min(len(wrong), mistakesSaid)] {
			l.s.o.Logger.Error("kelpie: mistake in the rules", "at", e.At, "mistake", e.Message)
		}
	} else {
		l.s.o.Logger.Error("kelpie: the new rules are refused, the old ones go on", "error", err)
	}
	l.publish()
}

// mistakesSaid is how many mistakes of rules are named at most; `kelpie check` names all.
const mistakesSaid = 20

// quiesce commits everything that has been folded, and waits for it.
func (l *loop) quiesce() error {
	if err := l.await(); err != nil {
		return err
	}
	if err := l.commit(true); err != nil {
		return err
	}
	return l.await()
}

// welcome ends the alerts that cannot go on with the rules that begin to run, and counts those that are open.
func (l *loop) welcome() error {
	ended := map[string]bool{}
	for _, c := range l.engine.Dropped() {
		ended[c.ID] = true
		l.touch()
		if err := l.book.Resolve(c.ID, c.At, c.Reason); err != nil {
			return err
		}
	}
	clear(l.tally.Open)
	return l.eachOpen(func(a *alert.Alert) {
		if !ended[a.ID] {
			l.tally.Open[a.Rule]++
		}
	})
}

// touch notes that there is something to commit.
func (l *loop) touch() {
	if !l.changed {
		l.changed, l.since = true, l.now()
	}
}

// eachOpen calls f with every alert that is open by what has been committed.
func (l *loop) eachOpen(f func(*alert.Alert)) error {
	q := alert.Query{State: alert.Firing, Oldest: true, Limit: 1000}
	for {
		page, err := alert.List(l.s.o.Store, q)
		if err != nil {
			return err
		}
		for _, a := range page {
			f(a)
			q.After = a
		}
		if len(page) < q.Limit {
			return nil
		}
	}
}
