package server

import (
	"cmp"
	"net/http"
	"slices"
)

// ruleRow is a rule as the console shows it.
type ruleRow struct {
	RuleHealth
	Blind bool   // it sees nothing for longer than is usual
	Quiet string // since when nothing was judged; "" is not known
}

// State is the word for its health.
func (r *ruleRow) State() string {
	if r.Health == RuleOK && r.Blind {
		return "blind"
	}
	return r.Health
}

// rulesPage is the content of the page of rules.
type rulesPage struct {
	Version string
	Rules   []ruleRow // what is not well first, then by name
}

func (s *Server) pageRules(w http.ResponseWriter, r *http.Request) {
	version, rows := s.ruleRows()
	s.show(w, r, http.StatusOK, "rules", frame{Title: "Rules", Here: "rules", Content: &rulesPage{version, rows}})
}

func (s *Server) ruleRows() (version string, rows []ruleRow) {
	version, all := s.RulesHealth()
	quiet, now := s.o.Service.Figures().Quiet, s.o.Now()
	for _, h := range all {
		q := quiet[h.Rule]
		row := ruleRow{RuleHealth: h, Blind: q.Blind(now)}
		if q.Seen > 0 {
			row.Quiet = spanText(now.UnixMilli() - q.Seen)
		}
		rows = append(rows, row)
	}
	ill := []string{RuleOK, RuleWarming, "blind", RuleError}
	slices.SortStableFunc(rows, func(a, b ruleRow) int {
		return cmp.Or(cmp.Compare(slices.Index(ill, b.State()), slices.Index(ill, a.State())), cmp.Compare(a.Rule, b.Rule))
	})
	return version, rows
}

// troubles are what keeps alerts from being trusted: a page without alerts must not look calm while they last.
func (s *Server) troubles() (all []string) {
	all, _ = s.Problems()
	all = append(all, s.Remarks()...)
	_, rows := s.ruleRows()
	for i := range rows {
		switch r := &rows[i]; r.State() {
		case RuleError:
			all = append(all, "the rule "+r.Rule+" fails: "+r.LastError)
		case "blind":
			all = append(all, "the rule "+r.Rule+" may be blind: it has judged nothing for "+r.Quiet)
		}
	}
	return all
}
