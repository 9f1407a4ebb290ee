package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"kelpie/alert"
	"kelpie/journal"
	"kelpie/state"
)

// Command is what a person says of an alert. It becomes an entry in the log, so that a replay sees it at the same place,
// and who said it is kept.
type Command struct {
	Kind    journal.Kind `json:"-"`     // AlertAcknowledged, AlertLabelled or AlertResolved
	Alert   string       `json:"alert"` // its id
	By      string       `json:"by"`
	Verdict string       `json:"verdict,omitempty"` // of AlertLabelled: alert.TruePositive or alert.FalsePositive
	Comment string       `json:"comment,omitempty"`
}

// Errors of commands that cannot be carried out.
var (
	// ErrNoAlert says that there is no alert with the id of a command.
	ErrNoAlert = errors.New("there is no such alert")
	// ErrOver says that an alert that is to be resolved or acknowledged has resolved already.
	ErrOver = errors.New("the alert has resolved already")
	// ErrNotRunning says that the service takes no commands: it has not begun, or has ended.
	ErrNotRunning = errors.New("the service is not running")
)

const (
	mostComment = 4 << 10 // bytes
	mostName    = 256
)

// Validate says what is wrong with a command, in words that begin with the name of the member.
func (c *Command) Validate() error {
	switch {
	case c.Alert == "":
		return errors.New("alert: none is named")
	case c.By == "" || len(c.By) > mostName:
		return fmt.Errorf("by: who says it is needed, in at most %d bytes", mostName)
	case len(c.Comment) > mostComment:
		return fmt.Errorf("comment: it has at most %d bytes", mostComment)
	case c.Kind == journal.AlertLabelled && c.Verdict != alert.TruePositive && c.Verdict != alert.FalsePositive:
		return fmt.Errorf("verdict: it is %s or %s", alert.TruePositive, alert.FalsePositive)
	}
	switch c.Kind {
	case journal.AlertAcknowledged, journal.AlertLabelled, journal.AlertResolved:
		return nil
	}
	return fmt.Errorf("kind: %v is none of a command", c.Kind)
}

// Command appends the command to the log and waits until what it changes has been committed. Errors that it would change
// nothing (errors.Is ErrNoAlert, ErrOver) leave it in the log as it was said.
func (s *Service) Command(ctx context.Context, c Command) error {
	payload, err := c.Entry()
	if err != nil {
		return err
	}
	return s.say(ctx, c.Kind, payload)
}

// Entry returns the payload of the command's entry in the log, of its Kind.
func (c *Command) Entry() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("engine: command: %w", err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("engine: command: %w", err)
	}
	return payload, nil
}

// say brings what a person says into the log, and waits until what it changes has been committed.
func (s *Service) say(ctx context.Context, kind journal.Kind, payload []byte) error {
	r := newUrgentRequest(kind, payload)
	if err := s.ask(ctx, r, r.committed); err != nil {
		return err
	}
	return r.err
}

// AddSilence appends a silence to the log and waits until it holds. Without an ID it gets one, which is returned; with
// that of a silence that is there it takes its place.
func (s *Service) AddSilence(ctx context.Context, x alert.Silence) (id string, err error) {
	id, payload, err := SilenceEntry(x)
	if err != nil {
		return "", err
	}
	return id, s.say(ctx, journal.SilenceAdded, payload)
}

// SilenceEntry returns the payload of a SilenceAdded entry, and the silence's id: a new one, if it has none.
func SilenceEntry(x alert.Silence) (id string, payload []byte, err error) {
	if x.ID == "" {
		x.ID = rand.Text()
	}
	if err := x.Validate(); err != nil {
		return "", nil, err
	}
	if payload, err = json.Marshal(x); err != nil {
		return "", nil, fmt.Errorf("engine: silence: %w", err)
	}
	return x.ID, payload, nil
}

// ExpireSilence ends a silence now. Errors that it would change nothing are state.ErrNotFound and alert.ErrSilenceOver.
func (s *Service) ExpireSilence(ctx context.Context, id, by, comment string) error {
	payload, err := ExpiryEntry(id, by, comment)
	if err != nil {
		return err
	}
	return s.say(ctx, journal.SilenceExpired, payload)
}

// ExpiryEntry returns the payload of a SilenceExpired entry.
func ExpiryEntry(id, by, comment string) ([]byte, error) {
	if id == "" || by == "" || len(by) > mostName || len(comment) > mostComment {
		return nil, errors.New("engine: silence: its id, and who ends it, are needed")
	}
	payload, err := json.Marshal(endOfSilence{id, by, comment})
	if err != nil {
		return nil, fmt.Errorf("engine: silence: %w", err)
	}
	return payload, nil
}

type endOfSilence struct {
	Silence string `json:"silence"`
	By      string `json:"by"`
	Comment string `json:"comment,omitempty"`
}

// obey carries out the commands of a stretch.
func (l *loop) obey(x *stretch) error {
	for i := range x.lines {
		err := l.carryOut(x.kind, x.payload(i), x.appended)
		switch {
		case errors.Is(err, state.ErrFatal):
			return err
		case x.requests != nil:
			x.requests[i].err = err
		case err != nil:
			l.s.o.Logger.Warn("kelpie: an entry of the log changes nothing", "offset", x.lines[i].Offset, "kind", x.kind.String(), "error", err)
		}
	}
	return nil
}

// carryOut carries out one entry, which was appended at a time.
func (l *loop) carryOut(kind journal.Kind, payload []byte, at int64) error {
	switch kind {
	case journal.SilenceAdded:
		var s alert.Silence
		if err := json.Unmarshal(payload, &s); err != nil {
			return err
		}
		s.Added = at
		l.touch()
		return l.book.AddSilence(s)
	case journal.SilenceExpired:
		var e endOfSilence
		if err := json.Unmarshal(payload, &e); err != nil {
			return err
		}
		l.touch()
		return l.book.ExpireSilence(e.Silence, alert.Mark{By: e.By, At: at, Comment: e.Comment})
	}
	c := Command{Kind: kind}
	if err := json.Unmarshal(payload, &c); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("engine: command: %w", err)
	}
	return l.command(&c, at)
}

func (l *loop) command(c *Command, at int64) error {
	a, err := l.book.Get(c.Alert)
	if errors.Is(err, state.ErrNotFound) {
		return ErrNoAlert
	}
	if err != nil {
		return err
	}
	l.touch()
	m := alert.Mark{By: c.By, At: at, Word: c.Verdict, Comment: c.Comment}
	switch {
	case c.Kind == journal.AlertLabelled:
		return l.book.Label(a.ID, m)
	case !a.Open():
		return ErrOver
	case c.Kind == journal.AlertAcknowledged:
		return l.book.Acknowledge(a.ID, m)
	}
	return l.resolveByHand(a, m)
}

func (l *loop) resolveByHand(a *alert.Alert, m alert.Mark) error {
	if err := l.book.ResolvedBy(a.ID, m); err != nil {
		return err
	}
	id, rule, at := a.ID, a.Rule, max(a.Updated, l.engine.newest)
	fx, found, err := l.engine.ResolveByHand(rule, a.Key, id)
	if err != nil {
		return err
	}
	if found {
		return l.take(fx)
	}
	l.tally.Open[rule]--
	return l.book.Resolve(id, at, alert.ByHand)
}
