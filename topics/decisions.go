package topics

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kelpie/event"
	"kelpie/mask"
	"kelpie/source/kafka"
	"kelpie/state"
)

// DecisionTarget is the part `kafka:` of decisions.
type DecisionTarget struct {
	kafka.Target `yaml:",inline"`
	Key          string `yaml:"key"` // path of the field by which records are in order; default: none, all are in one partition
	Max          int    `yaml:"max"` // how many may wait to be copied, about; the oldest beyond are given up; default 1,000,000
}

// mostMade is how many decisions may wait, unless it is said.
const mostMade = 1_000_000

// Validate says what is wrong, each as an error that begins with the setting's name.
func (t DecisionTarget) Validate() error {
	if _, err := t.path(); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if t.Max < 0 || t.Max > 100_000_000 {
		return errors.New("max: must be from 1 to 100000000")
	}
	return t.Target.Validate()
}

func (t DecisionTarget) path() (event.Path, error) {
	if t.Key == "" {
		return nil, nil
	}
	return event.ParsePath(t.Key)
}

// Decisions returns a Copier of the decisions that were made, at decisions.kafka.
func Decisions(o Options, t DecisionTarget) (*Copier, error) {
	path, err := t.path()
	if err != nil {
		return nil, fmt.Errorf("topics: key: %w", err)
	}
	return open(o, &madeList{o.Store, o.Mask, path, int64(cmp.Or(t.Max, mostMade))})
}

// madeList are the decisions that the state keeps to be copied. An entry's number is the offset of its event in the log,
// and one more, so that numbers begin at 1.
type madeList struct {
	store *state.Store
	mask  *mask.Fields
	key   event.Path
	most  int64
}

func (*madeList) name() string                       { return "decisions" }
func (*madeList) setting() string                    { return "decisions.kafka" }
func (l *madeList) ready() <-chan struct{}           { return l.store.MadeReady() }
func (*madeList) start() (uint64, error)             { return 0, nil }
func (*madeList) missing(_, _ uint64) uint64         { return 0 } // see excess
func (*madeList) copied(b *state.Batch, upTo uint64) { b.DeleteMade(int64(upTo)) }

func (l *madeList) read(from uint64, f func(uint64, kafka.Message) bool) error {
	return l.store.Made(int64(from)-1, func(offset int64, made []byte) (bool, error) {
		return f(uint64(offset)+1, decisionMessage(made, l.mask, l.key)), nil
	})
}

func (l *madeList) waiting(upTo uint64) (n int64) {
	// A store that fails says so itself.
	_ = l.store.Made(int64(upTo), func(int64, []byte) (bool, error) { n++; return true, nil })
	return n
}

func (l *madeList) excess(upTo uint64) (last uint64, n int64, err error) {
	over := l.waiting(upTo) - l.most
	if over <= 0 {
		return 0, 0, nil
	}
	err = l.store.Made(int64(upTo), func(offset int64, _ []byte) (bool, error) {
		last, n = uint64(offset)+1, n+1
		return n < over, nil
	})
	return last, n, err
}

// Headers of the record of a decision, beside its id and its position, which is that of the event that was asked about.
const (
	headerDecision = "kelpie-decision" // review or block
	headerRules    = "kelpie-rules"    // that decided, with commas between
)

// decisionMessage makes the record of a DecisionMade, of this event alone.
func decisionMessage(made []byte, m *mask.Fields, key event.Path) kafka.Message {
	value, ok := m.Event(made)
	if !ok { // unreachable: it was folded
		value = mask.Withheld(len(made))
	}
	var d struct {
		Decision struct {
			Answer   string   `json:"answer"`
			Rules    []string `json:"rules"`
			Position string   `json:"position"`
		} `json:"decision"`
	}
	_ = json.Unmarshal(value, &d) // what cannot be read is in no header
	return kafka.Message{
		Key: member(value, key), Value: value,
		Headers: []kafka.Header{
			header(headerID, idOf("dec_", string(value))), header(headerPosition, d.Decision.Position),
			header(headerDecision, d.Decision.Answer), header(headerRules, strings.Join(d.Decision.Rules, ",")),
			header("content-type", "application/json"),
		},
	}
}

// member returns what stands at a path of an object, a text without its quotes; nil if nothing does.
func member(object []byte, path event.Path) []byte {
	if len(path) == 0 {
		return nil
	}
	value := json.RawMessage(object)
	for _, name := range path {
		members := map[string]json.RawMessage{}
		if json.Unmarshal(value, &members) != nil || members[name] == nil {
			return nil
		}
		value = members[name]
	}
	var text *string
	switch err := json.Unmarshal(value, &text); {
	case err != nil:
		return value
	case text == nil: // null
		return nil
	}
	return []byte(*text)
}
