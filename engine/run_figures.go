package engine

import (
	"maps"
	"slices"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
)

// Figures are what a service has done since it started, for its metrics. They are as they were at the last commit.
type Figures struct {
	Engine *Counters        // of the rules that run; what earlier versions of a rule have done is in it
	Open   map[string]int64 // alerts that are open, by rule
	Rules  string           // fingerprint of the rules that run
	Set    *rules.Set       // the rules that run; nil before the first commit

	Inputs                  map[string]InputFigures // by name; what was folded from the log at the start is under "(log)"
	Appended                Histogram               // seconds from reading a batch until it was durable in the log, and its turn to be folded
	Commits                 Histogram               // seconds that commits took
	Synced                  int64                   // of the commits
	Rows                    int64                   // rows that commits wrote
	Strides                 int64                   // runs of records that were folded at once
	Ticks                   int64                   // records that say that time went on
	Evicted                 int64                   // rows that left memory
	Forgotten               int64                   // alerts that had resolved long ago
	Reloads, RefusedReloads int64                   // of the rules
	Refusal                 error                   // why the rules that were read last do not run; nil: they do

	Dedupe []DedupeFigures // of sources whose events may come again

	Quiet   map[string]Quiet // by rule
	Filling *Filling         // windows are being filled for rules that wait for them; nil: none are

	sent []sentMark // when messages were committed, oldest first
}

// sentMark says that the messages up to a sequence number, and above that of the mark before, were committed at a time.
type sentMark struct {
	upTo uint64
	at   time.Time
}

// sentMarks is how many marks are kept at most.
const sentMarks = 256

// Committed returns when the message with a sequence number was committed, or an earlier time; the zero Time if that is
// not known.
func (f *Figures) Committed(seq uint64) time.Time {
	for _, m := range f.sent {
		if m.upTo >= seq {
			return m.at
		}
	}
	return time.Time{}
}

// InputFigures are what came from one input.
type InputFigures struct {
	Folded, Refused int64
	Bytes           int64 // of both
	Lost            int64 // gaps in a stream: runs of records that were gone before they were read, or read again
}

// replayed is the input of records that were in the log when the service started.
const replayed = "(log)"

// Histogram counts observations by size.
type Histogram struct {
	Counts []int64 // parallel to Buckets; not cumulative; what is larger is in Count only
	Count  int64
	Sum    float64
}

// Buckets returns the upper bounds of a Histogram's counts, in seconds.
func Buckets() []float64 {
	return []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}
}

func (h *Histogram) observe(d time.Duration) {
	x := d.Seconds()
	h.Count++
	h.Sum += x
	for i, most := range buckets {
		if x <= most {
			h.Counts[i]++
			return
		}
	}
}

var buckets = Buckets()

// tally gathers the figures. It belongs to the loop.
type tally struct {
	Figures
	past map[string]RuleCounters // of engines that went before, by rule
	sick map[string]bool         // rules that have been said to be unhealthy

	judged map[string]int64 // judgements of each rule when the figures were published last
}

func newTally(inputs []Input) *tally {
	t := &tally{past: map[string]RuleCounters{}, sick: map[string]bool{}, judged: map[string]int64{}}
	t.Quiet = map[string]Quiet{}
	t.Open, t.Inputs = map[string]int64{}, map[string]InputFigures{}
	for _, in := range inputs { // so that the first thing counted is seen as one more
		t.Inputs[in.Name] = InputFigures{}
	}
	t.Appended.Counts, t.Commits.Counts = make([]int64, len(buckets)), make([]int64, len(buckets))
	return t
}

// count counts a stretch that was folded.
func (t *tally) count(x *stretch, fx *Effects) {
	t.Strides++
	if x.kind == journal.TimeAdvanced {
		t.Ticks++
		return
	}
	in := t.Inputs[x.input]
	refused := int64(0)
	for i := range fx.Rejected {
		if fx.Rejected[i].Reason == event.Lost {
			in.Lost++
		} else {
			refused++
		}
	}
	in.Refused += refused
	in.Folded += int64(len(x.lines)) - refused
	for i := range x.lines {
		in.Bytes += int64(x.lines[i].End - x.lines[i].Start)
	}
	t.Inputs[x.input] = in
}

func (t *tally) committed(c *commit) {
	t.Commits.observe(c.took)
	t.Rows += int64(c.pending.Rows)
	if c.sync {
		t.Synced++
	}
}

// sentUpTo notes that the messages up to a sequence number have been committed by now.
func (t *tally) sentUpTo(seq uint64, now time.Time) {
	n := len(t.sent)
	if seq == 0 || n > 0 && t.sent[n-1].upTo == seq {
		return
	}
	if n == sentMarks { // two and two become one
		for i := range n / 2 {
			t.sent[i] = sentMark{t.sent[2*i+1].upTo, t.sent[2*i].at}
		}
		t.sent = t.sent[:n/2]
	}
	t.sent = append(t.sent, sentMark{seq, now})
}

// retire keeps what an engine has counted, of the rules that go on.
func (t *tally) retire(c *Counters) {
	for i := range c.Rules {
		r := t.past[c.Rules[i].Rule]
		r.add(&c.Rules[i])
		t.past[c.Rules[i].Rule] = r
	}
}

// snapshot returns the figures as they are.
func (t *tally) snapshot(e *Engine, version string) *Figures {
	f := t.Figures
	f.Open, f.Inputs, f.Rules = maps.Clone(t.Open), maps.Clone(t.Inputs), version
	f.Set = e.plan.Set
	f.Appended, f.Commits, f.sent = t.Appended.clone(), t.Commits.clone(), slices.Clone(t.sent)
	f.Engine, f.Dedupe = e.Counters(), e.dedupeFigures()
	for i := range f.Engine.Rules {
		past := t.past[f.Engine.Rules[i].Rule]
		f.Engine.Rules[i].add(&past)
	}
	return &f
}

func (h Histogram) clone() Histogram {
	h.Counts = slices.Clone(h.Counts)
	return h
}

// publish lets others see the figures, and says which rules have become unhealthy.
func (l *loop) publish() {
	f := l.tally.snapshot(l.engine, l.rules)
	l.tally.watch(f.Engine.Rules, l.now())
	f.Quiet = maps.Clone(l.tally.Quiet)
	for i := range f.Engine.Rules {
		if r := &f.Engine.Rules[i]; r.Errors > 0 && !l.tally.sick[r.Rule] {
			l.tally.sick[r.Rule] = true
			l.s.o.Logger.Error("kelpie: a judgement failed, the rule is unhealthy", "rule", r.Rule, "error", r.LastError)
		}
	}
	l.s.figures.Store(f)
}

// Figures returns the service's figures.
func (s *Service) Figures() *Figures {
	f := s.figures.Load()
	if x := s.Filling(); x != nil {
		now := *f
		now.Filling = x
		return &now
	}
	return f
}
