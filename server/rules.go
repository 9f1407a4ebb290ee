package server

import (
	"net/http"
	"time"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

func (s *Server) ruleRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/v1/rules", Scope: Read, Handler: s.getRules},
		{Method: http.MethodGet, Path: "/v1/rules/{name}", Scope: Read, Handler: s.getRule},
	}
}

// RuleHealth is a rule that runs, and what it has done since the service started. Members may be added to its JSON form.
type RuleHealth struct {
	Rule        string    `json:"rule"`
	Description string    `json:"description,omitempty"`
	Severity    string    `json:"severity"`
	Mode        string    `json:"mode"`
	Decide      string    `json:"decide,omitempty"`
	Events      []string  `json:"events"` // types; * is any
	By          []string  `json:"by"`     // fields of the key; empty: it has one instance for all events
	Health      string    `json:"health"` // ok, warming: some window could not be full yet, error: a judgement has failed
	Evaluated   int64     `json:"evaluated"`
	Abstained   Abstained `json:"abstained"`
	Errors      int64     `json:"errors"`
	LastError   string    `json:"last_error,omitempty"`
	Late        int64     `json:"late"`     // judgements of closed windows, because of a late event
	TooLate     int64     `json:"too_late"` // events that came too late for a fact
	Fired       int64     `json:"fired"`    // alerts that opened
	Resolved    int64     `json:"resolved"`
	Open        int64     `json:"open"`    // alerts that are open
	Warming     []string  `json:"warming"` // facts whose windows could not be full yet
	Text        string    `json:"text,omitempty"`
}

// Abstained are judgements that could not be made, by reason.
type Abstained struct {
	Missing  int64 `json:"missing"`   // a name had no value
	NotReady int64 `json:"not_ready"` // `ready` was false
}

// The words for the health of a rule.
const (
	RuleOK      = "ok"
	RuleWarming = "warming"
	RuleError   = "error"
)

// RulesHealth returns the rules that run, by name, and the version of them all; nil before anything was folded.
func (s *Server) RulesHealth() (version string, all []RuleHealth) {
	f := s.o.Service.Figures()
	if f.Engine == nil {
		return "", nil
	}
	all = []RuleHealth{}
	for i := range f.Engine.Rules {
		if rule := f.Set.Rule(f.Engine.Rules[i].Rule); rule != nil {
			all = append(all, healthOf(rule, &f.Engine.Rules[i], f.Open[rule.Name]))
		}
	}
	return f.Rules, all
}

func healthOf(rule *rules.Rule, n *engine.RuleCounters, open int64) RuleHealth {
	h := RuleHealth{
		Rule: rule.Name, Description: rule.Description, Severity: rule.Severity, Mode: rule.Mode, Decide: rule.Decide,
		Events: rule.Events, By: pathTexts(rule.By), Health: RuleOK,
		Evaluated: n.Evaluated, Abstained: Abstained{n.Missing, n.NotReady}, Errors: n.Errors, LastError: n.LastError,
		Late: n.Late, TooLate: n.TooLate, Fired: n.Opened, Resolved: n.Resolved, Open: open, Warming: append([]string{}, n.Warming...),
	}
	if h.Events == nil {
		h.Events = []string{"*"}
	}
	switch {
	case n.Errors > 0:
		h.Health = RuleError
	case len(n.Warming) > 0:
		h.Health = RuleWarming
	}
	return h
}

// pathTexts writes paths of fields as rules do.
func pathTexts(paths []event.Path) []string {
	texts := make([]string, len(paths))
	for i, p := range paths {
		texts[i] = p.String()
	}
	return texts
}

func (s *Server) getRules(w http.ResponseWriter, r *http.Request) {
	p := paramsOf(r).end()
	version, all := s.RulesHealth()
	if p == nil && all == nil {
		p = starting()
	}
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Version string       `json:"version"`
		Rules   []RuleHealth `json:"rules"`
		Filling *Filling     `json:"filling,omitempty"`
	}{version, all, fillingOf(s.o.Service.Figures().Filling, s.o.Now())})
}

func (s *Server) getRule(w http.ResponseWriter, r *http.Request) {
	if p := paramsOf(r).end(); p != nil {
		p.write(w)
		return
	}
	_, all := s.RulesHealth()
	if all == nil {
		starting().write(w)
		return
	}
	names := make([]string, len(all))
	for i := range all {
		if names[i] = all[i].Rule; names[i] == r.PathValue("name") {
			all[i].Text = s.o.Service.Figures().Set.Rule(names[i]).Text
			writeJSON(w, http.StatusOK, all[i])
			return
		}
	}
	noName("rule", r.PathValue("name"), names).write(w)
}

// starting says that nothing can be said yet.
func starting() *Problem {
	return problem(http.StatusServiceUnavailable, "not-running", "Not now", "the service is starting").after(time.Second)
}

// noName says that there is nothing of that name, and what was probably meant.
func noName(kind, name string, names []string) *Problem {
	hint := ""
	if meant := rules.DidYouMean(name, names); meant != "" {
		hint = ": " + meant
	}
	return problem(http.StatusNotFound, "no-"+kind, "No such "+kind, "there is no %s %q%s", kind, name, hint)
}
