package server

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
)

// consoleCaller is who acts on a page where there are no tokens, and so nobody has a name.
const consoleCaller = "console"

// actor returns who sends a form.
func (s *Server) actor(r *http.Request) (string, *Problem) {
	switch x := sessionOf(r.Context()); {
	case len(s.tokens) == 0:
		return s.speaker(r, consoleCaller)
	case Caller(r.Context()) == "" && x != nil:
		return x.who.name, s.running()
	}
	return s.speaker(r, "")
}

func (s *Server) actAcknowledge(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, journal.AlertAcknowledged, "acknowledge")
}

func (s *Server) actResolve(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, journal.AlertResolved, "resolve")
}

func (s *Server) actLabel(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, journal.AlertLabelled, "")
}

// act brings what a form says of an alert into the log, and goes back to a page. done is the word of the notice there; ""
// is the verdict.
func (s *Server) act(w http.ResponseWriter, r *http.Request, kind journal.Kind, done string) {
	a, who, p := s.meant(w, r)
	if p == nil {
		c := engine.Command{Kind: kind, Alert: a.ID, By: who, Comment: r.PostForm.Get("comment")}
		if kind == journal.AlertLabelled {
			c.Verdict = r.PostForm.Get("verdict")
			done = c.Verdict
		}
		p = s.Say(r.Context(), a, c)
	}
	if p != nil {
		s.deny(w, r, p)
		return
	}
	back(w, r, "/alerts/"+a.ID, done)
}

// meant returns the alert that a form is about, and who sends it.
func (s *Server) meant(w http.ResponseWriter, r *http.Request) (a *ListedAlert, who string, p *Problem) {
	if p = readOwnForm(w, r); p != nil {
		return nil, "", p
	}
	if who, p = s.actor(r); p != nil {
		return nil, "", p
	}
	a, p = s.FindAlert(r.PathValue("id"))
	return a, who, p
}

// back leads to the page that the form names, or to another, with a notice.
func back(w http.ResponseWriter, r *http.Request, otherwise, done string) {
	target := r.PostForm.Get("back")
	if target == "" || onlyHere(target) != target || strings.ContainsAny(target, "?#") {
		target = otherwise
	}
	http.Redirect(w, r, target+"?done="+url.QueryEscape(done), http.StatusSeeOther)
}

// actRedeliver sends the newest notification about an alert to a receiver once more.
func (s *Server) actRedeliver(w http.ResponseWriter, r *http.Request) {
	a, _, p := s.meant(w, r)
	if p == nil {
		_, p = s.redeliver(r.Context(), a.ID, r.PostForm.Get("receiver"))
	}
	if p != nil {
		s.deny(w, r, p)
		return
	}
	back(w, r, "/alerts/"+a.ID, "redeliver")
}

// silenceFor is how long the button of an alert silences what is like it.
const silenceFor = time.Hour

func (s *Server) actSilenceAlert(w http.ResponseWriter, r *http.Request) {
	a, who, p := s.meant(w, r)
	if p == nil {
		p = s.silenceLike(r, a.Alert, who)
	}
	if p != nil {
		s.deny(w, r, p)
		return
	}
	back(w, r, "/alerts/"+a.ID, "silence")
}

// silenceLike silences, for a while, alerts of the same rule and key.
func (s *Server) silenceLike(r *http.Request, a *alert.Alert, who string) *Problem {
	x, err := alert.SilenceLike(a)
	if err != nil {
		return wrongBody("%v", err)
	}
	x.From = s.o.Now().UnixMilli()
	x.To, x.By, x.Comment = x.From+silenceFor.Milliseconds(), who, r.PostForm.Get("comment")
	return s.addSilence(r, x)
}

// addSilence adds a silence that a form asks for.
func (s *Server) addSilence(r *http.Request, x alert.Silence) *Problem {
	check := x
	check.ID = "new"
	if err := check.Validate(); err != nil {
		return wrongBody("%v", err)
	}
	_, p := s.Silence(r.Context(), x)
	return p
}
