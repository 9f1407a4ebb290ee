package server

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"kelpie/alert"
)

// silenceRow is a silence as the console shows it.
type silenceRow struct {
	ListedSilence
	Rest string // how long it lasts yet, or until it begins
}

// silencesPage is the content of the page of silences.
type silencesPage struct {
	Now  []silenceRow // active or to come, what ends first first
	Over []silenceRow // the last ones
	Wish silenceWish
	Fail string // what is wrong with the wish
}

// silenceWish is what the form for a new silence holds.
type silenceWish struct{ Match, For, Comment string }

const mostOverShown = 20

func (s *Server) pageSilences(w http.ResponseWriter, r *http.Request) {
	wish := silenceWish{Match: r.URL.Query().Get("match"), For: "1h"}
	s.showSilences(w, r, http.StatusOK, wish, "")
}

func (s *Server) showSilences(w http.ResponseWriter, r *http.Request, status int, wish silenceWish, fail string) {
	all, err := s.ListSilences("")
	if err != nil {
		s.deny(w, r, s.broken(err))
		return
	}
	page := &silencesPage{Wish: wish, Fail: fail}
	now := s.o.Now().UnixMilli()
	for _, x := range all {
		row := silenceRow{ListedSilence: x}
		switch x.State {
		case alert.SilenceExpired:
			page.Over = append(page.Over, row)
			continue
		case alert.SilencePending:
			row.Rest = spanText(x.From - now)
		default:
			row.Rest = spanText(x.To - now)
		}
		page.Now = append(page.Now, row)
	}
	slices.SortStableFunc(page.Now, func(a, b silenceRow) int { return int(min(1, max(-1, a.To-b.To))) })
	slices.SortStableFunc(page.Over, func(a, b silenceRow) int { return int(min(1, max(-1, b.To-a.To))) })
	page.Over = page.Over[:min(len(page.Over), mostOverShown)]
	s.show(w, r, status, "silences", frame{Title: "Silences", Here: "silences", Content: page})
}

func (s *Server) actAddSilence(w http.ResponseWriter, r *http.Request) {
	p := readOwnForm(w, r)
	var who string
	if p == nil {
		who, p = s.actor(r)
	}
	if p != nil {
		s.deny(w, r, p)
		return
	}
	wish := silenceWish{r.PostForm.Get("match"), strings.TrimSpace(r.PostForm.Get("for")), r.PostForm.Get("comment")}
	x, fail := wish.silence(who, s.o.Now())
	if fail == "" {
		if p := s.addSilence(r, x); p != nil {
			fail = p.Detail
		}
	}
	if fail != "" {
		s.showSilences(w, r, http.StatusUnprocessableEntity, wish, fail)
		return
	}
	http.Redirect(w, r, "/silences?done=silence", http.StatusSeeOther)
}

// silence returns the silence that is wished for, or what is wrong with the wish.
func (f silenceWish) silence(who string, now time.Time) (x alert.Silence, fail string) {
	m, err := alert.ParseMatcher(strings.TrimSpace(f.Match))
	if err != nil {
		return x, err.Error()
	}
	d, err := time.ParseDuration(strings.ReplaceAll(f.For, " ", ""))
	if err != nil || d <= 0 || d > 366*24*time.Hour {
		return x, "for how long? Write a duration such as 30m, 2h or 48h."
	}
	from := now.UnixMilli()
	return alert.Silence{Match: alert.Matchers{m}, From: from, To: from + d.Milliseconds(), By: who, Comment: f.Comment}, ""
}

func (s *Server) actExpireSilence(w http.ResponseWriter, r *http.Request) {
	p := readOwnForm(w, r)
	var who string
	if p == nil {
		who, p = s.actor(r)
	}
	if p == nil {
		_, p = s.Expire(r.Context(), r.PathValue("id"), who, "")
	}
	if p != nil {
		s.deny(w, r, p)
		return
	}
	http.Redirect(w, r, "/silences?done=expire", http.StatusSeeOther)
}
