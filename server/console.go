package server

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// The console is the pages for people. All of it is made here: a browser gets whole pages, and forms that work without
// scripts. The script only fetches the same pages again and puts what has changed in place.

//go:embed console
var consoleFiles embed.FS

// consolePages are the templates of the pages, each with the layout around it, by name.
var consolePages = parseConsole()

func parseConsole() map[string]*template.Template {
	pages := map[string]*template.Template{}
	layout := template.Must(template.New("layout.html").Funcs(consoleFuncs).ParseFS(consoleFiles, "console/layout.html", "console/parts.html"))
	names, _ := fs.Glob(consoleFiles, "console/page_*.html") // the pattern is right
	for _, name := range names {
		key := strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "page_"), ".html")
		pages[key] = template.Must(template.Must(layout.Clone()).ParseFS(consoleFiles, name))
	}
	return pages
}

func (s *Server) consoleRoutes() []*Route {
	page := func(path string, h http.HandlerFunc) *Route {
		return &Route{Method: http.MethodGet, Path: path, Scope: Read, Page: true, Handler: h}
	}
	act := func(path string, h http.HandlerFunc) *Route {
		return &Route{Method: http.MethodPost, Path: path, Scope: Operate, Page: true, Handler: h}
	}
	return []*Route{
		page("/{$}", s.pageAlerts),
		page("/alerts/{id}", s.pageAlert),
		page("/rules", s.pageRules),
		page("/silences", s.pageSilences),
		act("/alerts/{id}/acknowledge", s.actAcknowledge),
		act("/alerts/{id}/label", s.actLabel),
		act("/alerts/{id}/resolve", s.actResolve),
		act("/alerts/{id}/silence", s.actSilenceAlert),
		act("/alerts/{id}/redeliver", s.actRedeliver),
		act("/silences", s.actAddSilence),
		act("/silences/{id}/expire", s.actExpireSilence),
		{Method: http.MethodGet, Path: "/login", Scope: Anyone, Page: true, Handler: s.pageLogin},
		{Method: http.MethodPost, Path: "/login", Scope: Anyone, Page: true, Handler: s.actLogin},
		{Method: http.MethodPost, Path: "/logout", Scope: Anyone, Page: true, Handler: s.actLogout},
		s.asset("console.css"), s.asset("console.js"), s.asset("icon.svg"),
	}
}

// asset is a file that pages need. It holds nothing of the service's data.
func (s *Server) asset(name string) *Route {
	b, _ := consoleFiles.ReadFile("console/" + name) // it is compiled in
	return &Route{Method: http.MethodGet, Path: "/console/" + name, Scope: Anyone, Free: true, Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		_, _ = w.Write(b)
	}}
}

// pagePolicy lets a page load what comes from here, and nothing else; nothing that stands in it is run or styles it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// frame is what stands around a page.
type frame struct {
	Title   string
	Here    string // which part of the console it is: alerts, rules, silences; "" is none
	Notice  string // what has just been done
	Who     string // whose session it is; "" is none
	Form    string // token of the session's forms
	Operate bool   // the caller may act
	Bare    bool   // without navigation and state of the service
	Strip   strip
	Content any
}

// show answers with a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, f frame) {
	f.Operate = s.mayOperate(r)
	if x := sessionOf(r.Context()); x != nil {
		f.Who, f.Form = x.who.name, x.form
	}
	if !f.Bare {
		f.Strip = s.stripNow()
	}
	f.Notice = notices[r.URL.Query().Get("done")]
	var b bytes.Buffer
	if err := consolePages[name].Execute(&b, f); err != nil {
		s.broken(err).write(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// notices are what a page says after something was done, by the word that the redirect names it with.
var notices = map[string]string{
	"acknowledge":    "Acknowledged. Others see that somebody takes care of it.",
	"true_positive":  "Labelled as a true positive.",
	"false_positive": "Labelled as a false positive.",
	"resolve":        "Resolved by hand.",
	"silence":        "Silenced. Nobody is told of what matches; it can still be seen here.",
	"expire":         "The silence has ended.",
	"redeliver":      "It is on its way again.",
	"logout":         "You are logged out.",
}

// deny answers a browser with a page that says why not, and a program with the problem.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, p *Problem) {
	if !wantsPage(r) || p.Status < 400 {
		p.write(w)
		return
	}
	p.header(w)
	s.show(w, r, p.Status, "problem", frame{Title: p.Title, Bare: true, Content: p})
}

// wantsPage reports whether a browser asks for something to show.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// readForm reads a form that a page has sent.
func readForm(w http.ResponseWriter, r *http.Request) *Problem {
	form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || form != "application/x-www-form-urlencoded" {
		return problem(http.StatusUnsupportedMediaType, "media-type", "Not this form", "the body is application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostSaid)
	err = r.ParseForm()
	var much *http.MaxBytesError
	switch {
	case errors.As(err, &much):
		return problem(http.StatusRequestEntityTooLarge, "too-large", "Too large", "a form has at most %d bytes", mostSaid).hangUp()
	case err != nil:
		return wrongBody("the form cannot be read").hangUp()
	}
	return nil
}

// readOwnForm reads a form by which somebody acts. In a session it must bear the session's token, which a page of somebody
// else cannot know.
func readOwnForm(w http.ResponseWriter, r *http.Request) *Problem {
	if p := readForm(w, r); p != nil {
		return p
	}
	if x := sessionOf(r.Context()); x != nil && !x.owns(r.PostForm.Get("form")) {
		return problem(http.StatusForbidden, "form", "Not this form", "the page was made before you logged in: go back, load it again, and repeat it")
	}
	return nil
}
