package alert

import (
	"errors"
	"fmt"

	"kelpie/event"
	"kelpie/state"
)

// ErrSilenceOver says that a silence that is to be ended has ended already.
var ErrSilenceOver = errors.New("the silence has ended already")

// keepSilences is how long silences are kept after their end, ms.
const keepSilences = 30 * 24 * 3600 * 1000

// silenceEntry is a silence that has changed, or, where it is nil, is forgotten.
type silenceEntry struct {
	*Silence
	epoch uint64 // of the Flush that writes, or wrote, it
}

// AddSilence adds a silence, or changes the one with its id, and forgets those that ended long before Added.
func (k *Book) AddSilence(s Silence) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("alert: silence: %w", err)
	}
	all, err := Silences(k.store)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.To < s.Added-keepSilences {
			k.silences[old.ID] = silenceEntry{nil, k.epoch}
		}
	}
	k.silences[s.ID] = silenceEntry{&s, k.epoch}
	return nil
}

// Silence returns the silence with the id, changes that are not committed included. The error is state.ErrNotFound if
// there is none. It belongs to the book.
func (k *Book) Silence(id string) (*Silence, error) {
	e, changed := k.silences[id]
	if changed && e.Silence != nil {
		return e.Silence, nil
	}
	var row []byte
	if !changed {
		var err error
		if row, err = k.store.Silence(id); err != nil {
			return nil, err
		}
	}
	if row == nil {
		return nil, fmt.Errorf("alert: silence %q: %w", id, state.ErrNotFound)
	}
	return decodeSilence(state.Named{Name: id, Value: row})
}

// ExpireSilence ends a silence at m.At. Errors beside the state's are state.ErrNotFound and ErrSilenceOver.
func (k *Book) ExpireSilence(id string, m Mark) error {
	s, err := k.Silence(id)
	if err != nil {
		return err
	}
	if s.To <= m.At {
		return fmt.Errorf("alert: silence %q, until %s: %w", id, event.FormatTime(s.To), ErrSilenceOver)
	}
	ended := *s
	ended.From, ended.To, ended.Expired = min(s.From, m.At), m.At, &m
	k.silences[id] = silenceEntry{&ended, k.epoch}
	return nil
}

// flushSilences puts what has changed since the last Flush into the batch.
func (k *Book) flushSilences(b *state.Batch) error {
	for id, e := range k.silences {
		if e.epoch != k.epoch {
			continue
		}
		if e.Silence == nil {
			b.DeleteSilence(id)
			continue
		}
		data, err := e.MarshalJSON()
		if err != nil {
			return fmt.Errorf("alert: write silence %q: %w", id, err)
		}
		b.SetSilence(id, data)
	}
	return nil
}

// silencesChanged reports whether Flush has silences to write.
func (k *Book) silencesChanged() bool {
	for _, e := range k.silences {
		if e.epoch == k.epoch {
			return true
		}
	}
	return false
}
