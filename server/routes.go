package server

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Route is one thing that can be asked for.
type Route struct {
	Method string // GET (HEAD too), POST, DELETE
	Path   string // as http.ServeMux has it: /v1/alerts/{id}
	Scope  Scope  // that the caller's token must have; Anyone: none
	Page   bool   // for a browser: a link on another site may lead to it

	// Free says that a request takes none of the places of those that are worked on at once: it is answered from memory,
	// or for as long as the caller stays.
	Free    bool
	Handler http.HandlerFunc

	codes [600]atomic.Int64 // of answers, by status
	took  histogram
}

// name is what metrics call the route.
func (r *Route) name() string {
	if r.Method == "" {
		return r.Path
	}
	return r.Method + " " + r.Path
}

// Anyone is the scope of what needs no token.
const Anyone Scope = ""

// Routes returns all that can be asked for. Its order means nothing.
func (s *Server) Routes() []*Route { return s.routes }

// families are the groups of routes, each in a file of its own.
func (s *Server) families() []*Route {
	return slices.Concat(
		s.healthRoutes(),
		s.eventRoutes(),
		s.decisionRoutes(),
		s.alertRoutes(),
		s.evidenceRoutes(),
		s.silenceRoutes(),
		s.deliveryRoutes(),
		s.ruleRoutes(),
		s.streamRoutes(),
		s.tableRoutes(),
		s.statusRoutes(),
		s.reloadRoutes(),
		s.openAPIRoutes(),
		s.interactionRoutes(),
		s.consoleRoutes(),
	)
}

// route makes the handler of all routes.
func (s *Server) route() {
	s.routes = s.families()
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range s.routes {
		mux.Handle(r.Method+" "+r.Path, s.guard(r, r.Handler))
		if allowed[r.Path] = append(allowed[r.Path], r.Method); r.Method == http.MethodGet {
			allowed[r.Path] = append(allowed[r.Path], http.MethodHead)
		}
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		mux.Handle(path, s.guard(&s.other, func(w http.ResponseWriter, _ *http.Request) {
			problem(http.StatusMethodNotAllowed, "method", "Method not allowed", "%s takes %s", path, allow).with("Allow", allow).write(w)
		}))
	}
	mux.Handle("/", s.guard(&s.other, func(w http.ResponseWriter, r *http.Request) {
		problem(http.StatusNotFound, "not-found", "Not found", "there is nothing at %s", r.URL.Path).write(w)
	}))
	s.handler = mux
}

// guard lets a request come to its route if it may.
func (s *Server) guard(rt *Route, handler http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.o.Now()
		a := &answer{ResponseWriter: w, rc: http.NewResponseController(w), now: s.o.Now}
		defer func() { s.end(rt, a, began, recover()) }()
		if rt.Free && r.Body == http.NoBody {
			_ = a.rc.SetReadDeadline(time.Time{}) // nothing is to come, for as long as the caller stays
		}
		secure(w.Header(), rt)
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close") // there may have been a Content-Length, too (RFC 9112, 6.1)
		}
		r, p := s.admit(rt, r)
		if p != nil {
			if rt.Page {
				s.deny(a, r, p)
			} else {
				p.write(a)
			}
			return
		}
		if !rt.Free {
			if p := s.enter(r.Context()); p != nil {
				p.write(a)
				return
			}
			defer s.leave()
		}
		handler(a, r)
	})
}

// What stands in the headers of most answers. The slices are shared: nobody changes them.
var (
	noSniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	nothing    = []string{"default-src 'none'; frame-ancestors 'none'"}
	sameOrigin = []string{"same-origin"}
	plainJSON  = []string{"application/json"}
)

// secure says what a browser must not do with the answer.
func secure(h http.Header, rt *Route) {
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	if rt.Page {
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	} else {
		h["Content-Security-Policy"] = nothing
	}
}

// answer is a ResponseWriter that knows what was answered, and gives a slow reader so much time and no more.
type answer struct {
	http.ResponseWriter
	rc   *http.ResponseController
	now  func() time.Time
	code int
}

// answerTimeout is how long the caller may take to read an answer.
const answerTimeout = 30 * time.Second

// Unwrap lets http.ResponseController find what can be flushed and has deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if a.code == 0 && code >= 200 {
		a.code = code
		_ = a.rc.SetWriteDeadline(a.now().Add(answerTimeout)) // where there are no deadlines there is no network
	}
	a.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.code == 0 {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

func (a *answer) status() int {
	if a.code == 0 {
		return http.StatusOK
	}
	return min(a.code, 599)
}

// end counts an answer. why is what a handler panicked with: nothing of it reaches the caller, and what was answered in part
// does not look whole.
func (s *Server) end(rt *Route, a *answer, began time.Time, why any) {
	partial := a.code != 0
	if why != nil && why != http.ErrAbortHandler {
		s.o.Logger.Error("kelpie: a request failed", "route", rt.Path, "error", fmt.Sprint(why), "stack", string(debug.Stack()))
		if !partial {
			problem(http.StatusInternalServerError, "internal", "Internal error", "the service's log says more").write(a)
		}
	}
	rt.codes[a.status()].Add(1)
	rt.took.observe(s.o.Now().Sub(began))
	if why != nil && partial {
		panic(http.ErrAbortHandler)
	}
}
