package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kelpie/mask"
	"kelpie/state"
)

// Silence says that for a while nobody is told of alerts that match it. They open and resolve as ever and can be seen;
// those that are firing when it ends are told then. It is an entry of the log, so that who asked for it is kept, and a row
// of the state. Its times are the clock's, ms.
type Silence struct {
	ID      string
	Match   Matchers // all must hold
	From    int64
	To      int64 // exclusive
	By      string
	Comment string
	Added   int64 // append time of its entry
	Expired *Mark // who ended it early; To is when
}

// What a silence may hold.
const (
	mostSilenceMatchers = 32
	mostSilenceText     = 4 << 10 // bytes, of By and Comment
)

// Validate says what is wrong with a silence, each as an error that begins with the member's name in JSON.
func (s *Silence) Validate() error {
	var errs []error
	wrong := func(is bool, text string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(text, args...))
		}
	}
	wrong(len(s.Match) == 0, "match: at least one matcher is needed")
	wrong(len(s.Match) > mostSilenceMatchers, "match: at most %d matchers", mostSilenceMatchers)
	wrong(len(s.Match) > 0 && s.Match.vague(), "match: this would silence everything: one matcher must need a label")
	wrong(s.To <= s.From, "to: must be after from")
	wrong(s.By == "", "by: who asks for it is needed")
	wrong(len(s.By) > mostSilenceText, "by: at most %d bytes", mostSilenceText)
	wrong(len(s.Comment) > mostSilenceText, "comment: at most %d bytes", mostSilenceText)
	return errors.Join(errs...)
}

// SilenceState says how a silence stands at a moment.
type SilenceState string

// The states of a silence.
const (
	SilencePending SilenceState = "pending"
	SilenceActive  SilenceState = "active"
	SilenceExpired SilenceState = "expired"
)

// State returns how the silence stands at a time of the clock, ms.
func (s *Silence) State(now int64) SilenceState {
	switch {
	case now >= s.To:
		return SilenceExpired
	case now < s.From:
		return SilencePending
	}
	return SilenceActive
}

// SilencedBy returns the ids of those of the silences that match an alert, by what it says or by what is seen of it, and
// are active now.
func SilencedBy(silences []*Silence, a *Alert, f *mask.Fields, now int64) (ids []string) {
	var set, seen map[string]string
	for _, s := range silences {
		if s.State(now) != SilenceActive {
			continue
		}
		if set == nil {
			set, seen = a.LabelSet(), a.seenAs(f)
		}
		if s.Match.MatchEither(set, seen) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// Silences returns all silences that are kept, by the time at which they begin.
func Silences(s *state.Store) (all []*Silence, err error) {
	rows, err := s.Silences()
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		one, err := decodeSilence(row)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b *Silence) int {
		if a.From != b.From {
			return int(min(1, max(-1, a.From-b.From)))
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all, nil
}

// silenceJSON is the JSON form of a silence. Members may be added.
type silenceJSON struct {
	ID      string    `json:"id"`
	Match   Matchers  `json:"match"`
	From    timeJSON  `json:"from"`
	To      timeJSON  `json:"to"`
	By      string    `json:"by"`
	Comment string    `json:"comment,omitempty"`
	Added   timeJSON  `json:"added"`
	Expired *markJSON `json:"expired,omitempty"`
}

// MarshalJSON writes the silence's stable JSON form.
func (s Silence) MarshalJSON() ([]byte, error) {
	return marshal(silenceJSON{
		s.ID, append(Matchers{}, s.Match...), timeJSON(s.From), timeJSON(s.To), s.By, s.Comment, timeJSON(s.Added), markOf(s.Expired),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote; members that it does not know are ignored.
func (s *Silence) UnmarshalJSON(b []byte) error {
	var j silenceJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("alert: read silence: %w", err)
	}
	*s = Silence{j.ID, j.Match, int64(j.From), int64(j.To), j.By, j.Comment, int64(j.Added), j.Expired.mark()}
	return nil
}

func decodeSilence(row state.Named) (*Silence, error) {
	s := new(Silence)
	if err := json.Unmarshal(row.Value, s); err != nil {
		return nil, fmt.Errorf("alert: silence %q: %w", row.Name, err)
	}
	return s, nil
}
