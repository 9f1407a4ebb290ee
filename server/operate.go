package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/state"
)

// Operator takes what people say, and returns when it is durable and holds: engine.Service.
type Operator interface {
	// Command acknowledges, labels or resolves an alert.
	Command(ctx context.Context, c engine.Command) error
	// AddSilence adds a silence, or puts it in the place of the one with its ID.
	AddSilence(ctx context.Context, x alert.Silence) (id string, err error)
	// ExpireSilence ends a silence now.
	ExpireSilence(ctx context.Context, id, by, comment string) error
}

// saying is the body of a request by which somebody says something.
type saying struct {
	By      string `json:"by"`
	Comment string `json:"comment"`
	Verdict string `json:"verdict"`
}

func (s *Server) postAcknowledge(w http.ResponseWriter, r *http.Request) {
	s.command(w, r, journal.AlertAcknowledged)
}

func (s *Server) postLabel(w http.ResponseWriter, r *http.Request) {
	s.command(w, r, journal.AlertLabelled)
}

func (s *Server) postResolve(w http.ResponseWriter, r *http.Request) {
	s.command(w, r, journal.AlertResolved)
}

// command brings what somebody says of an alert into the log, and answers with the alert as it is then.
func (s *Server) command(w http.ResponseWriter, r *http.Request, kind journal.Kind) {
	var said saying
	p := s.hear(w, r, &said)
	if p == nil && said.Verdict != "" && kind != journal.AlertLabelled {
		p = wrongBody("verdict: it belongs to a label")
	}
	var who string
	if p == nil {
		who, p = s.speaker(r, said.By)
	}
	var a *ListedAlert
	if p == nil {
		a, p = s.FindAlert(r.PathValue("id"))
	}
	if p == nil {
		p = s.Say(r.Context(), a, engine.Command{Kind: kind, Alert: a.ID, By: who, Verdict: said.Verdict, Comment: said.Comment})
	}
	if p != nil {
		p.write(w)
		return
	}
	s.answerAlert(w, a.ID)
}

// sayTimeout is how long a caller waits until what was said holds.
const sayTimeout = 20 * time.Second

// Say carries out a command about an alert. What can be seen to be wrong is not brought into the log.
func (s *Server) Say(ctx context.Context, a *ListedAlert, c engine.Command) *Problem {
	if err := c.Validate(); err != nil {
		return wrongBody("%v", err)
	}
	if !a.Open() && c.Kind != journal.AlertLabelled {
		return notSaid(engine.ErrOver)
	}
	ctx, cancel := context.WithTimeout(ctx, sayTimeout)
	defer cancel()
	return notSaid(s.o.Service.Command(ctx, c))
}

// notSaid says why something that was said does not hold.
func notSaid(err error) *Problem {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrNoAlert):
		return problem(http.StatusNotFound, "no-alert", "No such alert", "%v", engine.ErrNoAlert)
	case errors.Is(err, engine.ErrOver):
		return problem(http.StatusConflict, "over", "Too late", "%v", engine.ErrOver)
	case errors.Is(err, state.ErrNotFound):
		return problem(http.StatusNotFound, "no-silence", "No such silence", "there is no silence with this id")
	case errors.Is(err, alert.ErrSilenceOver):
		return problem(http.StatusConflict, "over", "Too late", "the silence is over already")
	case errors.Is(err, engine.ErrNotRunning):
		return problem(http.StatusServiceUnavailable, "not-running", "Not now", "%v", err).after(time.Second)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, "unknown", "Not known", "it may be carried out yet: look, before it is said again").after(5 * time.Second)
	}
	return problem(http.StatusInternalServerError, "internal", "Internal error", "%v", err)
}

func wrongBody(format string, args ...any) *Problem {
	return problem(http.StatusBadRequest, "body", "The body is wrong", format, args...)
}

// speaker returns who says it: the name of the token, or, where there are no tokens, whom the caller names.
func (s *Server) speaker(r *http.Request, by string) (string, *Problem) {
	if p := s.running(); p != nil {
		return "", p
	}
	who := Caller(r.Context())
	switch {
	case len(s.tokens) == 0 && by == "":
		return "", wrongBody("by: say who you are")
	case len(s.tokens) == 0:
		return by, nil
	case by != "" && by != who:
		return "", wrongBody("by: the token is that of %s", who)
	}
	return who, nil
}

// running says why nothing can be carried out now.
func (s *Server) running() *Problem {
	if p := s.o.Service.Phase(); p != engine.Running {
		return problem(http.StatusServiceUnavailable, "not-running", "Not now", "the service is %s", p).after(time.Second)
	}
	return nil
}

// mostSaid is how large the body of a request may be by which somebody says something, bytes.
const mostSaid = 64 << 10

// hear reads the body of a request by which somebody says something, strictly. No body is an empty object. The query must
// be empty.
func (s *Server) hear(w http.ResponseWriter, r *http.Request, into any) *Problem {
	if p := paramsOf(r).end(); p != nil {
		return p
	}
	if text := r.Header.Get("Content-Type"); text != "" {
		if form, _, err := mime.ParseMediaType(text); err != nil || form != "application/json" {
			return problem(http.StatusUnsupportedMediaType, "media-type", "Not this form", "the body is application/json, not %q", text)
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostSaid))
	var much *http.MaxBytesError
	switch {
	case errors.As(err, &much):
		return problem(http.StatusRequestEntityTooLarge, "too-large", "Too large", "the body has at most %d bytes", mostSaid).hangUp()
	case err != nil:
		return wrongBody("it did not come whole").hangUp()
	case len(body) == 0:
		return nil
	}
	return strictly(body, into)
}

// strictly decodes one JSON value; members that it does not know are mistakes.
func strictly(body []byte, into any) *Problem {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return wrongBody("%s", jsonWords(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return wrongBody("something stands behind the JSON value")
	}
	return nil
}

// jsonWords says what is wrong with JSON without the names of Go.
func jsonWords(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("%s: it cannot be a %s", kind.Field, kind.Value)
	}
	return err.Error()
}
