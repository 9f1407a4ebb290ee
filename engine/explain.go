package engine

import (
	"slices"
	"strings"

	"kelpie/rules"
	"kelpie/state"
)

// Explanation says how a plan is carried out and what it costs, for `kelpie check --plan`. Durations are written as in
// rules (10m); sizes are bytes.
type Explanation struct {
	Types  []string    `json:"types"`  // event types that somebody wants by name
	Fields []string    `json:"fields"` // what is decoded of every event, beside its type, time and id
	Rows   []RowPlan   `json:"rows"`
	Facts  []FactPlan  `json:"facts"`
	Rules  []RuleNeeds `json:"rules"`
}

// RowPlan is one kind of row: there is one row per value of the key.
type RowPlan struct {
	Key       string       `json:"key"`             // the paths; "" for the one row of rules without a key
	Alone     string       `json:"alone,omitempty"` // the rule whose lane it is: it reads several keys, so one shard folds it
	Rules     []string     `json:"rules"`
	Tables    []string     `json:"tables"`
	Fixed     int          `json:"fixed"` // of a row without the text of its key, without events, windows and open alerts
	PerEvent  []EventCost  `json:"per_event"`
	PerWindow []WindowCost `json:"per_window"`
}

// EventCost is what one event adds to a row for as long as some window can see it.
type EventCost struct {
	Events string `json:"events"` // the types and the filter of the rules
	Bytes  int    `json:"bytes"`  // without the text of values that are kept as text
	Kept   string `json:"kept"`   // "for 10m", "while its session is open"
}

// WindowCost is what one aligned window or one session with events in it adds to a row.
type WindowCost struct {
	Window string `json:"window"`
	Bytes  int    `json:"bytes"`
	AtMost int64  `json:"at_most"` // windows kept per row; 0: only sessions that are open
}

// FactPlan is one fact that is kept, once for all rules that name it.
type FactPlan struct {
	Fact  string   `json:"fact"` // as one of the rules writes it
	Key   string   `json:"key"`
	Kept  string   `json:"kept"`            // "running value", "events", "windows", "windows of events", "session", "session's events"
	Exact int      `json:"exact,omitempty"` // up to how many values in a window; beyond, the value comes from a sketch. 0: always
	Off   float64  `json:"off,omitempty"`   // the sketch's relative error
	Rules []string `json:"rules"`           // rule.name of each use
}

// RuleNeeds is what one rule needs.
type RuleNeeds struct {
	Rule    string   `json:"rule"`
	Key     string   `json:"key"`
	Judged  []string `json:"judged"`  // "event", "close"
	History string   `json:"history"` // how much of the past it sees; so long a new rule warms up. "0s": none
	Windows []string `json:"windows"` // each fact's, in order of writing: "spend: over 10m"
	Tables  []string `json:"tables"`  // the fields that it reads
}

// Explain describes the plan.
func (p *Plan) Explain() Explanation {
	x := Explanation{Types: slices.Clone(p.Schema.Types), Fields: []string{}, Rows: []RowPlan{}, Facts: []FactPlan{}, Rules: []RuleNeeds{}}
	for _, path := range p.Schema.Paths {
		x.Fields = append(x.Fields, path.String())
	}
	slices.Sort(x.Fields)
	for _, d := range p.dims {
		if len(d.scopes)+len(d.tables) > 0 {
			x.Rows = append(x.Rows, d.explain(p))
		}
		for _, s := range d.scopes {
			x.Facts = append(x.Facts, s.explainFacts(p)...)
		}
	}
	for _, rp := range p.rules {
		x.Rules = append(x.Rules, rp.explain())
	}
	return x
}

func (d *dim) explain(p *Plan) RowPlan {
	r := RowPlan{Key: d.name, Fixed: state.RowHeaderSize, Rules: []string{}, Tables: []string{}, PerEvent: []EventCost{}, PerWindow: []WindowCost{}}
	if len(d.lane.dims) > 1 {
		r.Alone = d.lane.owner()
	}
	for _, tp := range d.tables {
		r.Tables = append(r.Tables, tp.t.Name)
		r.Fixed += blockHeader + tp.fixed
	}
	for _, s := range d.scopes {
		for _, rp := range s.rules {
			r.Rules = append(r.Rules, rp.Name)
		}
		if s.stateless() {
			continue
		}
		r.Fixed += blockHeader + s.fixed
		if s.log != nil {
			r.PerEvent = append(r.PerEvent, EventCost{s.events(), s.log.Width, s.kept()})
		}
		r.PerWindow = append(r.PerWindow, s.explainWindows()...)
	}
	slices.Sort(r.Rules)
	return r
}

