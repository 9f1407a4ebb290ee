package server

import (
	"context"
	"errors"
	"net/http"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/rules"
)

func (s *Server) silenceRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/v1/silences", Scope: Read, Handler: s.getSilences},
		{Method: http.MethodPost, Path: "/v1/silences", Scope: Operate, Handler: s.postSilence},
		{Method: http.MethodDelete, Path: "/v1/silences/{id}", Scope: Operate, Handler: s.deleteSilence},
	}
}

// ListedSilence is a silence as it stands now.
type ListedSilence struct {
	*alert.Silence
	State alert.SilenceState
}

// MarshalJSON writes the silence's stable form with its state.
func (x ListedSilence) MarshalJSON() ([]byte, error) {
	b, err := x.Silence.MarshalJSON()
	return append(b[:len(b)-1], `,"state":"`+string(x.State)+`"}`...), err
}

// ListSilences returns the silences that are kept, by the time at which they begin, as they may be seen; those in a state,
// unless it is "".
func (s *Server) ListSilences(in alert.SilenceState) ([]ListedSilence, error) {
	all, err := alert.Silences(s.o.Store)
	list, now := []ListedSilence{}, s.o.Now().UnixMilli()
	for _, x := range all {
		if is := x.State(now); in == "" || is == in {
			list = append(list, ListedSilence{x.Masked(s.o.Mask), is})
		}
	}
	return list, err
}

func (s *Server) getSilences(w http.ResponseWriter, r *http.Request) {
	x := paramsOf(r)
	in := x.choice("state", string(alert.SilencePending), string(alert.SilenceActive), string(alert.SilenceExpired))
	if p := x.end(); p != nil {
		p.write(w)
		return
	}
	list, err := s.ListSilences(alert.SilenceState(in))
	if err != nil {
		s.broken(err).write(w)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Silences []ListedSilence `json:"silences"`
	}{list})
}

// silenceBody is what a silence is asked for with.
type silenceBody struct {
	Match   []string `json:"match"`
	From    string   `json:"from"` // now, if it is not given
	To      string   `json:"to"`
	For     string   `json:"for"` // in place of to
	By      string   `json:"by"`
	Comment string   `json:"comment"`
}

// silence makes a silence of it.
func (b *silenceBody) silence(now int64) (x alert.Silence, err error) {
	x = alert.Silence{From: now, By: b.By, Comment: b.Comment}
	var wrong []error
	for _, text := range b.Match {
		m, err := alert.ParseMatcher(text)
		if err != nil {
			wrong = append(wrong, errors.New("match: "+err.Error()))
		}
		x.Match = append(x.Match, m)
	}
	moment := func(name, text string, into *int64) {
		ms, ok := event.ParseTime(event.StringValue(text))
		if !ok {
			wrong = append(wrong, errors.New(name+": it is a time such as 2026-01-05T10:00:00Z"))
		}
		*into = ms
	}
	if b.From != "" {
		moment("from", b.From, &x.From)
	}
	switch {
	case (b.To == "") == (b.For == ""):
		wrong = append(wrong, errors.New("to: one of to and for says when it ends"))
	case b.To != "":
		moment("to", b.To, &x.To)
	default:
		ms, err := rules.ParseDuration(b.For)
		if err != nil {
			wrong = append(wrong, errors.New("for: "+err.Error()))
		}
		x.To = x.From + ms
	}
	if wrong == nil {
		wrong = append(wrong, x.Validate())
	}
	return x, errors.Join(wrong...)
}

func (s *Server) postSilence(w http.ResponseWriter, r *http.Request) {
	var body silenceBody
	p := s.hear(w, r, &body)
	if p == nil {
		body.By, p = s.speaker(r, body.By)
	}
	var x alert.Silence
	if p == nil {
		var err error
		if x, err = body.silence(s.o.Now().UnixMilli()); err != nil {
			p = wrongBody("%v", err)
		}
	}
	var added *ListedSilence
	if p == nil {
		added, p = s.Silence(r.Context(), x)
	}
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusCreated, added)
}

// Silence adds a silence, and returns it when it holds.
func (s *Server) Silence(ctx context.Context, x alert.Silence) (*ListedSilence, *Problem) {
	ctx, cancel := context.WithTimeout(ctx, sayTimeout)
	defer cancel()
	id, err := s.o.Service.AddSilence(ctx, x)
	if err != nil {
		return nil, notSaid(err)
	}
	return s.silence(id)
}

// Expire ends a silence, and returns it as it is then. What can be seen to be wrong is not brought into the log.
func (s *Server) Expire(ctx context.Context, id, by, comment string) (*ListedSilence, *Problem) {
	switch x, p := s.silence(id); {
	case p != nil:
		return nil, p
	case x.State == alert.SilenceExpired:
		return nil, notSaid(alert.ErrSilenceOver)
	}
	ctx, cancel := context.WithTimeout(ctx, sayTimeout)
	defer cancel()
	if err := s.o.Service.ExpireSilence(ctx, id, by, comment); err != nil {
		return nil, notSaid(err)
	}
	return s.silence(id)
}

// silence returns the silence with an id.
func (s *Server) silence(id string) (*ListedSilence, *Problem) {
	list, err := s.ListSilences("")
	if err != nil {
		return nil, s.broken(err)
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, problem(http.StatusNotFound, "no-silence", "No such silence", "there is no silence with this id")
}

// deleteSilence ends a silence; it stays in the list for a while, with who ended it.
func (s *Server) deleteSilence(w http.ResponseWriter, r *http.Request) {
	var said struct {
		By      string `json:"by"`
		Comment string `json:"comment"`
	}
	p := s.hear(w, r, &said)
	if p == nil {
		said.By, p = s.speaker(r, said.By)
	}
	var x *ListedSilence
	if p == nil {
		x, p = s.Expire(r.Context(), r.PathValue("id"), said.By, said.Comment)
	}
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, x)
}
