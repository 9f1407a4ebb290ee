package server

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"kelpie/engine"
)

func (s *Server) tableRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/v1/tables", Scope: Read, Handler: s.getTables},
		{Method: http.MethodGet, Path: "/v1/tables/{name}/{key...}", Scope: Read, Handler: s.getTableRow},
		{Method: http.MethodGet, Path: "/v1/features", Scope: Read, Handler: s.getFeatures},
	}
}

// plans keeps the plan of the rules by which was folded what is committed.
type plans struct {
	sync.Mutex
	version string
	reloads int64
	plan    *engine.Plan
}

// plan returns the plan of the rules that run, to look into what is committed.
func (s *Server) plan() (*engine.Plan, *Problem) {
	f := s.o.Service.Figures()
	if f.Engine == nil {
		return nil, starting()
	}
	c := &s.plans
	c.Lock()
	defer c.Unlock()
	if c.plan != nil && c.version == f.Rules && c.reloads == f.Reloads {
		return c.plan, nil
	}
	p, err := engine.StoredPlan(s.o.Store, f.Rules)
	switch {
	case err != nil:
		return nil, s.broken(err)
	case p == nil:
		return nil, problem(http.StatusServiceUnavailable, "not-running", "Not now", "nothing has been committed by these rules yet").after(time.Second)
	}
	c.plan, c.version, c.reloads = p, f.Rules, f.Reloads
	return p, nil
}

func (s *Server) getTables(w http.ResponseWriter, r *http.Request) {
	p := paramsOf(r).end()
	f := s.o.Service.Figures()
	if p == nil && f.Engine == nil {
		p = starting()
	}
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Tables []engine.TableInfo `json:"tables"`
	}{engine.Tables(f.Set)})
}

// getTableRow answers with the row of a key: its parts are the parts of the path.
func (s *Server) getTableRow(w http.ResponseWriter, r *http.Request) {
	p := paramsOf(r).end()
	var plan *engine.Plan
	if p == nil {
		plan, p = s.plan()
	}
	if p != nil {
		p.write(w)
		return
	}
	name, key := r.PathValue("name"), strings.Split(r.PathValue("key"), "/")
	t := plan.Set.Table(name)
	if t == nil {
		var names []string
		for _, t := range plan.Set.Tables {
			names = append(names, t.Name)
		}
		noName("table", name, names).write(w)
		return
	}
	if n := len(t.Key); len(key) > n && n == 1 { // a slash in the key
		key = []string{r.PathValue("key")}
	}
	if len(key) != len(t.Key) {
		problem(http.StatusBadRequest, "query", "The key is wrong", "the key of %s is %s", name, strings.Join(pathTexts(t.Key), "/")).write(w)
		return
	}
	row, ok, err := plan.TableRow(s.o.Store, name, key)
	switch {
	case err != nil:
		s.broken(err).write(w)
	case !ok:
		problem(http.StatusNotFound, "no-row", "No such row", "%s has no row %s", name, strings.Join(s.o.Mask.Key(key, pathTexts(t.Key)), "/")).write(w)
	default:
		writeBytes(w, append(row.Masked(s.o.Mask, t).AppendJSON(nil), '\n'))
	}
}

// getFeatures answers with the facts of a key as of the newest event time that is committed.
func (s *Server) getFeatures(w http.ResponseWriter, r *http.Request) {
	x := paramsOf(r)
	name, key := x.text("rule"), x.list("key")
	if name == "" {
		x.mistake("rule: it is needed")
	}
	p := x.end()
	var plan *engine.Plan
	if p == nil {
		plan, p = s.plan()
	}
	if p != nil {
		p.write(w)
		return
	}
	rule := plan.Set.Rule(name)
	switch {
	case rule == nil:
		var names []string
		for _, r := range plan.Set.Rules {
			names = append(names, r.Name)
		}
		noName("rule", name, names).write(w)
		return
	case len(key) != len(rule.By):
		problem(http.StatusBadRequest, "query", "The key is wrong", "the key of %s has %d parts (%s), and %d are given", name, len(rule.By), strings.Join(pathTexts(rule.By), ", "), len(key)).write(w)
		return
	}
	f, err := plan.FactsNow(s.o.Store, name, key)
	switch {
	case err != nil:
		s.broken(err).write(w)
	case !f.Known:
		problem(http.StatusNotFound, "no-key", "No such key", "nothing is kept of this key").write(w)
	default:
		writeBytes(w, append(f.Masked(s.o.Mask, rule).AppendJSON(nil), '\n'))
	}
}
