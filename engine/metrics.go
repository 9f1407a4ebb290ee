package engine

import (
	"slices"
	"strings"
)

// Counters are what an engine has counted since it was made, and how it stands.
type Counters struct {
	Rules      []RuleCounters // in the order of the set
	Tables     []TableCounters
	Mismatches int64 // values of a type that the use does not allow

	Events    uint64 // folded since the state is there
	Warmup    uint64 // of the events those that only fill windows: Options.CountFrom
	Behind    int64  // how far an event was out of order at most, ms: the disorder that would have been enough
	TooFar    int64  // events that were further out of order than the disorder allowed
	Outside   int64  // left out, for their time: Options.Since, Options.Until
	Watermark int64  // ms; state.NoTime before the first event
	Newest    int64  // the newest event time, ms; state.NoTime before the first event
	Waiting   int    // events that wait for the watermark (order: time)
	Rows      int64  // in memory
	Cold      int64  // rows in the store only
	Memory    int64  // bytes of the rows in memory, with their index
}

// RuleCounters are what one rule has done.
type RuleCounters struct {
	Rule              string
	Evaluated         int64         // judgements, those that abstained included
	Missing, NotReady int64         // judgements that abstained: for a name that was missing, because `ready` was false
	Names             []MissingName // what was missing, by name; a name beyond the first few is not told
	Errors            int64         // judgements that failed
	Late              int64         // judgements of windows that had closed, because of a late event
	TooLate           int64         // events that came too late for a fact
	Warming           []string      // facts whose windows could not be full as of the newest event
	Opened, Resolved  int64
	LastError         string
}

// add adds what another engine has counted for the same rule.
func (r *RuleCounters) add(o *RuleCounters) {
	r.Evaluated, r.Missing, r.NotReady = r.Evaluated+o.Evaluated, r.Missing+o.Missing, r.NotReady+o.NotReady
	r.Errors, r.Late, r.TooLate = r.Errors+o.Errors, r.Late+o.Late, r.TooLate+o.TooLate
	r.Opened, r.Resolved = r.Opened+o.Opened, r.Resolved+o.Resolved
	for _, x := range o.Names {
		r.lacked(x)
	}
	if r.LastError == "" {
		r.LastError = o.LastError
	}
}

// lacked adds how often a name was missing.
func (r *RuleCounters) lacked(x MissingName) {
	i, ok := slices.BinarySearchFunc(r.Names, x, func(a, b MissingName) int { return strings.Compare(a.Name, b.Name) })
	if !ok {
		r.Names = slices.Insert(slices.Clone(r.Names), i, MissingName{Name: x.Name})
	}
	r.Names[i].Count += x.Count
}

// TableCounters are what one table has done.
type TableCounters struct {
	Table   string
	Missing int64 // updates that left a field as it was, because something was missing
}

// Counters returns the figures as they are between two steps.
func (e *Engine) Counters() *Counters {
	c := &Counters{Rules: make([]RuleCounters, len(e.plan.rules)), Tables: make([]TableCounters, len(e.plan.Set.Tables))}
	warming := e.Warming()
	for i, rp := range e.plan.rules {
		c.Rules[i].Rule, c.Rules[i].Warming = rp.Name, warming[rp.Name]
	}
	for i, t := range e.plan.Set.Tables {
		c.Tables[i].Table = t.Name
	}
	for _, sh := range e.shards {
		sh.addTo(c)
	}
	c.Outside = e.outside
	c.Warmup, c.Behind, c.TooFar = e.counting.warmup, e.behind.most, e.behind.late
	c.Events, c.Waiting, c.Memory = e.events, len(e.waiting), e.Memory()
	c.Watermark, c.Newest = e.w, e.newest
	return c
}

func (sh *shard) addTo(c *Counters) {
	for _, r := range sh.rows {
		c.Rows += int64(r.Len())
		c.Cold += r.Cold
	}
	for i := range c.Rules {
		if !sh.counts[sh.engine.plan.rules[i].scope.dim.lane.id] {
			continue
		}
		n := &sh.count
		c.Rules[i].add(&RuleCounters{
			Evaluated: n.evaluated[i], Missing: n.missing[i], NotReady: n.notReady[i], Errors: n.errors[i],
			Late: n.late[i], TooLate: n.tooLate[i], Opened: n.opened[i], Resolved: n.resolved[i], LastError: n.lastError[i], Names: n.names[i],
		})
	}
	for i := range c.Tables {
		c.Tables[i].Missing += sh.count.tableMissing[i]
	}
	c.Mismatches += sh.count.mismatches
}

// Memory returns the bytes of the rows in memory, with their index.
func (e *Engine) Memory() (bytes int64) {
	for _, sh := range e.shards {
		bytes += sh.mem.Bytes() + sh.big.bytes
		for _, r := range sh.rows {
			bytes += r.Overhead()
		}
	}
	return bytes
}

// Times returns the oldest and the newest event time that was read, ms; state.NoTime before the first event.
func (e *Engine) Times() (oldest, newest int64) {
	if e.newest == none {
		return none, none
	}
	return e.behind.oldest, e.newest
}
