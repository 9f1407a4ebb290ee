package engine

// Counters are what an engine has counted since it was made, and how it stands.
type Counters struct {
	Rules      []RuleCounters // in the order of the set
	Tables     []TableCounters
	Mismatches int64 // values of a type that the use does not allow

	Events    uint64 // folded since the state is there
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
	Evaluated         int64    // judgements, those that abstained included
	Missing, NotReady int64    // judgements that abstained: for a name that was missing, because `ready` was false
	Errors            int64    // judgements that failed
	Late              int64    // judgements of windows that had closed, because of a late event
	TooLate           int64    // events that came too late for a fact
	Warming           []string // facts whose windows could not be full as of the newest event
	Opened, Resolved  int64
	LastError         string
}

// add adds what another engine has counted for the same rule.
func (r *RuleCounters) add(o *RuleCounters) {
	r.Evaluated, r.Missing, r.NotReady = r.Evaluated+o.Evaluated, r.Missing+o.Missing, r.NotReady+o.NotReady
	r.Errors, r.Late, r.TooLate = r.Errors+o.Errors, r.Late+o.Late, r.TooLate+o.TooLate
	r.Opened, r.Resolved = r.Opened+o.Opened, r.Resolved+o.Resolved
	if r.LastError == "" {
		r.LastError = o.LastError
	}
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
	c.Events, c.Waiting, c.Memory = e.events, len(e.waiting), e.Memory()
	c.Watermark, c.Newest = e.w, e.newest
	return c
}

func (sh *shard) addTo(c *Counters) {
	for i := range c.Rules {
		n := &sh.count
		c.Rules[i].add(&RuleCounters{
			Evaluated: n.evaluated[i], Missing: n.missing[i], NotReady: n.notReady[i], Errors: n.errors[i],
			Late: n.late[i], TooLate: n.tooLate[i], Opened: n.opened[i], Resolved: n.resolved[i], LastError: n.lastError[i],
		})
	}
	for i := range c.Tables {
		c.Tables[i].Missing += sh.count.tableMissing[i]
	}
	c.Mismatches += sh.count.mismatches
	for _, r := range sh.rows {
		c.Rows += int64(r.Len())
		c.Cold += r.Cold
	}
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

// Times returns the time of the first event that was folded or waits, and the newest event time, ms; state.NoTime before
// the first event.
func (e *Engine) Times() (first, newest int64) { return e.warmth.start, e.newest }
