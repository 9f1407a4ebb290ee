package engine

import (
	"context"
	"errors"
	"strings"

	"kelpie/alert"
	"kelpie/rules"
	"kelpie/state"
)

// loadedRules is what came of reading the rules again.
type loadedRules struct {
	set *rules.Set
	err error
}

// load reads the rules again, in a goroutine of its own, since there may be many: the loop goes on meanwhile.
func (l *loop) load() {
	if l.loading || l.s.o.Load == nil {
		l.loadAgain = l.loading
		return
	}
	l.loading = true
	l.loads.Go(func() {
		set, err := l.s.o.Load()
		l.loaded <- loadedRules{set, err}
	})
}

// adopt goes on with rules that have been read, if nothing is wrong with them.
func (l *loop) adopt(stop context.Context, r loadedRules) error {
	l.loading = false
	if l.loadAgain { // the files changed meanwhile
		l.loadAgain = false
		l.load()
		return nil
	}
	if r.err != nil {
		l.refuse(r.err)
		return nil
	}
	if err := l.quiesce(); err != nil {
		return err
	}
	old := l.engine
	err := l.install(r.set)
	if errors.Is(err, errPlan) {
		l.refuse(err)
		return nil
	}
	if err != nil {
		return err
	}
	l.tally.retire(old.Counters())
	if err := l.welcome(); err != nil {
		return err
	}
	l.tally.Reloads++
	l.s.o.Logger.Info("kelpie: rules changed", "rules", len(r.set.Rules), "version", l.rules)
	// With order: time the new engine needs again what waited in the old one.
	return l.catchUp(stop, l.engine.readUpTo())
}

// refuse goes on with the rules that there are.
func (l *loop) refuse(err error) {
	l.tally.RefusedReloads++
	l.s.o.Logger.Error("kelpie: the new rules are refused, the old ones go on", "error", err)
	l.publish()
}

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

// welcome keeps the text of rules that have begun to run, and ends the alerts of rules that are not there any more.
func (l *loop) welcome() error {
	store := l.s.o.Store
	known, err := store.Rules(l.rules)
	if err != nil {
		return err
	}
	if known == nil {
		l.version = versionText(l.engine.plan.Set)
		l.touch()
	}
	clear(l.tally.Open)
	return l.eachOpen(func(a *alert.Alert) error {
		if l.engine.plan.Set.Rule(a.Rule) != nil {
			l.tally.Open[a.Rule]++
			return nil
		}
		l.touch()
		return l.book.Resolve(a.ID, max(a.Updated, l.engine.w), alert.Removed)
	})
}

// touch notes that there is something to commit.
func (l *loop) touch() {
	if !l.changed {
		l.changed, l.since = true, l.now()
	}
}

// eachOpen calls f with every alert that is open by what has been committed.
func (l *loop) eachOpen(f func(*alert.Alert) error) error {
	q := alert.Query{State: alert.Firing, Oldest: true, Limit: 1000}
	for {
		page, err := alert.List(l.s.o.Store, q)
		if err != nil {
			return err
		}
		for _, a := range page {
			if err := f(a); err != nil {
				return err
			}
			q.After = a
		}
		if len(page) < q.Limit {
			return nil
		}
	}
}

// putVersion keeps the text of rules that are new.
func (l *loop) putVersion(b *state.Batch) {
	if l.version != "" {
		b.SetRules(l.rules, []byte(l.version))
		l.version = ""
	}
}

// versionText is the canonical text of a set, by which a version of the rules is kept: a YAML document for each table
// and rule.
func versionText(set *rules.Set) string {
	var texts []string
	for _, t := range set.Tables {
		texts = append(texts, t.Text)
	}
	for _, r := range set.Rules {
		texts = append(texts, r.Text)
	}
	return strings.Join(texts, "---\n")
}
