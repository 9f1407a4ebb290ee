package server

import (
	"fmt"
	"net/http"
	"strings"
)

// Health says how the service is.
type Health interface {
	// Problems returns why the service is not ready, in words; none if it is. fatal is what only a new start can heal.
	Problems() (all []string, fatal error)
}

func (s *Server) healthRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/healthz", Scope: Anyone, Free: true, Handler: Healthz(s)},
		{Method: http.MethodGet, Path: "/readyz", Scope: Anyone, Free: true, Handler: Readyz(s)},
	}
}

// Problems returns why events are not taken, in words, and what of it is fatal.
func (s *Server) Problems() (all []string, fatal error) {
	all, fatal = s.o.Service.Problems()
	if !s.loaded.Load() {
		all = append(all, "the ids of earlier events are being read")
	}
	return all, fatal
}

// Healthz answers 200 unless log or state have failed, so that only a new start helps.
func Healthz(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, fatal := h.Problems()
		probe(w, fatal == nil, fmt.Sprint(fatal))
	}
}

// Readyz answers 200 when the service works, and why it does not otherwise.
func Readyz(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		problems, _ := h.Problems()
		probe(w, len(problems) == 0, problems...)
	}
}

// probe says ok, or why not, a reason on each line.
func probe(w http.ResponseWriter, ok bool, reasons ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if ok {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, strings.Join(reasons, "\n"))
}