// blockHeader is what the directory of a row takes for one block.
const blockHeader = 8

// owner returns the rule that the lane is for.
func (l *lane) owner() string {
	for _, d := range l.dims {
		for _, s := range d.scopes {
			for _, rp := range s.rules {
				return rp.Name
			}
		}
	}
	return ""
}

// events says which events the scope's rules are about.
func (s *scope) events() string {
	text := "any event"
	if s.types != nil {
		text = strings.Join(s.types, ", ")
	}
	if s.where != nil {
		text += " where " + s.where.Src
	}
	return text
}

// kept says how long an entry of the log is kept.
func (s *scope) kept() string {
	keep := max(s.keepEvent, s.keepClose)
	switch {
	case s.foreign:
		keep = 2 * s.longest
	case keep == 0:
		return "while its session is open"
	}
	return "for " + rules.FormatDuration(keep)
}

func (s *scope) explainWindows() (out []WindowCost) {
	for _, g := range s.grids {
		out = append(out, WindowCost{"each " + rules.FormatDuration(g.each), g.width, (g.retain + g.each - 1) / g.each})
	}
	for _, x := range s.sessions {
		out = append(out, WindowCost{rules.Window{Kind: rules.Session, Gap: x.gap, Max: x.max}.String(), x.width, 0})
	}
	return out
}

// explainFacts lists the scope's facts with the rules that name them.
func (s *scope) explainFacts(p *Plan) (out []FactPlan) {
	for _, f := range s.facts {
		fp := FactPlan{Fact: factText(f.Fact), Key: s.dim.name, Kept: f.kind.kept(), Rules: []string{}}
		if f.limited {
			fp.Exact, fp.Off = maxValues, errorOf(f.Agg)
		}
		for _, rp := range p.rules {
			for i := range rp.facts {
				if rp.facts[i].shared == f {
					fp.Rules = append(fp.Rules, rp.Name+"."+rp.facts[i].Name)
				}
			}
		}
		out = append(out, fp)
	}
	return out
}

// kept says what a fact is computed from.
func (k factKind) kept() string {
	switch k {
	case slidingAcc:
		return "running value"
	case paneAcc, seriesAcc:
		return "windows"
	case sessionAcc:
		return "session"
	case sessionScan:
		return "session's events"
	case paneScan, seriesScan:
		return "windows of events"
	}
	return "events"
}

func (rp *rulePlan) explain() RuleNeeds {
	n := RuleNeeds{Rule: rp.Name, Key: pathsText(rp.By), History: rules.FormatDuration(rp.Longest), Judged: []string{}, Windows: []string{}, Tables: []string{}}
	if rp.OnEvent {
		n.Judged = append(n.Judged, "event")
	}
	if rp.OnClose {
		n.Judged = append(n.Judged, "close")
	}
	for _, f := range rp.Facts {
		if f.Expr != nil {
			continue
		}
		n.Windows = append(n.Windows, f.Name+": "+windowText(f.Window))
	}
	for _, t := range rp.TableRefs {
		n.Tables = append(n.Tables, t.Name)
	}
	return n
}

// factText writes a fact in its short form, with its expressions as they are written.
func factText(f *rules.Fact) string {
	text := f.Agg
	if f.Arg != nil {
		text += "(" + f.Arg.Src + ")"
	}
	if f.Of != nil {
		text += " of " + strings.Join(f.Of, ", ")
	}
	if f.Where != nil {
		text += " where " + f.Where.Src
	}
	w := windowText(f.Window)
	if f.Series != "" {
		each, over, _ := strings.Cut(w, ", ")
		text, w = f.Series+"("+text+" "+each+")", over
	}
	if text += " " + w; f.Seasonal {
		text += " at same hour-of-week"
	}
	return text
}

func windowText(w rules.Window) string {
	if w.Before > 0 {
		return w.String() + " before " + rules.FormatDuration(w.Before)
	}
	return w.String()
}

// Newest returns the greatest event time that was seen in a partition, ms; ok is false if none was.
func (e *Engine) Newest(partition int) (ms int64, ok bool) {
	t := e.partitions[partition].newest
	return t, t != none
}
