package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// session is somebody's login. It lives in memory: a restart logs everybody out.
type session struct {
	who   *bearer
	form  string // token of its forms
	until time.Time
}

// owns reports whether a form bears the session's token.
func (x *session) owns(form string) bool {
	return subtle.ConstantTimeCompare([]byte(form), []byte(x.form)) == 1
}

const (
	sessionLife  = 12 * time.Hour
	mostSessions = 1000 // then the oldest ends
)

// sessions are the logins, by the hash of their ids, so that how long it takes to find one says nothing of an id.
type sessions struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*session
}

// begin begins a session and returns its id.
func (x *sessions) begin(who *bearer, now time.Time) (id string) {
	id = rand.Text()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all == nil {
		x.all = map[[sha256.Size]byte]*session{}
	}
	x.clean(now)
	x.all[sha256.Sum256([]byte(id))] = &session{who: who, form: rand.Text(), until: now.Add(sessionLife)}
	return id
}

// clean takes away what is over, and the oldest if there are too many.
func (x *sessions) clean(now time.Time) {
	var oldest [sha256.Size]byte
	for key, one := range x.all {
		if !now.Before(one.until) {
			delete(x.all, key)
		} else if first := x.all[oldest]; first == nil || one.until.Before(first.until) {
			oldest = key
		}
	}
	if len(x.all) >= mostSessions {
		delete(x.all, oldest)
	}
}

// find returns the session with an id; nil if there is none, or none any more.
func (x *sessions) find(id string, now time.Time) *session {
	x.mu.Lock()
	defer x.mu.Unlock()
	one := x.all[sha256.Sum256([]byte(id))]
	if one == nil || !now.Before(one.until) {
		return nil
	}
	return one
}

func (x *sessions) end(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.all, sha256.Sum256([]byte(id)))
}

// cookie is the name of the session's cookie. Where pages come by TLS, a browser holds that nobody else can set it.
func (s *Server) cookie() string {
	if s.encrypted() {
		return "__Host-kelpie"
	}
	return "kelpie"
}

// encrypted reports whether browsers reach the console by TLS.
func (s *Server) encrypted() bool { return strings.HasPrefix(s.o.Spec.Base(), "https://") }

func (s *Server) setCookie(w http.ResponseWriter, id string, life time.Duration) {
	age := int(life / time.Second)
	if id == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie(), Value: id, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.encrypted(), SameSite: http.SameSiteStrictMode,
	})
}

// session returns the login that a request belongs to; nil if it has none. A login is good for pages, and for what changes
// nothing: what else programs may do needs their token.
func (s *Server) session(rt *Route, r *http.Request) *session {
	if !rt.Page && r.Method != http.MethodGet {
		return nil
	}
	c, err := r.Cookie(s.cookie())
	if err != nil || len(s.tokens) == 0 {
		return nil
	}
	return s.sessions.find(c.Value, s.o.Now())
}

type sessionKey struct{}

func sessionOf(ctx context.Context) *session {
	x, _ := ctx.Value(sessionKey{}).(*session)
	return x
}

// mayOperate reports whether the caller of a page may act.
func (s *Server) mayOperate(r *http.Request) bool {
	if len(s.tokens) == 0 {
		return true
	}
	who := s.identify(r)
	if x := sessionOf(r.Context()); who == nil && x != nil {
		who = x.who
	}
	return who != nil && slices.Contains(who.scopes, Operate)
}

// toLogin sends a browser to the login.
func toLogin(r *http.Request) *Problem {
	target := "/"
	if r.Method == http.MethodGet {
		target = r.URL.RequestURI()
	}
	return problem(http.StatusSeeOther, "login", "Log in first", "this needs a login").with("Location", "/login?next="+url.QueryEscape(target))
}

// onlyHere returns a path of the console, whatever was given.
func onlyHere(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// loginPage is the content of the login.
type loginPage struct {
	Next   string
	Wrong  string
	Arrive bool // the browser has not shown its cookie, since a link of another site led here: it asks again from here
}

func (s *Server) pageLogin(w http.ResponseWriter, r *http.Request) {
	next := onlyHere(r.URL.Query().Get("next"))
	if len(s.tokens) == 0 || sessionOf(r.Context()) != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	arrive := r.Header.Get("Sec-Fetch-Site") == "cross-site"
	s.show(w, r, http.StatusOK, "login", frame{Title: "Log in", Bare: true, Content: loginPage{Next: next, Arrive: arrive}})
}

func (s *Server) actLogin(w http.ResponseWriter, r *http.Request) {
	if p := readForm(w, r); p != nil {
		s.deny(w, r, p)
		return
	}
	next := onlyHere(r.PostForm.Get("next"))
	who := s.bearerOf(strings.TrimSpace(r.PostForm.Get("token")))
	wrong := ""
	switch {
	case len(s.tokens) == 0:
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	case who == nil:
		wrong = "This token is not known."
	case !slices.Contains(who.scopes, Read):
		wrong = "This token may not see anything: it needs the scope read."
	}
	if wrong != "" {
		s.o.Logger.Warn("kelpie: a login was refused", "remote", r.RemoteAddr)
		s.show(w, r, http.StatusForbidden, "login", frame{Title: "Log in", Bare: true, Content: loginPage{Next: next, Wrong: wrong}})
		return
	}
	if c, err := r.Cookie(s.cookie()); err == nil {
		s.sessions.end(c.Value)
	}
	s.setCookie(w, s.sessions.begin(who, s.o.Now()), sessionLife)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) actLogout(w http.ResponseWriter, r *http.Request) {
	if p := readOwnForm(w, r); p != nil {
		s.deny(w, r, p)
		return
	}
	if c, err := r.Cookie(s.cookie()); err == nil {
		s.sessions.end(c.Value)
	}
	s.setCookie(w, "", 0)
	http.Redirect(w, r, "/login?done=logout", http.StatusSeeOther)
}
