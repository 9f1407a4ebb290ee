package backtest

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// result puts together what has been counted.
func (r *run) result() *Result {
	c, survey, full := r.engine.Counters(), r.engine.Survey(), r.engine.FullFrom()
	r.meeting.end(r.open)
	res := &Result{Version: ResultVersion, History: r.historyResult(c)}
	list := make([]RuleResult, len(r.rules))
	for i, rule := range r.rules {
		list[i] = r.ruleResult(rule, &c.Rules[i], res.History.Days)
		if list[i].Full = Time(full[i]); list[i].Alerts == 0 {
			list[i].Never = r.never(rule, &c.Rules[i], survey, Time(full[i]), res.History.Last)
		}
	}
	for v := range r.spec.Variants {
		res.Variants = append(res.Variants, r.variantResult(v, list, res.History.Days))
	}
	return res
}

func (r *run) historyResult(c *engine.Counters) HistoryResult {
	first, last := r.engine.Times()
	h := HistoryResult{Names: r.history.Names(), Bytes: r.read.Done, Records: r.read.Events, Events: int64(c.Events), Warmup: int64(c.Warmup), Outside: c.Outside,
		Refused: r.tally.refuse, First: Time(first), Last: Time(last), Days: 1}
	h.Order = OrderResult{ByTime: r.spec.Time.ByTime, Allowed: r.spec.Time.Disorder, Needed: c.Behind, TooFar: c.TooFar}
	if r.spec.From != 0 && h.First != NoTime {
		h.First = max(h.First, Time(r.spec.From))
	}
	if h.Last != NoTime {
		h.Days = math.Max(1, float64(h.Last-h.First)/day)
	}
	return h
}

func (r *run) ruleResult(rule *Rule, c *engine.RuleCounters, days float64) RuleResult {
	t := &r.tally.rules[rule.Index]
	out := RuleResult{Rule: rule.Name, Description: rule.Description, Severity: rule.Severity, Mode: rule.Mode, Decide: rule.Decide,
		By: []string{}, TopKeys: t.keys.top()}
	for _, p := range rule.By {
		out.By = append(out.By, p.String())
	}
	out.Figures = Figures{Evaluations: c.Evaluated, Abstained: Abstentions{Missing: c.Missing, NotReady: c.NotReady, Errors: c.Errors},
		Alerts: t.alerts, Open: t.open, Warming: t.warming, First: NoTime, Last: NoTime}
	for _, x := range c.Names {
		out.Abstained.name(x.Name, x.Count)
	}
	if rule.Longest > 0 {
		out.History = rules.FormatDuration(rule.Longest)
	}
	out.Keys, _ = t.keys.distinct()
	if t.alerts > 0 {
		out.First, out.Last = Time(t.first), Time(t.last)
	}
	out.spread(days, t.days, t.hours)
	for _, s := range t.sample {
		out.Samples = append(out.Samples, s.alert.Result())
	}
	slices.SortFunc(out.Samples, func(a, b AlertResult) int {
		return cmp.Or(cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// spread fills in how alerts lie over time.
func (f *Figures) spread(days float64, byDay, byHour map[int64]int64) {
	f.PerDay = float64(f.Alerts) / days
	f.WorstDay, f.WorstHour, f.Days = busiest(byDay), busiest(byHour), dayCounts(byDay)
}

func (r *run) variantResult(v int, list []RuleResult, days float64) VariantResult {
	x := &r.spec.Variants[v]
	out := VariantResult{Name: x.Name, Role: x.Role, Params: x.Params, Rules: []RuleResult{}}
	out.Total.First, out.Total.Last = NoTime, NoTime
	byDay, byHour := map[int64]int64{}, map[int64]int64{}
	for i, rule := range r.rules {
		if !slices.Contains(rule.Variants, v) {
			continue
		}
		if x.Role != Point || slices.ContainsFunc(x.Params, func(s Setting) bool { return s.Rule == rule.Name }) {
			own := list[i]
			own.Alone = r.meeting.alone(i, v)
			out.Rules = append(out.Rules, own)
		}
		out.Total.add(&list[i].Figures)
		addCounts(byDay, r.tally.rules[i].days)
		addCounts(byHour, r.tally.rules[i].hours)
	}
	if x.Role != Point {
		out.Overlaps = r.meeting.overlaps(v)
	}
	out.Total.spread(days, byDay, byHour)
	return out
}

// add adds the counts of a rule; how they lie over time is not a sum.
func (f *Figures) add(x *Figures) {
	f.Evaluations += x.Evaluations
	f.Abstained.Missing += x.Abstained.Missing
	f.Abstained.NotReady += x.Abstained.NotReady
	f.Abstained.Errors += x.Abstained.Errors
	f.Alerts += x.Alerts
	f.Open += x.Open
	f.Warming += x.Warming
	f.Keys += x.Keys
	if x.First != NoTime && (f.First == NoTime || x.First < f.First) {
		f.First = x.First
	}
	f.Last = max(f.Last, x.Last)
}

// name adds abstentions for a name.
func (a *Abstentions) name(name string, n int64) {
	if a.Names == nil {
		a.Names = map[string]int64{}
	}
	a.Names[name] += n
}

func addCounts(sum, x map[int64]int64) {
	for t, n := range x {
		sum[t] += n
	}
}

// Result is the alert as it stands in results.
func (a *Alert) Result() AlertResult {
	out := AlertResult{ID: a.ID, Key: a.Key, Opened: Time(a.Opened), Resolved: NoTime, Reason: a.Reason, EventID: a.EventID, Position: a.Position,
		Message: a.Message, Values: map[string]any{}, Warming: a.Warming}
	if a.Done {
		out.Resolved = Time(a.Resolved)
	}
	if a.Window != nil {
		out.Window = &SpanResult{Time(a.Window.Start), Time(a.Window.End)}
	}
	for _, v := range a.Values {
		out.Values[v.Name] = json.RawMessage(event.AppendJSON(nil, v.Value))
	}
	return out
}
