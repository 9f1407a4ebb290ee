package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kelpie/engine"
	"kelpie/rules"
)

func (s *Server) reloadRoutes() []*Route {
	return []*Route{{Method: http.MethodPost, Path: "/v1/reload", Scope: Operate, Handler: s.postReload}}
}

// Reloader reads the rules again: engine.Service.
type Reloader interface {
	// ReloadNow reads the rules again and says what came of it. The error is that of the rules (rules.Errors), or that
	// nothing came of it.
	ReloadNow(ctx context.Context) (engine.Reloaded, error)
}

// reloadTimeout is how long a caller waits for the rules.
const reloadTimeout = time.Minute

// reloadAnswer is what came of reading the rules again.
type reloadAnswer struct {
	Outcome  string    `json:"outcome"`           // adopted, filling (they wait for their windows to be filled), same or refused
	Version  string    `json:"version"`           // of the rules that run
	Filling  string    `json:"filling,omitempty"` // of those that wait
	Mistakes []mistake `json:"mistakes,omitempty"`
}

// mistake is one mistake in the rules, where it is.
type mistake struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// postReload reads the rules again: 200 if they run now, 422 with the mistakes if the old ones go on.
func (s *Server) postReload(w http.ResponseWriter, r *http.Request) {
	var nothing struct{}
	p := s.hear(w, r, &nothing)
	if p == nil {
		p = s.running()
	}
	if p != nil {
		p.write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), reloadTimeout)
	defer cancel()
	done, err := s.o.Service.ReloadNow(ctx)
	switch {
	case err == nil:
		a := reloadAnswer{Outcome: "adopted", Version: done.Version}
		switch {
		case done.Filling != "":
			a.Outcome, a.Filling = "filling", done.Filling
		case done.Same:
			a.Outcome = "same"
		}
		writeJSON(w, http.StatusOK, a)
	case errors.Is(err, engine.ErrRefused):
		writeJSON(w, http.StatusUnprocessableEntity, reloadAnswer{Outcome: "refused", Version: s.o.Service.Figures().Rules, Mistakes: mistakesOf(err)})
	default:
		notSaid(err).write(w)
	}
}

func mistakesOf(err error) (all []mistake) {
	var wrong rules.Errors
	if !errors.As(err, &wrong) {
		return []mistake{{Message: err.Error()}}
	}
	for _, e := range wrong {
		all = append(all, mistake{e.At.File, e.At.Line, e.At.Column, e.Message, e.Hint})
	}
	return all
}
