package server

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Health says how the service is.
type Health interface {
	// Problems returns why the service is not ready, in words; none if it is. fatal is what only a new start can heal.
	Problems() (all []string, fatal error)
	// Remarks returns what somebody should see to although the service is ready, in words that anybody may read.
	Remarks() []string
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

// Remarks returns what somebody should see to although events are taken.
func (s *Server) Remarks() []string { return s.o.Service.Remarks() }

// Healthz answers 200 unless log or state have failed, so that only a new start helps.
func Healthz(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, fatal := h.Problems()
		if fatal != nil {
			probe(w, false, fatal.Error())
			return
		}
		probe(w, true)
	}
}

// readiness is the JSON form of what Readyz answers.
type readiness struct {
	Ready    bool     `json:"ready"`
	Problems []string `json:"problems"` // why it is not
	Remarks  []string `json:"remarks"`  // what somebody should see to although it is
}

// Readyz answers 200 when the service works, and why it does not otherwise, a reason on each line; below that, what
// somebody should see to in any case. Who accepts JSON gets the same as JSON.
func Readyz(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		problems, _ := h.Problems()
		remarks := h.Remarks()
		ready := len(problems) == 0
		w.Header().Add("Vary", "Accept")
		if !acceptsJSON(r) {
			for i, text := range remarks {
				remarks[i] = "remark: " + text
			}
			probe(w, ready, append(problems, remarks...)...)
			return
		}
		status := http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, readiness{ready, append([]string{}, problems...), append([]string{}, remarks...)})
	}
}

// acceptsJSON reports whether a caller asks for JSON by name and does not refuse it; */* is no such name.
func acceptsJSON(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for _, one := range strings.Split(line, ",") {
			kind, params, err := mime.ParseMediaType(one)
			if err != nil || kind != "application/json" {
				continue
			}
			q, err := strconv.ParseFloat(params["q"], 64)
			return err != nil || q > 0
		}
	}
	return false
}

// probe says ok, or that it is not, and then its reasons or remarks, each on a line.
func probe(w http.ResponseWriter, ok bool, texts ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if ok {
		texts = append([]string{"ok"}, texts...)
	} else {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, strings.Join(texts, "\n"))
}
